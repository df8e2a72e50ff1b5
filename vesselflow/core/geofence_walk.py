"""The fixes of the vessels for which something may change, one after the other -> their stays and the events."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec

from vesselflow.core.announcing import announcement, event_id, is_too_old
from vesselflow.core.fence_policy import GeofencePolicy, Ruling
from vesselflow.core.fences import FenceSet
from vesselflow.core.geodesy import Place
from vesselflow.core.judging import Judged
from vesselflow.core.model import BoolArray, Event
from vesselflow.core.quality import Accepted
from vesselflow.core.states import VesselStates
from vesselflow.core.stays import SLOWED_DOWN, Look, Moment, Seen, Stay, began_inside, passed, step
from vesselflow.core.tracks import is_within

Stays = dict[str, Stay]

#: A deadline that every fix is past: the next one has to be looked at.
ALWAYS: Final = -(1 << 62)
_NEVER: Final = 1 << 62
_MASK: Final = (1 << 64) - 1
#: At one moment a vessel leaves before it enters.
_RANK: Final = {"exited": 0, "entered": 1, "dwelled": 2, "speeding": 3}


class Walk:
    """Goes through fixes in order and collects what changes; the states it was given stay as they are.

    *crossed* has, by row, the indexes of the fences that the track to that fix meets.
    """

    def __init__(
        self,
        states: VesselStates,
        fixes: Accepted,
        judged: Judged,
        policy: GeofencePolicy,
        *,
        wanted: BoolArray,
        crossed: Mapping[int, list[int]],
    ) -> None:
        self._states, self._fixes, self._policy, self._crossed = states, fixes, policy, crossed
        self._around, self._sets = judged.around(wanted), judged.sets()
        self._fences = judged.parts[0].fences
        self._last: dict[int, int] = {}
        self.stays: dict[int, Stays] = {}
        self.events: list[Event] = []

    def step(self, row: int, slot: int) -> None:
        """Take the fix at *row* into account."""
        stays = self._stays_of(slot)
        fences, around = self._fences_at(row), self._around.get(row, [])
        here = {fences.versions[index].id for index in around}
        before, found = set(stays), list[tuple[Seen, int]]()
        for id in sorted(before | here):
            index = fences.index_of.get(id)
            if index is None:
                # Switched off or deleted: nothing is told, nothing stays behind.
                del stays[id]
            elif self._is_new(row, fences.shaped_ms[index]):
                _settle(stays, id, is_in=id in here, at_ms=int(self._fixes.batch.at_ms[row]))
            else:
                found += self._stepped(stays, row, index, is_in=id in here)
        for index in self._crossed.get(row, ()):
            if fences.versions[index].id not in before | here and not self._is_new(row, fences.shaped_ms[index]):
                look, ruling = self._look(row, index, is_in=False)
                found += [(seen, index) for seen in passed(look, ruling.limits)]
        self._last[slot] = row
        if found:
            self._announce(row, found)

    def books(self, slot: int) -> tuple[int, int, float]:
        """Return what the row of *slot* holds after its last fix: the hashes' sum, the deadline, the speed to watch."""
        fences, hashes, due_ms = self._fences_at(self._last[slot]), 0, 0
        fast: list[float] = []
        slow: list[float] = []
        for id, stay in self.stays[slot].items():
            index = fences.index_of[id]
            limits = self._policy.ruling(fences.versions[index]).limits
            if stay.inside:
                hashes += int(fences.hashes[index])
            if stay.is_open:
                due_ms = ALWAYS
            elif limits.dwell_ms is not None and not stay.dwelled:
                due_ms = min(due_ms or _NEVER, stay.since_ms + limits.dwell_ms)
            if limits.speed_kn is not None and stay.haste is None:
                fast.append(limits.speed_kn)
            elif limits.speed_kn is not None:
                slow.append(limits.speed_kn * SLOWED_DOWN)
        if fast and slow:
            # One number cannot watch both ways.
            return hashes & _MASK, ALWAYS, 0.0
        return hashes & _MASK, due_ms, min(fast) if fast else -max(slow, default=0.0)

    def _stays_of(self, slot: int) -> Stays:
        if slot not in self.stays:
            known: Mapping[str, Any] = self._states.notes.get(slot, {}).get("in", {})
            self.stays[slot] = {id: _stay(stay) for id, stay in known.items()}
        return self.stays[slot]

    def _fences_at(self, row: int) -> FenceSet:
        return self._sets.get(row, self._fences)

    def _is_new(self, row: int, shaped_ms: int) -> bool:
        """Tell whether the vessel, or the fence in this shape, is seen for the first time, so that nothing has changed."""
        before = self._fixes.before
        return not self._policy.unknown_is_outside and bool(
            not before.known[row] or shaped_ms > before.received_ms[row]
        )

    def _stepped(self, stays: Stays, row: int, index: int, *, is_in: bool) -> list[tuple[Seen, int]]:
        id = self._fences_at(row).versions[index].id
        look, ruling = self._look(row, index, is_in=is_in)
        stay, seen = step(stays.get(id), look, ruling.limits)
        if stay is None:
            stays.pop(id, None)
        else:
            stays[id] = stay
        return [(one, index) for one in seen]

    def _look(self, row: int, index: int, *, is_in: bool) -> tuple[Look, Ruling]:
        batch, fences = self._fixes.batch, self._fences_at(row)
        ruling = self._policy.ruling(fences.versions[index])
        place = Place(float(batch.lon_deg[row]), float(batch.lat_deg[row]))
        shape = fences.shape(index)
        look = Look(
            fix=Moment(int(batch.at_ms[row]), *place),
            sog_kn=float(batch.sog_kn[row]),
            before=self._before(row),
            is_in=is_in,
            is_near=partial(is_within, place, ruling.limits.margin_m, shape),
            shape=shape,
        )
        return look, ruling

    def _before(self, row: int) -> Moment | None:
        """Return the fix before, None when the track from it is not judged."""
        before, at_ms = self._fixes.before, int(self._fixes.batch.at_ms[row])
        if not before.known[row] or self._fixes.jumped[row]:
            return None
        if at_ms - before.at_ms[row] > self._policy.track_limit_ms:
            return None
        return Moment(int(before.at_ms[row]), float(before.lon_deg[row]), float(before.lat_deg[row]))

    def _announce(self, row: int, found: list[tuple[Seen, int]]) -> None:
        batch, versions = self._fixes.batch, self._fences_at(row).versions
        if is_too_old(batch, row, self._policy.alert_limit_ms):
            return
        vessel = {
            "imo": int(batch.imo[row]) or None,
            "mmsi": int(batch.mmsi[row]) or None,
            "ship_type": batch.text("ship_type", row),
            "flag": batch.text("flag", row),
        }
        at_ms = int(batch.at_ms[row])
        for seen, index in sorted(found, key=lambda each: _order(each[0], versions[each[1]].id)):
            if self._policy.ruling(versions[index]).tells(seen.verb, at_ms, **vessel):  # type: ignore[arg-type]
                self.events.append(self._event(row, seen, index))

    def _event(self, row: int, seen: Seen, index: int) -> Event:
        fence, kind = self._fences_at(row).versions[index], f"geofence.{seen.verb}"
        batch = self._fixes.batch
        # The ordinal is 0: of one kind and fence at most one thing begins at one moment.
        key = event_id(batch.vessel[row], fence.id, kind, seen.first.at_ms, 0)
        return announcement(
            batch,
            row,
            kind=kind,
            event_id=key,
            first=seen.first,
            interpolated=seen.interpolated,
            client_id=fence.client_id,
            geofence_id=fence.id,
            geofence_name=fence.name,
        )


def _stay(stored: Any) -> Stay:
    """Return a stay as it was left in memory, or as it came back from a table."""
    return stored if isinstance(stored, Stay) else msgspec.convert(stored, Stay)


def _settle(stays: Stays, id: str, *, is_in: bool, at_ms: int) -> None:
    """Put down where a vessel is to a fence that has just come around it, or away from it: nothing is told."""
    known = stays.pop(id, None)
    if is_in:
        since_ms = known.since_ms if known and known.inside else at_ms
        stays[id] = began_inside(since_ms)


def _order(seen: Seen, id: str) -> tuple[int, int, str]:
    """Return the place of *seen* among what one fix brings: when it happened, exits before enters, the fence's id."""
    # A visit between two fixes is told as it went: its enter before its exit, also within one millisecond.
    return seen.first.at_ms, 1 if seen.interpolated else _RANK[seen.verb], id
