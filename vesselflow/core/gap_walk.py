"""The fixes of one vessel, and the watermark between them -> where its gaps began and ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from vesselflow.core.announcing import announcement, event_id
from vesselflow.core.model import BoolArray, Event, PositionBatch
from vesselflow.core.states import VesselStates
from vesselflow.core.watermark import Course

#: What the row says of a vessel's silence. One that is *unheard* is dark, but nobody was told: then nobody is told of
#: its return either. The last fix of one that is *late* was older at receipt than the alert limit: its silence is no news.
HEARD: Final = 0
DARK: Final = 1
UNHEARD: Final = 2
LATE: Final = 3


class LastFix(NamedTuple):
    """What is known of a vessel from its last fix and those before it; ``at_ms`` 0: nothing."""

    at_ms: int
    lon_deg: float
    lat_deg: float
    other: int
    name: str | None
    ship_type: str | None
    flag: str | None


def last_fix(states: VesselStates, slot: int) -> LastFix:
    """Return what the row at *slot* holds."""
    row, text = states.rows[slot], states.strings.text
    texts = (text(int(row[field])) for field in ("name", "ship_type", "flag"))
    return LastFix(int(row["at_ms"]), float(row["lon_deg"]), float(row["lat_deg"]), int(row["other"]), *texts)


class Walk:
    """Goes through the fixes of the vessels that may be or have been dark."""

    def __init__(
        self, states: VesselStates, batch: PositionBatch, course: Course, is_late: BoolArray, gap_ms: int
    ) -> None:
        self._states, self._batch, self._course, self._gap_ms = states, batch, course, gap_ms
        #: Of each fix, whether it was older at its receipt than the alert limit.
        self.is_late = is_late
        #: By slot, the vessel's silence after the batch.
        self.silence: dict[int, int] = {}
        self._events: list[tuple[int, Event]] = []

    def vessel(self, slot: int, rows: Sequence[int]) -> None:
        """Take the newer fixes at *rows* of one vessel into account, and the ticks before, between and after them."""
        vessel, silence = int(self._states.rows["vessel"][slot]), int(self._states.rows["silence"][slot])
        last, start = last_fix(self._states, slot), 0
        for row in rows:
            silence = self._at_ticks(vessel, last, silence, start, row)
            silence = self._at_fix(vessel, last, silence, row)
            if silence == DARK:
                self._ended(vessel, last, row)
            last, start, silence = self._after(last, row), row, LATE if self.is_late[row] else HEARD
        self.silence[slot] = self._at_ticks(vessel, last, silence, start, len(self._batch))

    def events(self) -> list[Event]:
        """Return the events in the order of the positions that brought them, then of the vessels."""
        return [event for _, event in sorted(self._events, key=lambda each: (each[0], each[1].vessel))]

    def _at_ticks(self, vessel: int, last: LastFix, silence: int, start: int, end: int) -> int:
        """Return the silence after the ticks in ``[start, end)``, and tell of a gap that they find."""
        ticks = self._course.ticks
        ticks = ticks[np.searchsorted(ticks, start) : np.searchsorted(ticks, end)]
        if not last.at_ms or silence in (DARK, UNHEARD) or not ticks.size:
            return silence
        silent_since = np.maximum(self._course.since_ms[ticks], last.at_ms)
        is_over = self._course.watermark_ms[ticks] - silent_since >= self._gap_ms
        if not is_over.any():
            return silence
        first = int(np.argmax(is_over))
        return self._started(vessel, last, silence, int(ticks[first]), int(silent_since[first]))

    def _at_fix(self, vessel: int, last: LastFix, silence: int, row: int) -> int:
        """Return the silence just before the fix at *row*, and tell of a gap that no tick found."""
        silent_since_ms = max(last.at_ms, int(self._course.since_ms[row]))
        is_over = int(self._batch.at_ms[row]) - silent_since_ms >= self._gap_ms
        if not last.at_ms or silence in (DARK, UNHEARD) or not is_over:
            return silence
        return self._started(vessel, last, silence, row, silent_since_ms)

    def _started(self, vessel: int, last: LastFix, silence: int, row: int, silent_since_ms: int) -> int:
        if silence == LATE or self.is_late[row]:
            return UNHEARD
        imo, mmsi = (vessel, last.other) if vessel < 10_000_000 else (last.other, vessel)
        event = Event(
            id=event_id(vessel, "gap", "gap.started", last.at_ms, 0),
            kind="gap.started",
            vessel=vessel,
            at_ms=silent_since_ms + self._gap_ms,
            first_fix_ms=last.at_ms,
            received_ms=int(self._batch.received_ms[row]),
            lon_deg=round(last.lon_deg, 4),
            lat_deg=round(last.lat_deg, 4),
            imo=imo or None,
            mmsi=mmsi or None,
            name=last.name,
            ship_type=last.ship_type,
            flag=last.flag,
            silent_since_ms=last.at_ms,
        )
        self._events.append((row, event))
        return DARK

    def _ended(self, vessel: int, last: LastFix, row: int) -> None:
        if self.is_late[row]:
            return
        key = event_id(vessel, "gap", "gap.ended", last.at_ms, 0)
        event = announcement(self._batch, row, kind="gap.ended", event_id=key, silent_since_ms=last.at_ms)
        self._events.append((row, event))

    def _after(self, last: LastFix, row: int) -> LastFix:
        batch, vessel = self._batch, int(self._batch.vessel[row])
        other = int(batch.mmsi[row] if vessel < 10_000_000 else batch.imo[row])
        return LastFix(
            at_ms=int(batch.at_ms[row]),
            lon_deg=float(np.float32(batch.lon_deg[row])),
            lat_deg=float(np.float32(batch.lat_deg[row])),
            other=other or last.other,
            name=batch.text("name", row) or last.name,
            ship_type=batch.text("ship_type", row) or last.ship_type,
            flag=batch.text("flag", row) or last.flag,
        )
