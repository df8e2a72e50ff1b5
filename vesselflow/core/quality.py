"""Fixes as they arrive -> fixes that may move a vessel's state: newer than its last one, and within its reach.

A jump is set aside as a suspect. A following fix that agrees with the last accepted one makes it a spike, one that
agrees with the suspect makes it the vessel's new place: so neither a spike nor a lasting jump locks a vessel out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from vesselflow.core.geodesy import Place, metres_apart, metres_between
from vesselflow.core.model import BoolArray, FloatArray, IntArray, PositionBatch
from vesselflow.core.states import Rows

#: What a state has to have for the gate: the last accepted fix, and a field ``flags`` with the bits below.
LAST_FIX: Final = [("at_ms", "<i8"), ("received_ms", "<i8"), ("lon_deg", "<f8"), ("lat_deg", "<f8")]
#: The vessel has an accepted fix.
SEEN: Final = 1
#: It has a suspect as well.
SUSPECTED: Final = 2

METRES_PER_KNOT_SECOND: Final = 1852 / 3600


class Suspect(NamedTuple):
    """A fix out of reach of the vessel's last one."""

    at_ms: int
    lon_deg: float
    lat_deg: float


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a vessel gets between two fixes: *speed_kn*, and *slack_m* for inexact places and times.

    Source: the fastest ships in service make about 58 kn (HSC Francisco); Global Fishing Watch and MarineTraffic
    likewise drop what a ship cannot sail. The slack spares fixes of the same second from several receivers.
    """

    speed_kn: float = 70.0
    slack_m: float = 500.0

    def metres(self, span_ms: IntArray) -> FloatArray:
        """Return the distances within reach, element by element."""
        return np.asarray(self.slack_m + self.speed_kn * METRES_PER_KNOT_SECOND / 1000 * span_ms, dtype=np.float64)

    def spans(self, before: Suspect, after: Suspect) -> bool:
        """Tell whether a vessel gets from *before* to the later *after*."""
        metres = metres_apart(Place(*before[1:]), Place(*after[1:]))
        return metres <= self.slack_m + self.speed_kn * METRES_PER_KNOT_SECOND / 1000 * (after.at_ms - before.at_ms)


@dataclass(frozen=True, slots=True)
class Before:
    """For each fix, the accepted fix of its vessel before it, ``metres`` away; ``known`` is False where there is none."""

    known: BoolArray
    at_ms: IntArray
    received_ms: IntArray
    lon_deg: FloatArray
    lat_deg: FloatArray
    metres: FloatArray


@dataclass(frozen=True, slots=True)
class Accepted:
    """The fixes that may move a state, in order, with the one before each.

    ``jumped`` are those that a suspect was confirmed by: between them and the fix before nobody knows the track.
    ``suspects`` has, by slot, the suspects that are new and None for those that are no more.
    """

    batch: PositionBatch
    slots: IntArray
    before: Before
    jumped: BoolArray
    suspects: Mapping[int, Suspect | None] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


def accept(
    rows: Rows, suspects: Mapping[int, Suspect], slots: IntArray, batch: PositionBatch, reach: Reach
) -> Accepted:
    """Return what of *batch* may move the states in *rows*; *suspects* are those of its vessels, by slot.

    A fix that is not newer than its vessel's last one never does: ``repeated`` at the same time, ``late`` before it.
    ``jump`` counts the suspects.
    """
    before = _before(rows, slots, batch)
    newer = batch.at_ms > before.at_ms
    far = before.metres > reach.metres(batch.at_ms - before.at_ms)
    odd = before.known & (~newer | far) | ((rows["flags"][slots] & SUSPECTED) > 0)
    if not odd.any():
        return Accepted(batch, slots, before, odd)
    return _Gate(rows, suspects, slots, batch, reach).accepted(np.isin(slots, slots[odd]))


def accept_all(slots: IntArray, batch: PositionBatch) -> Accepted:
    """Return all of *batch*, whatever came before."""
    nothing = np.zeros(len(batch), dtype=np.bool_)
    times, places = np.zeros(len(batch), dtype=np.int64), np.zeros(len(batch))
    return Accepted(batch, slots, Before(nothing, times, times, places, places, places), nothing)


def _before(rows: Rows, slots: IntArray, batch: PositionBatch) -> Before:
    """Return the fix before each of *batch*: of its own vessel in the batch, else the one in its row."""
    order = np.argsort(slots, kind="stable")
    follows = np.zeros(len(slots), dtype=np.bool_)
    follows[1:] = slots[order[1:]] == slots[order[:-1]]
    rest, previous = order[follows], order[:-1][follows[1:]]
    columns = {}
    for name in ("at_ms", "received_ms", "lon_deg", "lat_deg"):
        columns[name] = rows[name][slots]
        columns[name][rest] = getattr(batch, name)[previous]
    known = (rows["flags"][slots] & SEEN) > 0
    known[rest] = True
    metres = metres_between(
        from_lon_deg=columns["lon_deg"],
        from_lat_deg=columns["lat_deg"],
        to_lon_deg=batch.lon_deg,
        to_lat_deg=batch.lat_deg,
    )
    return Before(known=known, metres=metres, **columns)


class _Gate:
    """Goes fix by fix through the vessels of which any fix is odd."""

    def __init__(
        self,
        rows: Rows,
        suspects: Mapping[int, Suspect],
        slots: IntArray,
        batch: PositionBatch,
        reach: Reach,
    ) -> None:
        self._rows, self._slots, self._batch, self._reach = rows, slots, batch, reach
        self._suspects: dict[int, Suspect | None] = dict(suspects)
        self._known = dict(suspects)
        self._last: dict[int, Suspect | None] = {}
        self._counts = {"repeated": 0, "late": 0, "jump": 0}

    def accepted(self, odd: BoolArray) -> Accepted:
        """Return what is accepted when the vessels of the *odd* rows are looked at one by one."""
        keep, jumped = np.ones(len(odd), dtype=np.bool_), np.zeros(len(odd), dtype=np.bool_)
        places = np.flatnonzero(odd)
        columns = (self._slots, self._batch.at_ms, self._batch.lon_deg, self._batch.lat_deg)
        for place, slot, *fix in zip(places.tolist(), *(column[places].tolist() for column in columns), strict=True):
            verdict = self._verdict(slot, Suspect(*fix))
            keep[place], jumped[place] = verdict in ("accepted", "jumped"), verdict == "jumped"
            if verdict in self._counts:
                self._counts[verdict] += 1
        changed = {slot: one for slot, one in self._suspects.items() if self._known.get(slot) != one}
        batch, slots = self._batch.take(keep), self._slots[keep]
        before = _before(self._rows, slots, batch)
        return Accepted(batch, slots, before, jumped[keep], changed, self._counts)

    def _verdict(self, slot: int, fix: Suspect) -> str:
        last, suspect = self._last_of(slot), self._suspects.get(slot)
        if last and fix.at_ms <= last.at_ms:
            return "repeated" if fix.at_ms == last.at_ms else "late"
        if last is None or self._reach.spans(last, fix):
            return self._accept(slot, fix, "accepted")
        if suspect and fix.at_ms <= suspect.at_ms:
            return "repeated" if fix.at_ms == suspect.at_ms else "late"
        if suspect and self._reach.spans(suspect, fix):
            return self._accept(slot, fix, "jumped")
        self._suspects[slot] = fix
        return "jump"

    def _accept(self, slot: int, fix: Suspect, verdict: str) -> str:
        self._last[slot] = fix
        self._suspects[slot] = None
        return verdict

    def _last_of(self, slot: int) -> Suspect | None:
        if slot not in self._last:
            row = self._rows[slot]
            seen = bool(row["flags"] & SEEN)
            place = Suspect(int(row["at_ms"]), float(row["lon_deg"]), float(row["lat_deg"]))
            self._last[slot] = place if seen else None
        return self._last[slot]


def suspects_in(notes: Mapping[int, Mapping[str, Sequence[float]]], slots: Sequence[int]) -> dict[int, Suspect]:
    """Return the suspects that stand in the notes of *slots*."""
    found = {slot: notes[slot]["suspect"] for slot in slots if "suspect" in notes.get(slot, {})}
    return {slot: Suspect(int(each[0]), *each[1:]) for slot, each in found.items()}
