"""Positions with destination texts -> vessels that changed their destination.

A text that is the one its vessel's row holds changes nothing; only vessels with another text, another name or a change
that still has to stand are walked fix by fix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from vesselflow.core.announcing import announcement, event_id, is_too_old
from vesselflow.core.destination_text import normalise
from vesselflow.core.holding import Change, Held
from vesselflow.core.model import Event, PositionBatch
from vesselflow.core.sharing import Names, fold_name
from vesselflow.core.states import Detection, VesselStates
from vesselflow.core.texts import text_numbers

#: ``destination`` is the number of the text that stands, ``candidate`` that of another which may come to stand, each with
#: the time of its first fix; -1 is none. ``at_ms`` is the fix that last changed any of it. The note holds former names.
STATE: Final = np.dtype(
    [
        ("vessel", "<i8"),
        ("at_ms", "<i8"),
        ("since_ms", "<i8"),
        ("candidate_since_ms", "<i8"),
        ("destination", "<i4"),
        ("candidate", "<i4"),
        ("name", "<i4"),
    ]
)

_KIND: Final = "destination.changed"


def new_states(buckets: int) -> VesselStates:
    """Return the states of a partition that has seen no vessel."""
    return VesselStates(STATE, text_fields=("destination", "candidate", "name"), buckets=buckets)


@lru_cache(maxsize=1 << 16)
def normal_form(text: str) -> str:
    """Return the form by which two texts are compared; empty for one that says nothing."""
    return normalise(text).normal


@dataclass(frozen=True, slots=True)
class DestinationPolicy:
    """How a change is judged. All defaults together are the plain policy: any two texts that differ, in any order.

    ``normal`` gives the form by which texts are compared. ``knows_names``: vessels that share a number, told by their
    names, announce nothing. A fix received more than ``alert_limit_ms`` after its own time moves the state and
    announces nothing.
    """

    alert_limit_ms: int | None = None
    hold_off_ms: int = 0
    normal: Callable[[str], str] = str
    knows_names: bool = False
    keeps_order: bool = False


def default_policy(*, hold_off_ms: int, alert_limit_ms: int | None = None) -> DestinationPolicy:
    """Return the policy that compares ports, in the order of the fixes' times, and knows shared numbers."""
    return DestinationPolicy(
        alert_limit_ms=alert_limit_ms,
        hold_off_ms=hold_off_ms,
        normal=normal_form,
        knows_names=True,
        keeps_order=True,
    )


def detect(states: VesselStates, batch: PositionBatch, policy: DestinationPolicy) -> Detection:
    """Return whose destination changed, fix by fix in the order of *batch*.

    The first text ever seen announces nothing. A missing or empty text announces nothing either and leaves
    the one before it standing, so A, missing, A is no change and A, missing, B is one.
    """
    slots = states.slots(batch.vessel)
    texts = text_numbers(batch, batch.destination, states.strings)
    names = text_numbers(batch, batch.name, states.strings) if policy.knows_names else np.full(len(batch), -1)
    rows = states.rows
    flagged = (texts >= 0) & ((texts != rows["destination"][slots]) | (rows["candidate"][slots] >= 0))
    flagged |= (names >= 0) & (names != rows["name"][slots])
    if not flagged.any():
        return Detection(slots=slots[:0], rows=rows[:0])
    walk = _Walk(states, batch, policy)
    walked = np.flatnonzero(np.isin(slots, slots[flagged]) & ((texts >= 0) | (names >= 0)))
    for row in walked.tolist():
        walk.step(row, int(slots[row]), int(texts[row]), int(names[row]))
    return walk.detection()


@dataclass
class _Known:
    """What is known of one vessel while its fixes are gone through; ``row`` is the last that changed it, -1 for none."""

    at_ms: int
    destination: Held[int]
    name: int
    names: Names
    row: int = -1

    @property
    def is_blank(self) -> bool:
        """Whether nothing was ever heard of it."""
        return self.destination.current is None and self.name < 0


class _Walk:
    """Goes through the fixes of vessels for which something may change, in order."""

    def __init__(self, states: VesselStates, batch: PositionBatch, policy: DestinationPolicy) -> None:
        self._states, self._batch, self._policy = states, batch, policy
        self._known: dict[int, _Known] = {}
        self._events: list[Event] = []

    def step(self, row: int, slot: int, text: int, name: int) -> None:
        """Take the fix at *row* into account; *text* and *name* are their numbers, -1 for none."""
        if slot not in self._known:
            self._known[slot] = self._read(slot)
        known = self._known[slot]
        at_ms = int(self._batch.at_ms[row])
        if self._policy.keeps_order and not known.is_blank and at_ms <= known.at_ms:
            return
        before = (known.destination, known.name)
        if name >= 0 and name != known.name:
            self._rename(known, name, at_ms)
        if text >= 0 and self._normal(text):
            self._hear(known, row, text)
        if before != (known.destination, known.name):
            known.at_ms, known.row = at_ms, row

    def detection(self) -> Detection:
        """Return all that changed."""
        changed = {slot: known for slot, known in self._known.items() if known.row >= 0}
        slots = np.array(list(changed), dtype=np.int64)
        rows = self._states.rows[slots]
        for row, known in zip(rows, changed.values(), strict=True):
            held = known.destination
            row["at_ms"], row["since_ms"], row["candidate_since_ms"] = (
                known.at_ms,
                held.since_ms,
                held.candidate_since_ms,
            )
            row["destination"], row["candidate"] = _number(held.current), _number(held.candidate)
            row["name"] = known.name
        notes = {slot: {"names": known.names.to_note()} for slot, known in changed.items() if known.names.until_ms}
        return Detection(slots=slots, rows=rows, notes=notes, events=self._events)

    def _read(self, slot: int) -> _Known:
        row = self._states.rows[slot]
        held = Held(
            _text(row["destination"]), int(row["since_ms"]), _text(row["candidate"]), int(row["candidate_since_ms"])
        )
        names = Names.from_note(self._states.notes.get(slot, {}).get("names"))
        return _Known(int(row["at_ms"]), held, int(row["name"]), names)

    def _rename(self, known: _Known, name: int, at_ms: int) -> None:
        previous, new = (fold_name(self._text(number)) if number >= 0 else "" for number in (known.name, name))
        if previous and new and previous != new:
            known.names = known.names.renamed(previous, new, at_ms)
        if new:
            known.name = name

    def _hear(self, known: _Known, row: int, text: int) -> None:
        at_ms = int(self._batch.at_ms[row])
        held, change = known.destination.step(text, at_ms, self._policy.hold_off_ms, same=self._same)
        if change is None and held.candidate is None and held.current != text:
            # Another spelling of what stands: kept, so that the next fix with it is nothing to look at.
            held = Held(text, held.since_ms)
        known.destination = held
        is_another_ship = self._policy.knows_names and known.names.had_another(at_ms)
        if change and not is_another_ship and not is_too_old(self._batch, row, self._policy.alert_limit_ms):
            self._events.append(self._event(row, change))

    def _same(self, one: int, other: int) -> bool:
        return one == other or self._normal(one) == self._normal(other)

    def _normal(self, text: int) -> str:
        return self._policy.normal(self._text(text))

    def _text(self, number: int) -> str:
        return self._states.strings.texts[number]

    def _event(self, row: int, change: Change[int]) -> Event:
        previous, new = self._text(change.previous), self._text(change.new)
        # The ordinal is 0: a fix carries one text.
        key = event_id(self._batch.vessel[row], "destination", _KIND, change.first_ms, new, 0)
        place = (float(self._batch.lon_deg[row]), float(self._batch.lat_deg[row]))
        return announcement(
            self._batch,
            row,
            kind=_KIND,
            event_id=key,
            first=(change.first_ms, *place),
            previous_destination=previous,
            new_destination=new,
            previous_normal=self._policy.normal(previous),
            new_normal=self._policy.normal(new),
        )


def _text(number: int) -> int | None:
    return int(number) if number >= 0 else None


def _number(text: int | None) -> int:
    return -1 if text is None else text
