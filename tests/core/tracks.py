"""Literal fixes -> batches, and batches -> what a detector says of them."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

from vesselflow.core.model import POSITION_COLUMNS, STRING_COLUMNS, Event, PositionBatch
from vesselflow.core.states import Detection, VesselStates

DATA = Path(__file__).parents[1] / "data"

P = TypeVar("P")
S = TypeVar("S", bound=VesselStates)


@dataclass(frozen=True)
class Fix:
    """One position; what a test does not care for has a harmless value."""

    vessel: int = 235_000_001
    at_ms: int = 0
    lon_deg: float = 0.0
    lat_deg: float = 0.0
    sog_kn: float = math.nan
    received_ms: int | None = None
    name: str | None = None
    ship_type: str | None = None
    flag: str | None = None
    destination: str | None = None
    draught_m: float = math.nan
    eta: str | None = None
    nav_status: int = -1


def batch_of(fixes: Sequence[Fix]) -> PositionBatch:
    """Return *fixes* as columns."""
    strings: dict[str, int] = {}

    def number(text: str | None) -> int:
        return -1 if text is None else strings.setdefault(text, len(strings))

    columns = {name: np.zeros(len(fixes), dtype) for name, dtype in POSITION_COLUMNS.items()}
    for name in ("vessel", "at_ms", "lon_deg", "lat_deg", "sog_kn", "draught_m", "nav_status"):
        columns[name][:] = [getattr(fix, name) for fix in fixes]
    for name in STRING_COLUMNS:
        columns[name][:] = [number(getattr(fix, name)) for fix in fixes]
    columns["mmsi"][:] = columns["vessel"]
    columns["received_ms"][:] = [fix.at_ms if fix.received_ms is None else fix.received_ms for fix in fixes]
    columns["source_index"][:] = range(len(fixes))
    return PositionBatch(**columns, strings=tuple(strings))


def run(
    detect: Callable[[S, PositionBatch, P], Detection],
    states: S,
    fixes: Sequence[Fix],
    policy: P,
    *,
    cuts: Iterable[int] = (),
) -> list[Event]:
    """Return the events of *fixes*, given to the detector in batches cut before each of *cuts*."""
    events: list[Event] = []
    borders = [0, *sorted(set(cuts)), len(fixes)]
    for start, end in pairwise(borders):
        detection = detect(states, batch_of(fixes[start:end]), policy)
        states.apply(detection)
        events += detection.events
    return events


def sydney_track() -> list[Fix]:
    """Return the 1,301 fixes of tests/data/amsa."""
    with (DATA / "amsa" / "503000530.csv").open(encoding="utf-8") as file:
        return [
            Fix(
                vessel=int(row["mmsi"]),
                at_ms=millis(row["time"]),
                lon_deg=float(row["lon"]),
                lat_deg=float(row["lat"]),
            )
            for row in csv.DictReader(file)
        ]


def solent_tracks() -> list[Fix]:
    """Return the 18,623 fixes of tests/data/solent."""
    with gzip.open(DATA / "solent" / "SolentAIS_20160112_130211.csv.gz", "rt", encoding="utf-8") as file:
        return [
            Fix(
                vessel=int(row["MMSI"]),
                at_ms=millis(row["Time"] + "+00:00"),
                lon_deg=float(row["Longitude_degrees"]),
                lat_deg=float(row["Latitude_degrees"]),
                sog_kn=float(row["SOG_knots"] or "nan"),
            )
            for row in csv.DictReader(file)
        ]


def millis(text: str) -> int:
    """Return an ISO time as milliseconds UTC."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def pacific_tracks() -> list[Fix]:
    """Return the 1,999 fixes of three vessels in tests/data/captures/gfw-2018-01.csv, in the order of their times."""
    with (DATA / "captures" / "gfw-2018-01.csv").open(encoding="utf-8") as file:
        fixes = [
            Fix(
                vessel=int(row["ssvid"]),
                at_ms=millis(row["timestamp"]),
                lon_deg=float(row["lon"]),
                lat_deg=float(row["lat"]),
                sog_kn=float(row["speed"] or "nan"),
            )
            for row in csv.DictReader(file)
        ]
    return sorted(fixes, key=lambda fix: fix.at_ms)
