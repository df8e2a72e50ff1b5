"""One vessel and one fence: outside, coming in, inside, going out.

              in the fence               confirmed: entered
    outside  -------------->  coming in  ------------------->  inside
       ^                          |                             ^  |
       |   out of it (*)          |          within the margin  |  |  beyond the margin
       |<-------------------------+                             |  v
       |                                   (*)               going out
       |<-----------------------------------------------------------+
                          confirmed: exited

A turn is confirmed by its second fix, say, or by a minute. A turn that is taken back (*) was a spike, unless the track
between the fixes says that it lasted long enough: then both crossings are told, marked as interpolated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from vesselflow.core.geodesy import Place
from vesselflow.core.tracks import passage

#: A vessel that was too fast has slowed down below this share of the limit.
SLOWED_DOWN: Final = 0.9


class Moment(NamedTuple):
    """A place at a time."""

    at_ms: int
    lon_deg: float
    lat_deg: float

    @property
    def place(self) -> Place:
        """The place alone."""
        return Place(self.lon_deg, self.lat_deg)


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change that is not confirmed: its first and last fix, how many, and the fix before it, if any."""

    first: Moment
    last: Moment
    before: Moment | None
    fixes: int = 1


class Haste(msgspec.Struct, frozen=True, omit_defaults=True):
    """A vessel above a fence's speed limit since `first`."""

    first: Moment
    fixes: int = 0
    told: bool = False


class Stay(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a vessel that is inside a fence, or coming in (not yet `inside`)."""

    since_ms: int
    inside: bool = False
    turn: Turn | None = None
    dwelled: bool = False
    haste: Haste | None = None

    @property
    def is_open(self) -> bool:
        """Whether the next fix has to be looked at whatever it is."""
        return self.turn is not None or (self.haste is not None and not self.haste.told)


@dataclass(frozen=True, slots=True)
class Limits:
    """When a crossing counts: `margin_m` beyond the edge to leave, `fixes` or `confirm_ms` (0: fixes alone) to confirm."""

    margin_m: float = 0.0
    fixes: int = 1
    confirm_ms: int = 0
    dwell_ms: int | None = None
    speed_kn: float | None = None

    def confirms(self, fixes: int, span_ms: float) -> bool:
        """Tell whether so many fixes over such a span are enough."""
        return fixes >= self.fixes or 0 < self.confirm_ms <= span_ms


@dataclass(frozen=True, slots=True)
class Seen:
    """Something to tell: the kind's last word, where and when it happened, and since when it was."""

    verb: str
    first: Moment
    interpolated: bool = False


class Look(NamedTuple):
    """One fix as one fence sees it; ``before`` is the fix before it, None when the track between them is unknown.

    ``is_near`` tells whether the fence is within the margin; it is asked only outside of the fence.
    """

    fix: Moment
    sog_kn: float
    before: Moment | None
    is_in: bool
    is_near: Callable[[], bool]
    shape: Any


def step(stay: Stay | None, look: Look, limits: Limits) -> tuple[Stay | None, list[Seen]]:
    """Return the stay after *look* and what is to be told of it; None is outside."""
    if stay is None:
        return _outside(look, limits)
    if not stay.inside:
        return _coming_in(stay, look, limits)
    if look.is_in or look.is_near():
        return _inside(stay, look, limits)
    return _going_out(stay, look, limits)


def began_inside(at_ms: int) -> Stay:
    """Return the stay of a vessel that was inside when it, or the fence, was first seen: nothing is told."""
    return Stay(since_ms=at_ms, inside=True)


def passed(look: Look, limits: Limits) -> list[Seen]:
    """Return the visit between two fixes outside: its track has to be as long as the margin and to last long enough."""
    if look.before is None or look.is_near():
        return []
    found = passage(look.before.place, look.fix.place, look.shape)
    if found is None or found.metres < limits.margin_m:
        return []
    span_ms = look.fix.at_ms - look.before.at_ms
    if found.share * span_ms < limits.confirm_ms:
        return []
    return [
        Seen("entered", _on_the_way(look.before, span_ms, found.enters, found.enters_at), interpolated=True),
        Seen("exited", _on_the_way(look.before, span_ms, found.leaves, found.leaves_at), interpolated=True),
    ]


def _outside(look: Look, limits: Limits) -> tuple[Stay | None, list[Seen]]:
    if not look.is_in:
        return None, []
    turn = Turn(look.fix, look.fix, look.before, 0)
    return _coming_in(Stay(since_ms=look.fix.at_ms, turn=turn), look, limits)


def _coming_in(stay: Stay, look: Look, limits: Limits) -> tuple[Stay | None, list[Seen]]:
    turn = stay.turn
    assert turn is not None
    if not look.is_in:
        return None, _taken_back(turn, look, limits, ("entered", "exited"))
    turn = _longer(turn, look.fix)
    if not limits.confirms(turn.fixes, turn.last.at_ms - turn.first.at_ms):
        return Stay(since_ms=stay.since_ms, turn=turn), []
    entered = Stay(since_ms=stay.since_ms, inside=True)
    stay, seen = _inside(entered, look, limits)
    return stay, [Seen("entered", turn.first), *seen]


def _inside(stay: Stay, look: Look, limits: Limits) -> tuple[Stay, list[Seen]]:
    seen: list[Seen] = []
    since_ms = stay.since_ms
    dwelled = stay.dwelled
    if stay.turn is not None:
        seen = _taken_back(stay.turn, look, limits, ("exited", "entered"))
        if seen:
            since_ms, dwelled = seen[-1].first.at_ms, False
    if limits.dwell_ms is not None and not dwelled and look.fix.at_ms - since_ms >= limits.dwell_ms:
        dwelled = True
        seen.append(Seen("dwelled", Moment(since_ms, look.fix.lon_deg, look.fix.lat_deg)))
    haste, hasty = _hasten(stay.haste, look, limits)
    return Stay(since_ms=since_ms, inside=True, dwelled=dwelled, haste=haste), seen + hasty


def _going_out(stay: Stay, look: Look, limits: Limits) -> tuple[Stay | None, list[Seen]]:
    turn = _longer(stay.turn or Turn(look.fix, look.fix, look.before, 0), look.fix)
    if limits.confirms(turn.fixes, turn.last.at_ms - turn.first.at_ms):
        return None, [Seen("exited", turn.first)]
    return msgspec.structs.replace(stay, turn=turn, haste=None), []


def _hasten(haste: Haste | None, look: Look, limits: Limits) -> tuple[Haste | None, list[Seen]]:
    """Return the vessel's haste; a speed that is not available changes nothing."""
    limit, sog = limits.speed_kn, look.sog_kn
    if limit is None or sog != sog:
        return (haste if limit is not None else None), []
    if sog <= limit:
        is_still_told = haste is not None and haste.told and sog > limit * SLOWED_DOWN
        return (haste if is_still_told else None), []
    first = haste.first if haste else look.fix
    fixes = haste.fixes + 1 if haste else 1
    told = haste is not None and haste.told
    is_news = not told and limits.confirms(fixes, look.fix.at_ms - first.at_ms)
    return Haste(first, fixes, told or is_news), [Seen("speeding", first)] if is_news else []


def _taken_back(turn: Turn, look: Look, limits: Limits, verbs: tuple[str, str]) -> list[Seen]:
    """Return both crossings of *turn* when the track says that it lasted long enough, nothing for a spike."""
    if not (limits.confirm_ms and turn.before and look.before):
        return []
    there = _crossing(turn.before, turn.first, look.shape, is_first=verbs[0] == "entered")
    back = _crossing(turn.last, look.fix, look.shape, is_first=verbs[0] == "exited")
    if back.at_ms - there.at_ms < limits.confirm_ms:
        return []
    return [Seen(verbs[0], there, interpolated=True), Seen(verbs[1], back, interpolated=True)]


def _crossing(before: Moment, after: Moment, shape: Any, *, is_first: bool) -> Moment:
    """Return where the track crosses the edge, to come in at its first edge and to leave at its last; else *after*."""
    found = passage(before.place, after.place, shape)
    if found is None:
        return after
    share, place = (found.enters, found.enters_at) if is_first else (found.leaves, found.leaves_at)
    return _on_the_way(before, after.at_ms - before.at_ms, share, place)


def _on_the_way(before: Moment, span_ms: int, share: float, place: Place) -> Moment:
    return Moment(before.at_ms + round(share * span_ms), *place)


def _longer(turn: Turn, fix: Moment) -> Turn:
    return Turn(turn.first, fix, turn.before, turn.fixes + 1)
