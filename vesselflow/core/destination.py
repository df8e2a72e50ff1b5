"""Positions with destination texts -> vessels that changed their destination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from vesselflow.core.announcing import announcement, event_id, is_too_old
from vesselflow.core.model import Event, PositionBatch
from vesselflow.core.states import Detection, VesselStates
from vesselflow.core.texts import text_numbers

#: ``destination`` is the number of the last text that was not missing, -1 before the first.
STATE: Final = np.dtype([("vessel", "<i8"), ("destination", "<i4"), ("at_ms", "<i8")])

_KIND: Final = "destination.changed"


def new_states(buckets: int) -> VesselStates:
    """Return the states of a partition that has seen no vessel."""
    return VesselStates(STATE, text_fields=("destination",), buckets=buckets)


@dataclass(frozen=True, slots=True)
class DestinationPolicy:
    """How a change is judged: the plain policy, any two texts that differ.

    A fix received more than ``alert_limit_ms`` after its own time moves the state and announces nothing.
    """

    alert_limit_ms: int | None = None


def detect(states: VesselStates, batch: PositionBatch, policy: DestinationPolicy) -> Detection:
    """Return whose destination changed, fix by fix in the order of *batch*.

    The first text ever seen announces nothing. A missing or empty text announces nothing either and leaves
    the one before it standing, so A, missing, A is no change and A, missing, B is one.
    """
    slots = states.slots(batch.vessel)
    texts = text_numbers(batch, batch.destination, states.strings)
    differs = (texts >= 0) & (texts != states.rows["destination"][slots])
    if not differs.any():
        return Detection(slots=slots[:0], rows=states.rows[:0])
    rows = np.flatnonzero(np.isin(slots, slots[differs]) & (texts >= 0))
    return _walk(states, batch, policy, rows.tolist(), slots[rows].tolist(), texts[rows].tolist())


def _walk(
    states: VesselStates,
    batch: PositionBatch,
    policy: DestinationPolicy,
    rows: list[int],
    slots: list[int],
    texts: list[int],
) -> Detection:
    current: dict[int, int] = {}
    last: dict[int, int] = {}
    events: list[Event] = []
    for row, slot, text in zip(rows, slots, texts, strict=True):
        before = current.get(slot, int(states.rows["destination"][slot]))
        if text == before:
            continue
        if before >= 0 and not is_too_old(batch, row, policy.alert_limit_ms):
            events.append(_event(batch, row, states.strings.text(before), states.strings.text(text)))
        current[slot], last[slot] = text, row
    return _detection(states, batch, current, last, events)


def _detection(
    states: VesselStates, batch: PositionBatch, current: dict[int, int], last: dict[int, int], events: list[Event]
) -> Detection:
    slots = np.array(list(current), dtype=np.int64)
    rows = states.rows[slots]
    rows["destination"] = list(current.values())
    rows["at_ms"] = batch.at_ms[list(last.values())]
    return Detection(slots=slots, rows=rows, events=events)


def _event(batch: PositionBatch, row: int, previous: str | None, new: str | None) -> Event:
    # The ordinal is 0: a fix carries one text. The normal form is the cleaned text itself.
    key = event_id(batch.vessel[row], "destination", _KIND, batch.at_ms[row], new, 0)
    return announcement(
        batch,
        row,
        kind=_KIND,
        event_id=key,
        previous_destination=previous,
        new_destination=new,
        previous_normal=previous,
        new_normal=new,
    )
