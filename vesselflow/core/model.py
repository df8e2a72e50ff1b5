"""The values that travel through vesselflow: batches of positions, events, fences.

A vessel is one number everywhere inside: its IMO number (7 digits) or its MMSI (9 digits). The two ranges
do not overlap, so the number alone tells which it is, and the hot path never touches text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from vesselflow.core.errors import UsageError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

Identity = Literal["imo", "mmsi"]

_FIRST_MMSI: Final = 10_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def vessel_number(*, imo: int | None, mmsi: int | None, identity: Identity) -> int | None:
    """Return the number a vessel is known by: the identity asked for, else the other, else None."""
    first, second = (imo, mmsi) if identity == "imo" else (mmsi, imo)
    return first or second or None


def vessel_id(number: int) -> str:
    """Return ``imo:9074729`` or ``mmsi:235012345`` for a vessel's number."""
    return f"imo:{number}" if number < _FIRST_MMSI else f"mmsi:{number}"


def parse_vessel_id(text: str) -> int:
    """Return the number behind ``imo:9074729``, ``mmsi:235012345`` or a bare number.

    Raises:
        UsageError: neither form.
    """
    kind, colon, digits = text.strip().lower().rpartition(":")
    if not digits.isdigit() or (colon and kind not in ("imo", "mmsi")):
        raise UsageError(f"expected a vessel like imo:9074729 or mmsi:235012345, got {text!r}")
    return int(digits)


@dataclass(frozen=True, slots=True)
class PositionBatch:
    """Positions as columns: every array has one element a position, in the order of their origin.

    Not available is NaN in a column of floats, 0 in ``imo`` and ``mmsi``, -1 in ``nav_status`` and in the
    columns ``name ship_type flag destination eta``, which hold indexes into ``strings``. Longitude, latitude
    and both times are always there. An ETA has a normal form of `etas`. The origin is the place of the
    position in ``vessel.state.changed``.
    """

    vessel: IntArray
    imo: IntArray
    mmsi: IntArray
    at_ms: IntArray
    received_ms: IntArray
    lon_deg: FloatArray
    lat_deg: FloatArray
    sog_kn: FloatArray
    cog_deg: FloatArray
    heading_deg: FloatArray
    nav_status: IntArray
    name: IntArray
    ship_type: IntArray
    flag: IntArray
    destination: IntArray
    draught_m: FloatArray
    eta: IntArray
    source_partition: IntArray
    source_offset: IntArray
    source_index: IntArray
    strings: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.vessel)

    def take(self, rows: IntArray | BoolArray | slice) -> PositionBatch:
        """Return the positions that *rows* (indexes, a mask or a slice) selects, with the same strings."""
        return replace(self, **{name: getattr(self, name)[rows] for name in POSITION_COLUMNS})

    def text(self, column: str, row: int) -> str | None:
        """Return the text of one of the string columns at *row*."""
        index = int(getattr(self, column)[row])
        return self.strings[index] if index >= 0 else None


#: What each column is on the wire. Times and numbers need 64 bits; a speed does not.
POSITION_COLUMNS: Final[dict[str, np.dtype[np.generic]]] = {
    "vessel": np.dtype("<i8"),
    "imo": np.dtype("<i4"),
    "mmsi": np.dtype("<i4"),
    "at_ms": np.dtype("<i8"),
    "received_ms": np.dtype("<i8"),
    "lon_deg": np.dtype("<f8"),
    "lat_deg": np.dtype("<f8"),
    "sog_kn": np.dtype("<f4"),
    "cog_deg": np.dtype("<f4"),
    "heading_deg": np.dtype("<f4"),
    "nav_status": np.dtype("<i1"),
    "name": np.dtype("<i4"),
    "ship_type": np.dtype("<i4"),
    "flag": np.dtype("<i4"),
    "destination": np.dtype("<i4"),
    "draught_m": np.dtype("<f4"),
    "eta": np.dtype("<i4"),
    "source_partition": np.dtype("<i4"),
    "source_offset": np.dtype("<i8"),
    "source_index": np.dtype("<i4"),
}
STRING_COLUMNS: Final = ("name", "ship_type", "flag", "destination", "eta")

assert tuple(POSITION_COLUMNS) == tuple(f.name for f in fields(PositionBatch))[:-1]


def concatenate(batches: Sequence[PositionBatch]) -> PositionBatch:
    """Join *batches* in order into one; their string tables are merged."""
    if len(batches) == 1:
        return batches[0]
    if all(batch.strings is batches[0].strings for batch in batches):
        joined = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in POSITION_COLUMNS}
        return PositionBatch(**joined, strings=batches[0].strings)
    strings: dict[str, int] = {}
    moved = [_moved(batch, strings) for batch in batches]
    columns = {name: np.concatenate([each[name] for each in moved]) for name in POSITION_COLUMNS}
    return PositionBatch(**columns, strings=tuple(strings))


def compact(batch: PositionBatch) -> PositionBatch:
    """Return *batch* with a table of only those strings that occur in it, in their order."""
    occurs = np.zeros(len(batch.strings) + 1, dtype=np.bool_)
    for name in STRING_COLUMNS:
        occurs[getattr(batch, name)] = True  # index -1 is the last
    numbers = np.flatnonzero(occurs[:-1])
    place = np.full(len(occurs), -1, dtype=np.int64)
    place[numbers] = np.arange(len(numbers))
    columns = {name: place[getattr(batch, name)] for name in STRING_COLUMNS}
    return replace(batch, **columns, strings=tuple([batch.strings[number] for number in numbers.tolist()]))


def _moved(batch: PositionBatch, strings: dict[str, int]) -> dict[str, npt.NDArray[np.generic]]:
    moves = [strings.setdefault(text, len(strings)) for text in batch.strings]
    # The last element answers index -1, which stays -1.
    table = np.array([*moves, -1], dtype=np.int64)
    columns = {name: getattr(batch, name) for name in POSITION_COLUMNS}
    return columns | {name: table[columns[name]] for name in STRING_COLUMNS}


class VesselState(msgspec.Struct, kw_only=True, omit_defaults=True, rename=None):
    """One vessel state as it stands on ``vessel.state.changed``: the plan's four fields and what sources add.

    A static report has no Latitude and Longitude. Values are as the source sent them: "not available"
    codes are still in; ingest takes them out. ``Timestamp`` is ISO 8601 or milliseconds UTC;
    ``MessageType`` is the AIS message number, which tells 63 knots from "not available" in type 27.
    Speeds are in knots, angles in degrees, lengths in metres.
    """

    IMO: int | None = None
    MMSI: int | None = None
    Latitude: float | None = None
    Longitude: float | None = None
    AISDestination: str | None = None
    Timestamp: int | str | None = None
    SpeedOverGround: float | None = None
    CourseOverGround: float | None = None
    Heading: float | None = None
    NavigationalStatus: int | None = None
    VesselName: str | None = None
    CallSign: str | None = None
    VesselType: int | str | None = None
    Flag: str | None = None
    Draught: float | None = None
    ETA: str | None = None
    Length: float | None = None
    Width: float | None = None
    MessageType: int | None = None


class Event(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Something a detector saw, once. ``kind`` is ``<noun>.<verb in the past>``.

    ``at_ms`` is the fix that confirmed it, ``first_fix_ms`` the first fix beyond the edge, ``received_ms``
    the moment its position reached Kafka. ``client_id`` owns the fence; None concerns every client.
    ``previous`` and ``new`` are what an attribute changed from and to, in words. ``silent_since_ms`` is the
    last fix before a gap.
    """

    id: str
    kind: str
    vessel: int
    at_ms: int
    first_fix_ms: int
    received_ms: int
    lon_deg: float
    lat_deg: float
    imo: int | None = None
    mmsi: int | None = None
    name: str | None = None
    ship_type: str | None = None
    flag: str | None = None
    interpolated: bool = False
    client_id: str | None = None
    geofence_id: str | None = None
    geofence_name: str | None = None
    previous_destination: str | None = None
    new_destination: str | None = None
    previous_normal: str | None = None
    new_normal: str | None = None
    previous: str | None = None
    new: str | None = None
    silent_since_ms: int | None = None


class Notification(msgspec.Struct, kw_only=True, frozen=True):
    """One client's row for one event. ``data`` is the payload of the contract, camelCase keys."""

    id: str
    client_id: str
    type: str
    data: dict[str, object]
    event_id: str
    pushed: bool = True


class DeadLetter(msgspec.Struct, kw_only=True, frozen=True):
    """A record, or one element of it (``index``), that could not be used, and why.

    ``payload`` is the element as JSON text, or the raw bytes as text with replacement characters.
    """

    reason: str
    topic: str
    partition: int
    offset: int
    index: int | None
    payload: str
    received_ms: int
    traceback: str | None = None


class FenceVersion(msgspec.Struct, frozen=True, gc=False):
    """One state of one fence, in force for positions received in ``[from_ms, until_ms)``.

    ``wkb`` is a POLYGON or MULTIPOLYGON in WGS 84, longitude first. ``until_ms`` None: still in force.
    ``rules`` is a JSON object, see `fence_rules.FenceRules`. Unknown to the garbage collector, which would go through
    100,000 of them again and again, a quarter of a second each time.
    """

    id: str
    client_id: str
    name: str
    wkb: bytes
    from_ms: int
    until_ms: int | None = None
    rules: str = "{}"


class ActivityPartial(msgspec.Struct, kw_only=True, frozen=True):
    """What one partition knows of the fleet's activity at ``at_ms``; parts add up to the row.

    ``types`` and ``flags`` hold every value's count, since top tens of parts do not merge.
    """

    partition: int
    at_ms: int
    active_now: int
    active_last_hour: int
    active_last_24h: int
    total_vessels: int
    positions_last_hour: int
    speed_count: int
    speed_sum_kn: float
    types: dict[str, int]
    flags: dict[str, int]


def empty_batch() -> PositionBatch:
    """Return a batch without positions."""
    columns = {name: np.empty(0, dtype) for name, dtype in POSITION_COLUMNS.items()}
    return PositionBatch(**columns, strings=())


def iso(at_ms: int) -> str:
    """Return milliseconds UTC as ``2026-01-01T00:02:00.000Z``; years 1 to 9999."""
    seconds, milliseconds = divmod(at_ms, 1000)
    return f"{(_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]}.{milliseconds:03d}Z"


def newest(batch: PositionBatch) -> PositionBatch:
    """Return the newest position of every vessel of *batch*; of equal times the last one."""
    order = np.lexsort((batch.at_ms, batch.vessel))
    vessels = batch.vessel[order]
    # Cut for an empty batch, which has no last one.
    is_last = np.append(vessels[1:] != vessels[:-1], True)[: len(vessels)]
    return batch.take(order[is_last])
