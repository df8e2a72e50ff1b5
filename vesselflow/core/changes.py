"""Positions with what vessels report of themselves -> changes of name, flag, status, draught and ETA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from vesselflow.core.announcing import announcement, event_id, is_too_old
from vesselflow.core.attributes import (
    ATTRIBUTES,
    DRAUGHT,
    ETA,
    FLAG,
    NAME,
    STATUS,
    Attribute,
    Same,
    rounded_m,
    same_by,
)
from vesselflow.core.etas import NO_ETA, eta_minute
from vesselflow.core.holding import Change, Held
from vesselflow.core.model import BoolArray, Event, IntArray, PositionBatch
from vesselflow.core.order import in_order
from vesselflow.core.sharing import Names, fold_name
from vesselflow.core.states import Detection, Rows, VesselStates

#: ``at_ms`` is the last fix, the others are the values that stand. ``is_pending`` says that the note has candidates:
#: ``{"candidates": {attribute: [value, since]}, "names": [...]}``, each only when there is any.
STATE: Final = np.dtype(
    [
        ("vessel", "<i8"),
        ("at_ms", "<i8"),
        ("name", "<i4"),
        ("flag", "<i4"),
        ("eta_minute", "<i4"),
        ("draught_m", "<f4"),
        ("status_plus_1", "u1"),
        ("is_pending", "u1"),
    ]
)


@dataclass(frozen=True, slots=True)
class ChangesPolicy:
    """How much is a change: a draught that differs by ``draught_m``, an ETA by ``eta_minutes``, of the others anything.

    A value counts once it has stood for ``hold_off_ms`` and came again. A fix received more than ``alert_limit_ms``
    after its own time moves the state and announces nothing.
    """

    hold_off_ms: int = 600_000
    draught_m: float = 0.3
    eta_minutes: int = 60
    alert_limit_ms: int | None = None


def new_states(buckets: int) -> VesselStates:
    """Return the states of a partition that has seen no vessel."""
    return VesselStates(STATE, text_fields=("name", "flag"), buckets=buckets)


def detect(states: VesselStates, batch: PositionBatch, policy: ChangesPolicy) -> Detection:
    """Return what changed of whom, fix by fix in the order of *batch*.

    The first value of an attribute announces nothing, a missing one leaves the one before standing. A fix that is not
    newer than its vessel's last one moves nothing. Where names come back, ships share a number, see `sharing`: of such
    a vessel nothing is announced.
    """
    slots = states.slots(batch.vessel)
    known = states.rows.take(slots)
    order = in_order(slots, batch.at_ms, known["at_ms"])
    columns = _columns(states, batch)
    first, other = _news(columns, known, policy)
    # First values are put into the row at once, unless more of the vessel's fixes follow.
    news = order.newer & (other | (known["is_pending"] > 0) | (first & order.several(slots)))
    walk = _Walk(states, batch, policy)
    if news.any():
        walked = np.flatnonzero(order.newer & np.isin(slots, slots[news]))
        for row, slot in zip(walked.tolist(), slots[walked].tolist(), strict=True):
            walk.step(row, slot)
    moved = slots[order.last]
    rows = states.rows.take(moved)
    if first.any():
        _fill(states, batch, columns, order.last, rows)
    rows["at_ms"] = batch.at_ms[order.last]
    return walk.detection(moved, rows)


def _columns(states: VesselStates, batch: PositionBatch) -> dict[Attribute, Any]:
    """Return what *batch* reports as rows hold it; texts that no row holds are below -1."""
    numbers = states.strings.known(batch.strings)
    return {
        NAME: numbers[batch.name],
        FLAG: numbers[batch.flag],
        STATUS: batch.nav_status + 1,
        DRAUGHT: rounded_m(batch.draught_m),
        ETA: _eta_minutes(batch),
    }


def _eta_minutes(batch: PositionBatch) -> IntArray:
    minutes = np.full(len(batch.strings) + 1, NO_ETA, dtype=np.int64)
    indexes = list({*batch.eta.tolist()} - {-1})
    minutes[indexes] = [eta_minute(batch.strings[index]) for index in indexes]
    found: IntArray = minutes[batch.eta]
    return found


def _news(columns: Mapping[Attribute, Any], known: Rows, policy: ChangesPolicy) -> tuple[BoolArray, BoolArray]:
    """Tell which fixes bring a first value, and which may bring another one: all that do, and few others."""
    first = np.zeros(len(known), dtype=np.bool_)
    other = np.zeros(len(known), dtype=np.bool_)
    least = {DRAUGHT: policy.draught_m - 0.005, ETA: policy.eta_minutes}
    for attribute, values in columns.items():
        stored = known[attribute.field]
        is_there, is_first = values != attribute.missing, stored == attribute.missing
        differs = np.abs(values - stored) >= least[attribute] if attribute in least else values != stored
        first |= is_there & is_first
        other |= is_there & differs & ~is_first
    return first, other


def _fill(
    states: VesselStates, batch: PositionBatch, columns: Mapping[Attribute, Any], last: IntArray, rows: Rows
) -> None:
    """Put the first values at *last* into *rows*."""
    for attribute, values in columns.items():
        value, stored = values[last], rows[attribute.field]
        fills = (stored == attribute.missing) & (value != attribute.missing)
        if attribute.is_spelled:
            for place in np.flatnonzero(fills & (value < attribute.missing)).tolist():
                value[place] = states.strings.number(attribute.reported(batch, int(last[place])))
        rows[attribute.field] = np.where(fills, value, stored)


class _Vessel:
    """What is known of one vessel, as texts."""

    def __init__(self, states: VesselStates, slot: int) -> None:
        row, note = states.rows[slot], states.notes.get(slot, {})
        candidates = note.get("candidates", {})
        self.names = Names.from_note(note.get("names"))
        self.held: dict[str, Held[str]] = {}
        for each in ATTRIBUTES:
            candidate, since_ms = candidates.get(each.name, (None, 0))
            current = each.stored(row[each.field], states.strings)
            self.held[each.name] = Held(current, candidate=candidate, candidate_since_ms=since_ms)

    def note(self) -> dict[str, Any]:
        """Return what does not fit the row."""
        held = {name: [one.candidate, one.candidate_since_ms] for name, one in self.held.items() if one.candidate}
        note: dict[str, Any] = {"candidates": held} if held else {}
        return note | ({"names": list(self.names.to_note())} if self.names.until_ms else {})


class _Walk:
    """Goes through the fixes of vessels of which any says something new, in order."""

    def __init__(self, states: VesselStates, batch: PositionBatch, policy: ChangesPolicy) -> None:
        self._states, self._batch, self._policy = states, batch, policy
        self._same = same_by(draught_m=policy.draught_m, eta_minutes=policy.eta_minutes)
        self._vessels: dict[int, _Vessel] = {}
        self._events: list[Event] = []

    def step(self, row: int, slot: int) -> None:
        """Take the fix at *row* into account."""
        vessel = self._vessels.get(slot)
        if vessel is None:
            vessel = self._vessels[slot] = _Vessel(self._states, slot)
        at_ms = int(self._batch.at_ms[row])
        for attribute in ATTRIBUTES:
            value = attribute.reported(self._batch, row)
            if value is None:
                continue
            held, same = vessel.held[attribute.name], self._same[attribute.name]
            if attribute is NAME:
                vessel.names = _names_after(vessel.names, held, value, at_ms, same)
            held, change = held.step(value, at_ms, self._policy.hold_off_ms, same=same)
            vessel.held[attribute.name] = _respelled(held, value, same) if attribute.is_spelled else held
            if change and not vessel.names.is_shared(at_ms):
                self._announce(row, attribute, change)

    def detection(self, moved: IntArray, rows: Rows) -> Detection:
        """Return all that changed: *rows*, for the slots *moved*, with what the walk found."""
        notes: dict[int, Mapping[str, Any] | None] = {}
        for place, (slot, vessel) in zip(
            np.searchsorted(moved, list(self._vessels)).tolist(), self._vessels.items(), strict=True
        ):
            note = vessel.note()
            notes[slot] = note or None
            rows["is_pending"][place] = "candidates" in note
            for each in ATTRIBUTES:
                current = vessel.held[each.name].current
                rows[each.field][place] = (
                    each.missing if current is None else each.to_store(current, self._states.strings)
                )
        return Detection(slots=moved, rows=rows, notes=notes, events=self._events)

    def _announce(self, row: int, attribute: Attribute, change: Change[str]) -> None:
        batch, first_ms = self._batch, change.first_ms
        if is_too_old(batch, row, self._policy.alert_limit_ms):
            return
        previous, new = attribute.shown(change.previous), attribute.shown(change.new)
        key = event_id(batch.vessel[row], attribute.name, attribute.kind, first_ms, new, 0)
        first = (first_ms, float(batch.lon_deg[row]), float(batch.lat_deg[row]))
        event = announcement(batch, row, kind=attribute.kind, event_id=key, first=first, previous=previous, new=new)
        self._events.append(event)


def _names_after(names: Names, held: Held[str], name: str, at_ms: int, same: Same) -> Names:
    """Return the names after a fix with *name*; the one reported before it is the candidate, if there is one."""
    previous = held.candidate or held.current
    if previous is None or same(previous, name):
        return names
    return names.renamed(fold_name(previous), fold_name(name), at_ms)


def _respelled(held: Held[str], value: str, same: Same) -> Held[str]:
    """Return *held* in the newest spelling, lest every fix with it look like news."""
    if held.current is None or not same(held.current, value):
        return held
    return replace(held, current=value)
