"""Positions with speeds -> vessels that stopped and vessels that got under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from vesselflow.core.announcing import announcement, event_id, is_too_old
from vesselflow.core.errors import UsageError
from vesselflow.core.geodesy import METRES_PER_NAUTICAL_MILE, Place, metres_apart
from vesselflow.core.holding import Change, Held
from vesselflow.core.model import Event, IntArray, PositionBatch
from vesselflow.core.order import Order, in_order
from vesselflow.core.states import Detection, VesselStates

#: ``at_ms`` is the last fix. ``level`` is 0 before anything is known; ``candidate_level``, 0 for none, is the one that may
#: come to stand, and since when. A vessel that reports no speed has a note: time and place from which its way is measured.
STATE: Final = np.dtype(
    [("vessel", "<i8"), ("at_ms", "<i8"), ("candidate_since_ms", "<i8"), ("level", "u1"), ("candidate_level", "u1")]
)

STOPPED: Final = 1
UNDER_WAY: Final = 2

_KINDS: Final = {STOPPED: "movement.stopped", UNDER_WAY: "movement.started"}

#: Without a speed it is the way from a fix that long ago: 30 m of noise at both ends are then 0.3 kn.
SHORTEST_WAY_MS: Final = 5 * 60_000
#: Over a longer time a vessel may have been anywhere in between.
LONGEST_WAY_MS: Final = 60 * 60_000
#: No ship is faster; what seems to be has a wrong position.
_FASTEST_KN: Final = 70.0

_Way = tuple[int, float, float]


@dataclass(frozen=True, slots=True)
class MovementPolicy:
    """Below which speed a vessel is stopped, above which it is under way; between them the last state holds.

    A state counts once it has stood for ``confirm_ms`` and came again; 0: with its first fix. A fix received more than
    ``alert_limit_ms`` after its own time moves the state and announces nothing.

    Source: Global Fishing Watch stops at 0.2 kn and starts at 0.5 kn (anchorages_pipeline), MarineTraffic at 0.5 and
    3.5 kn ("What is the significance of the MarineTraffic events").

    Raises:
        UsageError: the thresholds are not in this order.
    """

    stop_below_kn: float = 0.5
    start_above_kn: float = 2.0
    confirm_ms: int = 300_000
    alert_limit_ms: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.stop_below_kn <= self.start_above_kn:
            got = f"{self.stop_below_kn} and {self.start_above_kn}"
            raise UsageError(f"expected to stop below a speed up to the one above which a vessel starts, got {got}")


def new_states(buckets: int) -> VesselStates:
    """Return the states of a partition that has seen no vessel."""
    return VesselStates(STATE, buckets=buckets)


def detect(states: VesselStates, batch: PositionBatch, policy: MovementPolicy) -> Detection:
    """Return who stopped and who started, fix by fix in the order of *batch*.

    The first state known announces nothing. A fix that is not newer than its vessel's last one moves nothing.
    Where there is no speed, the way since an earlier fix without one makes it, see `SHORTEST_WAY_MS`.
    """
    slots = states.slots(batch.vessel)
    known = states.rows.take(slots)
    order = in_order(slots, batch.at_ms, known["at_ms"])
    levels = np.where(batch.sog_kn < policy.stop_below_kn, STOPPED, 0)
    levels[batch.sog_kn > policy.start_above_kn] = UNDER_WAY
    # The first level of a vessel is put into its row at once, unless more of its fixes follow.
    is_first = (known["level"] == 0) & ~order.several(slots)
    news = (levels > 0) & (levels != known["level"]) & ~is_first
    news |= (known["candidate_level"] > 0) | np.isnan(batch.sog_kn)
    walk = _Walk(states, batch, policy, levels)
    if (news & order.newer).any():
        rows = np.flatnonzero(order.newer & np.isin(slots, slots[news & order.newer]))
        for row, slot in zip(rows.tolist(), slots[rows].tolist(), strict=True):
            walk.step(row, slot)
    return walk.detection(slots, order)


class _Walk:
    """Goes through the fixes of vessels of which any says something new, in order."""

    def __init__(self, states: VesselStates, batch: PositionBatch, policy: MovementPolicy, levels: IntArray) -> None:
        self._states, self._batch, self._policy, self._levels = states, batch, policy, levels
        self._held: dict[int, Held[int]] = {}
        self._ways: dict[int, _Way] = {}
        self._events: list[Event] = []

    def step(self, row: int, slot: int) -> None:
        """Take the fix at *row* into account."""
        is_known = not np.isnan(self._batch.sog_kn[row])
        level = int(self._levels[row]) if is_known else self._level(self._speed_kn(row, slot))
        at_ms = int(self._batch.at_ms[row])
        held, change = self._known(slot).step(level or None, at_ms, self._policy.confirm_ms)
        self._held[slot] = held
        if change and not is_too_old(self._batch, row, self._policy.alert_limit_ms):
            self._events.append(self._event(row, change))

    def detection(self, slots: IntArray, order: Order) -> Detection:
        """Return all that changed: every newer fix moves its vessel's row on."""
        moved = slots[order.last]
        rows = self._states.rows.take(moved)
        rows["at_ms"] = self._batch.at_ms[order.last]
        rows["level"] = np.where(rows["level"] == 0, self._levels[order.last], rows["level"])
        walked = np.searchsorted(moved, list(self._held))
        for place, held in zip(walked.tolist(), self._held.values(), strict=True):
            rows["level"][place] = held.current or 0
            rows["candidate_level"][place] = held.candidate or 0
            rows["candidate_since_ms"][place] = held.candidate_since_ms
        notes: Mapping[int, list[float]] = {slot: list(way) for slot, way in self._ways.items()}
        return Detection(slots=moved, rows=rows, notes=notes, events=self._events)

    def _known(self, slot: int) -> Held[int]:
        if slot in self._held:
            return self._held[slot]
        row = self._states.rows[slot]
        level, candidate = int(row["level"]) or None, int(row["candidate_level"]) or None
        return Held(level, candidate=candidate, candidate_since_ms=int(row["candidate_since_ms"]))

    def _level(self, speed_kn: float | None) -> int:
        if speed_kn is None or speed_kn > _FASTEST_KN:
            return 0
        if speed_kn < self._policy.stop_below_kn:
            return STOPPED
        return UNDER_WAY if speed_kn > self._policy.start_above_kn else 0

    def _speed_kn(self, row: int, slot: int) -> float | None:
        """Return the mean speed since the fix that the vessel's way is measured from; None when that is not to tell."""
        here = (int(self._batch.at_ms[row]), float(self._batch.lon_deg[row]), float(self._batch.lat_deg[row]))
        start = self._ways[slot] if slot in self._ways else self._states.notes.get(slot)
        span_ms = here[0] - start[0] if start else LONGEST_WAY_MS + 1
        if span_ms < SHORTEST_WAY_MS:
            return None
        self._ways[slot] = here
        if start is None or span_ms > LONGEST_WAY_MS:
            return None
        metres = metres_apart(Place(*start[1:]), Place(*here[1:]))
        return metres / METRES_PER_NAUTICAL_MILE / (span_ms / 3_600_000)

    def _event(self, row: int, change: Change[int]) -> Event:
        vessel, kind, first_ms = int(self._batch.vessel[row]), _KINDS[change.new], change.first_ms
        place = (float(self._batch.lon_deg[row]), float(self._batch.lat_deg[row]))
        key = event_id(vessel, "movement", kind, first_ms, 0)
        return announcement(self._batch, row, kind=kind, event_id=key, first=(first_ms, *place))
