"""Positions and fences -> vessels that entered, left, stayed in and sped through fences.

The fences that a vessel is inside are summed up in one number: the sum of a 64-bit hash for each. A fix whose fences
have the sum that its vessel's row holds changes nothing, and that comparison is one array operation for the whole
batch. Only vessels with another sum, an open question or a deadline are walked fix by fix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from vesselflow.core.fence_policy import GeofencePolicy, default_policy
from vesselflow.core.fences import FenceHistory, FenceSet
from vesselflow.core.geofence_walk import Walk
from vesselflow.core.judging import Judged, judge
from vesselflow.core.model import BoolArray, IntArray, PositionBatch
from vesselflow.core.quality import LAST_FIX, SEEN, SUSPECTED, Accepted, accept, accept_all, suspects_in
from vesselflow.core.reorder import reordered
from vesselflow.core.states import Detection, Rows, VesselStates

__all__ = [
    "STATE",
    "FenceHistory",
    "FenceSet",
    "GeofencePolicy",
    "default_policy",
    "detect",
    "new_states",
]

#: ``fences`` sums the hashes of the fences that the vessel is inside. The next fix has to be looked at when it is at
#: ``due_ms`` or later, faster than ``watch_kn``, or, where that is negative, not faster than its amount; 0 is none. What
#: does not fit is in the slot's note: under "in" a `stays.Stay` by fence id.
STATE: Final = np.dtype(
    [("vessel", "<i8"), *LAST_FIX, ("fences", "<u8"), ("due_ms", "<i8"), ("watch_kn", "<f4"), ("flags", "<u4")],
)


def new_states(buckets: int) -> VesselStates:
    """Return the states of a partition that has seen no vessel."""
    return VesselStates(STATE, buckets=buckets)


def detect(states: VesselStates, batch: PositionBatch, policy: GeofencePolicy) -> Detection:
    """Return who entered, left, dwelled in or sped through which fence, in the order of *batch*.

    A point on a fence's edge is inside. At one moment exits come before enters, each in the order of the fences' ids.
    A fence that is no longer in force drops out without an exit.
    """
    notes, late = _Notes(states), 0
    if policy.reorder_ms:
        batch, waiting, late = reordered(states, batch, policy.reorder_ms)
        notes.change("held", waiting)
    fixes = _accepted(states, batch, policy)
    notes.change("suspect", fixes.suspects)
    walk = _walked(states, fixes, policy)
    if walk:
        notes.change("in", walk.stays)
    found = _detection(states, fixes, policy, walk, notes)
    return replace(found, counts={**found.counts, "late": found.counts.get("late", 0) + late}) if late else found


class _Notes:
    """The notes of the slots of which any entry changes; an entry that is empty goes."""

    def __init__(self, states: VesselStates) -> None:
        self._states = states
        self.changed: dict[int, dict[str, Any]] = {}

    def change(self, name: str, entries: Mapping[int, Any]) -> None:
        """Put the *entries* by slot into the notes under *name*."""
        for slot, entry in entries.items():
            note = self.changed.setdefault(slot, dict(self._states.notes.get(slot, {})))
            note.pop(name, None)
            if entry:
                note[name] = entry


def _accepted(states: VesselStates, batch: PositionBatch, policy: GeofencePolicy) -> Accepted:
    slots = states.slots(batch.vessel)
    if policy.reach is None:
        return accept_all(slots, batch)
    suspected = slots[(states.rows["flags"][slots] & SUSPECTED) > 0]
    return accept(states.rows, suspects_in(states.notes, suspected.tolist()), slots, batch, policy.reach)


def _walked(states: VesselStates, fixes: Accepted, policy: GeofencePolicy) -> Walk | None:
    """Return the walk over the vessels for which anything may change, None when there are none."""
    judged = judge(fixes.batch, policy.fences)
    crossed = _crossed(fixes, judged, policy)
    flagged = _flagged(states.rows, fixes, judged)
    flagged[list(crossed)] = True
    if not flagged.any():
        return None
    wanted = np.isin(fixes.slots, fixes.slots[flagged])
    walk = Walk(states, fixes, judged, policy, wanted=wanted, crossed=crossed)
    for row in np.flatnonzero(wanted).tolist():
        walk.step(row, int(fixes.slots[row]))
    return walk


def _flagged(rows: Rows, fixes: Accepted, judged: Judged) -> BoolArray:
    """Tell which fixes are in other fences than their vessel was, or past a deadline, or too fast, or after a change."""
    slots, batch = fixes.slots, fixes.batch
    inside, due_ms, watch_kn = rows["fences"][slots], rows["due_ms"][slots], rows["watch_kn"][slots]
    flagged: BoolArray = judged.hashes != inside
    flagged |= (due_ms != 0) & (batch.at_ms >= due_ms)
    flagged |= (watch_kn > 0) & (batch.sog_kn > watch_kn)
    flagged |= (watch_kn < 0) & (batch.sog_kn <= -watch_kn)
    # Another fence may have changed, and with it this vessel's deadlines.
    flagged |= (inside != 0) & fixes.before.known & (judged.since_ms() > fixes.before.received_ms)
    return flagged


def _crossed(fixes: Accepted, judged: Judged, policy: GeofencePolicy) -> dict[int, list[int]]:
    """Return, by row, the fences that the track to a fix meets, where it may have lasted long enough to be a visit."""
    crossed: dict[int, list[int]] = {}
    if not policy.track_limit_ms:
        return crossed
    batch, before = fixes.batch, fixes.before
    span_ms = batch.at_ms - before.at_ms
    known = before.known & ~fixes.jumped & (span_ms <= policy.track_limit_ms)
    for part in judged.parts:
        least_ms, least_m = policy.least_visit(part.fences)
        long_enough = known & (span_ms >= least_ms) & (before.metres >= least_m)
        rows = np.flatnonzero(long_enough) if part.rows is None else part.rows[long_enough[part.rows]]
        if rows.size:
            track, fence = part.fences.crossed(
                before.lon_deg[rows], before.lat_deg[rows], batch.lon_deg[rows], batch.lat_deg[rows]
            )
            for row, index in zip(rows[track].tolist(), fence.tolist(), strict=True):
                crossed.setdefault(row, []).append(index)
    return crossed


def _detection(
    states: VesselStates, fixes: Accepted, policy: GeofencePolicy, walk: Walk | None, notes: _Notes
) -> Detection:
    """Return all that changed: with the gate every vessel's last fix, else only the vessels that were walked."""
    last = _last_of_each(fixes.slots)
    if policy.reach is None:
        last = last[np.isin(fixes.slots[last], list(walk.stays) if walk else [])]
    slots = fixes.slots[last]
    if fixes.suspects:
        slots = np.union1d(slots, np.array(list(fixes.suspects)))
    rows = states.rows[slots]
    place = np.searchsorted(slots, fixes.slots[last])
    for name in ("at_ms", "received_ms", "lon_deg", "lat_deg"):
        rows[name][place] = getattr(fixes.batch, name)[last]
    rows["flags"][place] |= SEEN
    for slot, suspect in fixes.suspects.items():
        row = rows[np.searchsorted(slots, slot)]
        row["flags"] = row["flags"] | SUSPECTED if suspect else row["flags"] & ~np.uint32(SUSPECTED)
    if walk:
        for slot in walk.stays:
            row = rows[np.searchsorted(slots, slot)]
            row["fences"], row["due_ms"], row["watch_kn"] = walk.books(slot)
    return Detection(
        slots=slots,
        rows=rows,
        notes={slot: note or None for slot, note in notes.changed.items()},
        events=walk.events if walk else [],
        counts=fixes.counts,
    )


def _last_of_each(slots: IntArray) -> IntArray:
    """Return the index of every slot's last fix."""
    order = np.argsort(slots, kind="stable")
    is_last = np.ones(len(order), dtype=np.bool_)
    is_last[:-1] = slots[order[1:]] != slots[order[:-1]]
    return order[is_last]
