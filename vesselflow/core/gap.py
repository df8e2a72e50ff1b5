"""Positions -> vessels that fell silent while others were heard, and their return.

A vessel's silence is measured against the watermark: the newest time that the source as a whole has reached. So a
source that is silent makes nobody dark; once it is back, everybody's silence counts from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from vesselflow.core.errors import UsageError
from vesselflow.core.gap_walk import DARK, HEARD, LATE, Walk
from vesselflow.core.model import BoolArray, IntArray, PositionBatch
from vesselflow.core.order import Order, in_order
from vesselflow.core.states import Detection, Rows, VesselStates
from vesselflow.core.watermark import Clock, Course, course

TEXT_FIELDS: Final = ("name", "ship_type", "flag")

#: The last fix of a vessel, and what was known of it then: it is announced when the vessel itself says nothing more.
#: ``other`` is its IMO number or MMSI beside ``vessel``, 0 for none. The place is exact to 10 m.
STATE: Final = np.dtype(
    [
        ("vessel", "<i8"),
        ("at_ms", "<i8"),
        ("lon_deg", "<f4"),
        ("lat_deg", "<f4"),
        ("other", "<i4"),
        *((name, "<i4") for name in TEXT_FIELDS),
        ("silence", "u1"),
    ]
)

_LAST_MS: Final = 2**62

#: Tells of some vessels which have yet to see the record that is being read again.
Unseen = Callable[[IntArray], BoolArray]


@dataclass(frozen=True, slots=True)
class GapPolicy:
    """A vessel is dark when the watermark has left its last fix ``gap_ms`` behind.

    A watermark that rises by more than ``break_ms`` at once means that nobody listened. A fix received more than
    ``alert_limit_ms`` after its own time moves the state and announces nothing.

    Source: Global Fishing Watch opens a gap at 6 h ("AIS disabling: gaps"), Starboard at 4 h, MarineTraffic at 1 h.

    Raises:
        UsageError: a break is longer than a gap, so that its end would make everybody dark.
    """

    gap_ms: int = 6 * 3_600_000
    break_ms: int = 30 * 60_000
    alert_limit_ms: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.break_ms <= self.gap_ms:
            got = f"{self.break_ms} ms in gaps of {self.gap_ms} ms"
            raise UsageError(f"expected breaks of the source no longer than a gap, got {got}")


class GapStates(VesselStates):
    """The vessels of a partition, and its clock."""

    def __init__(self, buckets: int) -> None:
        super().__init__(STATE, text_fields=TEXT_FIELDS, buckets=buckets)
        self.clock = Clock()

    def apply(self, detection: Detection) -> None:
        """Take over what *detection* changed, its clock as well."""
        super().apply(detection)
        if isinstance(detection, GapDetection):
            self.clock = detection.clock


@dataclass(frozen=True, slots=True)
class GapDetection(Detection):
    """What one batch changed, and the clock after it."""

    clock: Clock = field(default_factory=Clock)


def new_states(buckets: int) -> GapStates:
    """Return the states of a partition that has seen no vessel."""
    return GapStates(buckets)


def detect(
    states: GapStates,
    batch: PositionBatch,
    policy: GapPolicy,
    *,
    unseen: Unseen | None = None,
) -> GapDetection:
    """Return who fell dark and who came back, in the order of *batch*.

    A gap begins where the watermark, at a position that takes it past a full minute, has left the vessel's last fix
    behind by the gap; one that nobody noticed begins and ends with the fix that ends it. A fix that is not newer than
    its vessel's last one moves nothing but the watermark. When a record is read again, *unseen* tells whose rows it
    may still move.
    """
    slots = states.slots(batch.vessel)
    known = states.rows.take(slots)
    order = in_order(slots, batch.at_ms, known["at_ms"])
    if unseen:
        fresh = order.newer & unseen(batch.vessel)
        order = Order(fresh, order.last[fresh[order.last]])
    way = course(states.clock, batch, policy.break_ms)
    is_late = np.zeros(len(batch), dtype=np.bool_)
    if policy.alert_limit_ms is not None:
        is_late = batch.received_ms - batch.at_ms > policy.alert_limit_ms
    walk = Walk(states, batch, way, is_late, policy.gap_ms)
    doubtful = _doubtful(states, slots, batch, order, way, policy)
    if unseen and doubtful.size:
        doubtful = doubtful[unseen(states.rows["vessel"][doubtful])]
    if doubtful.size:
        for slot, rows in _fixes_of(doubtful, slots, order).items():
            walk.vessel(slot, rows)
    return _detection(states, slots, batch, order, way, walk)


def _doubtful(
    states: VesselStates, slots: IntArray, batch: PositionBatch, order: Order, way: Course, policy: GapPolicy
) -> IntArray:
    """Return the slots of the vessels that may have fallen dark or come back, and of few others."""
    end_ms, start_ms = way.end.watermark_ms - policy.gap_ms, int(way.since_ms[0]) if len(batch) else 0
    own, at_ms, rows = slots[order.newer], batch.at_ms[order.newer], states.rows
    last_ms, is_dark = rows["at_ms"][own], rows["silence"][own] == DARK
    # Of a vessel never seen before, no fix lies further back than the earliest of the batch.
    since_ms = np.where(last_ms > 0, last_ms, batch.at_ms.min(initial=_LAST_MS))
    found = own[is_dark | (at_ms - since_ms >= policy.gap_ms) | (np.maximum(at_ms, start_ms) <= end_ms)]
    if way.ticks.size and start_ms <= end_ms:
        is_heard = (rows["silence"] == HEARD) | (rows["silence"] == LATE)
        is_silent = (rows["at_ms"] <= end_ms) & (rows["at_ms"] > 0) & is_heard
        found = np.append(found, np.flatnonzero(is_silent))
    return np.unique(found) if found.size else found


def _fixes_of(doubtful: IntArray, slots: IntArray, order: Order) -> dict[int, list[int]]:
    """Return the newer fixes of each of the *doubtful*, in order."""
    fixes: dict[int, list[int]] = {slot: [] for slot in doubtful.tolist()}
    rows = np.flatnonzero(order.newer & np.isin(slots, doubtful))
    for row, slot in zip(rows.tolist(), slots[rows].tolist(), strict=True):
        fixes[slot].append(row)
    return fixes


def _detection(
    states: VesselStates,
    slots: IntArray,
    batch: PositionBatch,
    order: Order,
    way: Course,
    walk: Walk,
) -> GapDetection:
    moved = slots[order.last]
    rows = states.rows.take(moved)
    _move(rows, states, batch, order.last)
    rows["silence"] = np.where(walk.is_late[order.last], LATE, HEARD)
    if walk.silence:
        walked = np.array(list(walk.silence), dtype=np.int64)
        # Who has no fix here and fell dark has a row of its own to change.
        silent = walked[~np.isin(walked, moved)]
        moved, rows = np.append(moved, silent), np.append(rows, states.rows.take(silent))
        by_slot = np.argsort(moved)
        moved, rows = moved[by_slot], rows[by_slot]
        rows["silence"][np.searchsorted(moved, walked)] = list(walk.silence.values())
    return GapDetection(slots=moved, rows=rows, events=walk.events(), clock=way.end)


def _move(rows: Rows, states: VesselStates, batch: PositionBatch, last: IntArray) -> None:
    """Put the fixes at *last* into *rows*; what they do not say stays."""
    for name in ("at_ms", "lon_deg", "lat_deg"):
        rows[name] = getattr(batch, name)[last]
    other = np.where(rows["vessel"] < 10_000_000, batch.mmsi[last], batch.imo[last])
    rows["other"] = np.where(other > 0, other, rows["other"])
    columns = np.stack([getattr(batch, name)[last] for name in TEXT_FIELDS])
    numbers = states.strings.known(batch.strings)
    is_new = numbers[columns] == -2
    if is_new.any():
        for index in {*columns[is_new].tolist()}:
            numbers[index] = states.strings.number(batch.strings[index])
    for name, number in zip(TEXT_FIELDS, numbers[columns], strict=True):
        rows[name] = np.where(number >= 0, number, rows[name])
