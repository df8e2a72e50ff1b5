"""`vesselflow decode FILE`: print what source and ingest make of a file, without Kafka."""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import click
import msgspec

from vesselflow.core import ais
from vesselflow.core.model import Identity, PositionBatch, VesselState, iso, vessel_id
from vesselflow.core.normalise import Normalised, normalise
from vesselflow.core.states import VesselStates
from vesselflow.core.statics import new_statics
from vesselflow.settings import Settings
from vesselflow.sources.files import FileOfStates
from vesselflow.sources.losses import Loss, Losses

_GROUP = 500
#: No time lies in the future of a file.
_NO_LIMIT_MS = 1 << 60


@click.command(name="decode")
@click.argument("file")
def command(file: str) -> None:
    """Print the positions, static data and rejects in FILE as JSON lines; - is standard input.

    What is not available is null. A summary goes to standard error.
    """
    settings = Settings.from_env(os.environ)
    counts: Counter[str] = Counter()
    for row in decoded(file, "imo" if settings.identity == "imo" else "mmsi", counts):
        click.echo(msgspec.json.encode(row))
    click.echo(", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "nothing", err=True)


def decoded(file: str, identity: Identity, counts: Counter[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each position, changed static data and reject of *file*; add up *counts*.

    For every 500 states the static data come first, then the positions, then the rejects.
    """
    lost: list[Loss] = []
    states = (state for _, state in FileOfStates(file, Losses(lost.append)))
    statics = new_statics()
    while group := list(islice(states, _GROUP)):
        found = _normalised(group, statics, identity)
        counts.update(found.counts)
        statics.apply(found.detection)
        yield from _static_rows(found, statics)
        yield from _position_rows(found.batch)
        rejects = [(reject.reason, reject.detail, reject.payload) for reject in found.rejects]
        yield from _reject_rows(rejects, counts)
        yield from _reject_rows(_taken(lost), counts)
    yield from _reject_rows(_taken(lost), counts)


def _normalised(group: list[VesselState], statics: VesselStates, identity: Identity) -> Normalised:
    return normalise(
        group,
        statics,
        identity=identity,
        received_ms=0,
        source_partition=0,
        source_offset=0,
        future_limit_ms=_NO_LIMIT_MS,
    )


def _taken(lost: list[Loss]) -> list[tuple[str, str, str]]:
    rows = [(loss.reason, loss.detail or f"line {loss.line}", loss.text) for loss in lost]
    lost.clear()
    return rows


def _reject_rows(rejects: list[tuple[str, str, str]], counts: Counter[str]) -> Iterator[dict[str, Any]]:
    for reason, detail, payload in rejects:
        counts[f"reject {reason}"] += 1
        yield {"kind": "reject", "reason": reason, "detail": detail, "payload": payload}


def _position_rows(batch: PositionBatch) -> Iterator[dict[str, Any]]:
    for row in range(len(batch)):
        status = int(batch.nav_status[row])
        yield {
            "kind": "position",
            "vessel": vessel_id(int(batch.vessel[row])),
            "imo": int(batch.imo[row]) or None,
            "mmsi": int(batch.mmsi[row]) or None,
            "at": iso(int(batch.at_ms[row])) if batch.at_ms[row] else None,
            "lon": float(batch.lon_deg[row]),
            "lat": float(batch.lat_deg[row]),
            "sogKn": _number(batch.sog_kn[row]),
            "cogDeg": _number(batch.cog_deg[row]),
            "headingDeg": _number(batch.heading_deg[row]),
            "navStatus": ais.nav_status_name(status),
            **{key: batch.text(column, row) for key, column in _BATCH_TEXTS.items()},
        }


def _static_rows(found: Normalised, statics: VesselStates) -> Iterator[dict[str, Any]]:
    for row in found.detection.rows:
        texts = {key: statics.strings.text(int(row[column])) for key, column in _STATIC_TEXTS.items()}
        sizes = {key: _number(row[column]) or None for key, column in _SIZES.items()}
        number = int(row["vessel"])
        mmsi = int(row["mmsi"]) or (number if number >= 10_000_000 else 0)
        yield {
            "kind": "static",
            "vessel": vessel_id(number),
            "imo": int(row["imo"]) or (number if number < 10_000_000 else None),
            "mmsi": mmsi or None,
            **texts,
            "flag": texts["flag"] or ais.flag_of(mmsi),
            **sizes,
        }


def _number(value: Any) -> float | None:
    number = round(float(value), 1)
    return number if number == number else None  # NaN is not itself


_BATCH_TEXTS = {"name": "name", "shipType": "ship_type", "flag": "flag", "destination": "destination"}
_STATIC_TEXTS = _BATCH_TEXTS | {"callSign": "call_sign", "eta": "eta"}
_SIZES = {"draughtM": "draught_m", "lengthM": "length_m", "widthM": "width_m"}
