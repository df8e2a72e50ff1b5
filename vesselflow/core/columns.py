"""The states of a record as columns: which can be used, why the others cannot, and what was counted."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from vesselflow.core import ais
from vesselflow.core.errors import InvalidRecord
from vesselflow.core.model import BoolArray, FloatArray, Identity, IntArray, VesselState
from vesselflow.core.records import Reading, Reject, json_text
from vesselflow.core.statics import TEXTS
from vesselflow.core.times import SECONDS_BELOW, milliseconds

_LAST_MS: Final = 253_402_300_799_999

#: What is counted beside rejects; each is a state that is fine but not, or not wholly, used.
COUNTED: Final = (
    "positions",  # positions in the batch
    "static-only",  # states that hold static data and no position
    "position-not-available",  # states whose position is 91, 181 or (0, 0)
    "not-a-ship",  # base stations, aids to navigation, aircraft and the like; impossible MMSIs
    "bad-imo",  # IMO numbers that fail their check digit and are left out
    "future",  # times clamped to the receipt
    "bad-value",  # lesser values that could not be read and are left out
)

#: Field of `VesselState` -> column, in the order of its fields.
_COLUMNS: Final = {
    "IMO": "imo",
    "MMSI": "mmsi",
    "Latitude": "lat_deg",
    "Longitude": "lon_deg",
    "AISDestination": "destination",
    "Timestamp": "at",
    "SpeedOverGround": "sog_kn",
    "CourseOverGround": "cog_deg",
    "Heading": "heading_deg",
    "NavigationalStatus": "nav_status",
    "VesselName": "name",
    "CallSign": "call_sign",
    "VesselType": "ship_type",
    "Flag": "flag",
    "Draught": "draught_m",
    "ETA": "eta",
    "Length": "length_m",
    "Width": "width_m",
    "MessageType": "message_type",
}
SIZES: Final = ("draught_m", "length_m", "width_m")

assert tuple(_COLUMNS) == VesselState.__struct_fields__


class StateColumns:
    """The columns of one record's states on their way: which are accepted, which have a position, what was counted."""

    def __init__(self, reading: Reading, identity: Identity) -> None:
        self.reading = reading
        self.rejects = list(reading.rejects)
        self.counts = dict.fromkeys(COUNTED, 0) | {"bad-value": reading.unread}
        values = zip(*map(msgspec.structs.astuple, reading.states), strict=True)
        self.columns = dict(zip(_COLUMNS.values(), values, strict=False))
        self.accepted: BoolArray = np.ones(len(reading.states), dtype=np.bool_)
        if not reading.states:
            return
        self.message_type = self.integers("message_type", 0)
        self._identify(identity)
        self._locate()
        self._time()

    def integers(self, name: str, missing: int) -> IntArray:
        """Return a column of integers with *missing* for None."""
        column: Sequence[int | None] = self.columns[name]
        if column.count(None):
            column = [missing if value is None else value for value in column]
        return np.array(column, dtype=np.int64)

    def floats(self, name: str) -> FloatArray:
        """Return a column of floats with NaN for None."""
        return np.array(self.columns[name], dtype=np.float64)

    def reject(self, rows: BoolArray, reason: str) -> None:
        """Take the accepted states among *rows* out, for *reason*."""
        for row in np.flatnonzero(rows & self.accepted).tolist():
            payload = json_text(self.reading.states[row])
            self.rejects.append(Reject(int(self.reading.indexes[row]), reason, payload))
        self.accepted &= ~rows

    def count(self, name: str, rows: BoolArray) -> None:
        """Count the accepted states among *rows*."""
        self.counts[name] += int(np.count_nonzero(rows & self.accepted))

    def _identify(self, identity: Identity) -> None:
        imo, mmsi = self.integers("imo", 0), self.integers("mmsi", 0)
        has_imo, is_ship = ais.are_imo(imo), ais.is_ship(mmsi)
        bad_imo, has_mmsi = (imo != 0) & ~has_imo, mmsi != 0
        self.reject(~has_imo & ~has_mmsi & ~bad_imo, "no-identity")
        self.reject(~has_mmsi & bad_imo, "bad-imo")
        self.reject(~has_imo & ((mmsi < 0) | (mmsi > 999_999_999)), "bad-mmsi")
        self.count("bad-imo", bad_imo)
        self.count("not-a-ship", ~has_imo & ~is_ship)
        self.accepted &= has_imo | is_ship
        self.imo, self.mmsi = np.where(has_imo, imo, 0), np.where(is_ship, mmsi, 0)
        first, second = (self.imo, self.mmsi) if identity == "imo" else (self.mmsi, self.imo)
        self.vessel = np.where(first != 0, first, second)

    def _locate(self) -> None:
        self.lon_deg, self.lat_deg = self.floats("lon_deg"), self.floats("lat_deg")
        no_lon, no_lat = np.isnan(self.lon_deg), np.isnan(self.lat_deg)
        missing = ais.positions_missing(self.lon_deg, self.lat_deg)
        absent = no_lon & no_lat
        valid = ais.positions_valid(self.lon_deg, self.lat_deg)
        self.reject((no_lon != no_lat) | ~(absent | missing | valid), "bad-position")
        self.reject(self._silent(absent & (self.message_type == 0)), "no-position")
        self.count("position-not-available", missing)
        self.count("static-only", absent)
        self.has_position = valid & ~missing

    def _silent(self, rows: BoolArray) -> BoolArray:
        """Tell which of *rows* say nothing beside who they are."""
        silent = np.zeros_like(rows)
        names = (*TEXTS, *SIZES)
        for row in np.flatnonzero(rows & self.accepted).tolist():
            silent[row] = all(self.columns[name][row] is None for name in names)
        return silent

    def _time(self) -> None:
        """Read the times; 0 where there is none."""
        column: Sequence[Any] = self.columns["at"]
        if str in {*map(type, column)}:
            column = [self._milliseconds(value) for value in column]
        else:
            column = [value or 0 for value in column]
        at_ms = np.array(column, dtype=np.int64)
        self.at_ms = np.where(np.abs(at_ms) < SECONDS_BELOW, at_ms * 1000, at_ms)
        self.reject((self.at_ms < 0) | (self.at_ms > _LAST_MS), "bad-time")

    def _milliseconds(self, value: int | str | None) -> int:
        try:
            return milliseconds(value or 0) or 0
        except InvalidRecord:
            return -1
