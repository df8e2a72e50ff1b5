"""Positions and fences -> vessels that entered and left.

A position's fences are summed up in one number: the sum of a 64-bit hash for each fence it is in. A vessel
whose number is what its row says has crossed nothing, and that comparison is one array operation for the
whole batch. Only vessels whose number differs are walked fix by fix.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from vesselflow.core.announcing import announcement, event_id, is_too_old
from vesselflow.core.errors import UsageError
from vesselflow.core.fences import FenceHistory, FenceSet
from vesselflow.core.model import BoolArray, Event, FenceVersion, IntArray, PositionBatch
from vesselflow.core.states import Detection, VesselStates

__all__ = ["STATE", "FenceHistory", "FenceSet", "GeofencePolicy", "detect", "new_states"]

HashArray = npt.NDArray[np.uint64]

#: ``fences`` sums the hashes of the fences the vessel is in; the rest is the fix that last changed it.
#: The fences themselves are in the slot's note: ``{fence id: at_ms of the first fix inside}``.
STATE: Final = np.dtype(
    [
        ("vessel", "<i8"),
        ("fences", "<u8"),
        ("at_ms", "<i8"),
        ("received_ms", "<i8"),
        ("lon_deg", "<f8"),
        ("lat_deg", "<f8"),
    ]
)


def new_states(buckets: int) -> VesselStates:
    """Return the states of a partition that has seen no vessel."""
    return VesselStates(STATE, buckets=buckets)


@dataclass(frozen=True)
class GeofencePolicy:
    """Which fences count when, and how a crossing is judged. All defaults together are the plain policy.

    A fix received more than ``alert_limit_ms`` after its own time moves the state and announces nothing.

    Raises:
        UsageError: a field that only the plain policy's value is built for has another one.
    """

    fences: FenceHistory
    alert_limit_ms: int | None = None
    unknown_is_outside: bool = True
    margin_m: float = 0.0
    confirm_fixes: int = 1
    confirm_ms: int = 0
    judges_segments: bool = False

    def __post_init__(self) -> None:
        for each in fields(self)[2:]:
            got = getattr(self, each.name)
            if got != each.default:
                raise UsageError(f"expected {each.name} {each.default} of the plain policy, got {got}")


def detect(states: VesselStates, batch: PositionBatch, policy: GeofencePolicy) -> Detection:
    """Return who entered or left which fence, fix by fix in the order of *batch*.

    A vessel never seen counts as outside; a point on a fence's edge is inside. At one fix exits come before
    enters, each in the order of the fences' ids. A fence that is no longer in force drops out without an
    exit. Rows change only for vessels that crossed, so a checkpoint has few buckets to write.
    """
    slots = states.slots(batch.vessel)
    judged = _judge(batch, policy.fences)
    crossed = slots[judged.hashes != states.rows["fences"][slots]]
    if not crossed.size:
        return Detection(slots=crossed, rows=states.rows[:0])
    walked = np.isin(slots, crossed)
    walk = _Walk(states, batch, judged, policy, walked)
    for row in np.flatnonzero(walked).tolist():
        walk.step(row, int(slots[row]))
    return walk.detection()


@dataclass(frozen=True)
class _Judged:
    """For each position the sum of its fences' hashes; for each set of fences its positions and the pairs."""

    hashes: HashArray
    parts: list[tuple[FenceSet, IntArray | None, IntArray, IntArray]] = field(default_factory=list)

    def by_position(self, wanted: BoolArray) -> tuple[dict[int, dict[str, FenceVersion]], dict[int, FenceSet]]:
        """Return the fences around each position *wanted*, and each position's set when there are several."""
        around: dict[int, dict[str, FenceVersion]] = {}
        sets: dict[int, FenceSet] = {}
        for fences, positions, position, fence in self.parts:
            sets |= dict.fromkeys([] if positions is None else positions.tolist(), fences)
            kept = wanted[position]
            for row, index in zip(position[kept].tolist(), fence[kept].tolist(), strict=True):
                version = fences.versions[index]
                around.setdefault(row, {})[version.id] = version
        return around, sets


def _judge(batch: PositionBatch, history: FenceHistory) -> _Judged:
    judged = _Judged(np.zeros(len(batch), dtype=np.uint64))
    for fences, rows in history.split(batch.received_ms):
        if rows is None:
            position, fence = fences.containing(batch.lon_deg, batch.lat_deg)
        else:
            position, fence = fences.containing(batch.lon_deg[rows], batch.lat_deg[rows])
            position = rows[position]
        np.add.at(judged.hashes, position, fences.hashes[fence])
        judged.parts.append((fences, rows, position, fence))
    return judged


class _Walk:
    """Goes through the fixes of vessels that crossed, in order, and collects what changes."""

    def __init__(
        self, states: VesselStates, batch: PositionBatch, judged: _Judged, policy: GeofencePolicy, walked: BoolArray
    ) -> None:
        self._states, self._batch, self._judged, self._policy = states, batch, judged, policy
        self._around, self._sets = judged.by_position(walked)
        self._fences = judged.parts[0][0]
        self._notes: dict[int, dict[str, int]] = {}
        self._last: dict[int, int] = {}
        self._events: list[Event] = []

    def step(self, row: int, slot: int) -> None:
        """Take the fix at *row* into account."""
        before = self._notes[slot] if slot in self._notes else self._states.notes.get(slot, {})
        now = self._around.get(row, {})
        if before.keys() != now.keys() and not is_too_old(self._batch, row, self._policy.alert_limit_ms):
            self._announce(row, before, now)
        at_ms = int(self._batch.at_ms[row])
        self._notes[slot] = {fence: before.get(fence, at_ms) for fence in sorted(now)}
        self._last[slot] = row

    def detection(self) -> Detection:
        """Return all that changed."""
        slots = np.array(list(self._last), dtype=np.int64)
        last = np.array(list(self._last.values()), dtype=np.int64)
        rows = self._states.rows[slots]
        rows["fences"] = self._judged.hashes[last]
        for name in ("at_ms", "received_ms", "lon_deg", "lat_deg"):
            rows[name] = getattr(self._batch, name)[last]
        notes = {slot: note or None for slot, note in self._notes.items()}
        return Detection(slots=slots, rows=rows, notes=notes, events=self._events)

    def _announce(self, row: int, before: dict[str, int], now: dict[str, FenceVersion]) -> None:
        fences = self._sets.get(row, self._fences)
        left = sorted(before.keys() - now.keys())
        came = sorted(now.keys() - before.keys())
        self._events += [self._event(row, "geofence.exited", fences.by_id[id]) for id in left if id in fences.by_id]
        self._events += [self._event(row, "geofence.entered", now[id]) for id in came]

    def _event(self, row: int, kind: str, fence: FenceVersion) -> Event:
        # The ordinal is 0: between two fixes the plain policy sees at most one crossing of a fence.
        key = event_id(self._batch.vessel[row], fence.id, kind, self._batch.at_ms[row], 0)
        return announcement(
            self._batch,
            row,
            kind=kind,
            event_id=key,
            client_id=fence.client_id,
            geofence_id=fence.id,
            geofence_name=fence.name,
        )
