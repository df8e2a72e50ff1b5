"""Recorded positions and fences to try out -> what the geofence detector would have told of them, in order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from vesselflow.core.errors import InvalidRules, InvalidShape
from vesselflow.core.fence_files import feature_title
from vesselflow.core.fence_policy import GeofencePolicy, PolicyOptions
from vesselflow.core.fence_rules import NO_RULES, rules_text
from vesselflow.core.fences import FenceHistory
from vesselflow.core.geofence import detect, new_states
from vesselflow.core.model import Event, FenceVersion, PositionBatch, iso, vessel_id
from vesselflow.core.reorder import waiting_fixes
from vesselflow.core.shapes import FenceShape

#: Before every position.
_SINCE_EVER_MS: Final = -(1 << 62)
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of a backtest: the *events* by confirming fix, vessel and fence, and what they come from.

    ``positions`` were taken, of so many ``vessels``, from ``first_ms`` to ``last_ms`` (None without any); of these
    ``left_out`` were not judged, by reason.
    """

    events: list[Event]
    positions: int
    vessels: int
    first_ms: int | None
    last_ms: int | None
    left_out: Mapping[str, int]


class BacktestEvent(msgspec.Struct, frozen=True):
    """An event as a backtest tells it: ``at`` the fix that confirmed it; where and when it was first seen."""

    vessel: str
    geofence: str
    event: str
    at: str
    first_fix_at: str
    lon: float
    lat: float
    interpolated: bool


def backtest(batches: Iterable[PositionBatch], fences: Sequence[FenceVersion], options: PolicyOptions) -> Backtest:
    """Return what the detector tells of *batches*, which are judged in their order and not kept."""
    run = _Run(options.policy(FenceHistory(fences)))
    for batch in batches:
        run.take(batch)
    return run.end()


def fences_to_try(file_name: str, shapes: Sequence[FenceShape], options: PolicyOptions) -> list[FenceVersion]:
    """Return the shapes of a file as fences that have always been in force; the plain policy reads no rules of theirs.

    A fence's id is that of its feature, else the name, else its place, such as ``feature 3``. Whether a feature says
    that it is switched off does not matter.

    Raises:
        InvalidShape: two fences have the same id.
        InvalidRules: a feature's rules are not allowed. Both messages name the feature.
    """
    ids = [shape.id or shape.name or f"feature {number}" for number, shape in enumerate(shapes, start=1)]
    _refuse_repeated(file_name, ids)
    rules = [NO_RULES if options.plain else _rules(file_name, number, shape) for number, shape in enumerate(shapes, 1)]
    return [
        FenceVersion(id=id, client_id="", name=shape.name or id, wkb=shape.wkb, from_ms=_SINCE_EVER_MS, rules=own_rules)
        for id, shape, own_rules in zip(ids, shapes, rules, strict=True)
    ]


def told(event: Event) -> BacktestEvent:
    """Return *event* as a backtest tells it."""
    return BacktestEvent(
        vessel=vessel_id(event.vessel),
        geofence=str(event.geofence_id),
        event=event.kind.rpartition(".")[2],
        at=iso(event.at_ms),
        first_fix_at=iso(event.first_fix_ms),
        lon=event.lon_deg,
        lat=event.lat_deg,
        interpolated=event.interpolated,
    )


class _Run:
    """Judges batch after batch and adds up what comes of them."""

    def __init__(self, policy: GeofencePolicy) -> None:
        self._policy = policy
        self._states = new_states(1)
        self._events: list[Event] = []
        self._left_out: Counter[str] = Counter()
        self._positions = 0
        self._ends_ms: list[int] = []

    def take(self, batch: PositionBatch) -> None:
        """Judge the positions of *batch*, of which there is at least one."""
        self._positions += len(batch)
        self._ends_ms += [int(batch.at_ms.min()), int(batch.at_ms.max())]
        self._judge(batch, self._policy)

    def end(self) -> Backtest:
        """Judge the fixes that still wait for older ones, and return what was told, in order."""
        waiting = waiting_fixes(self._states)
        if len(waiting):
            self._judge(waiting, replace(self._policy, reorder_ms=0))
        return Backtest(
            # Stable: of what one fix brings about a fence, the cause stays before the effect.
            events=sorted(self._events, key=lambda event: (event.at_ms, event.vessel, str(event.geofence_id))),
            positions=self._positions,
            vessels=len(self._states),
            first_ms=min(self._ends_ms, default=None),
            last_ms=max(self._ends_ms, default=None),
            left_out=+self._left_out,
        )

    def _judge(self, batch: PositionBatch, policy: GeofencePolicy) -> None:
        detection = detect(self._states, batch, policy)
        self._states.apply(detection)
        self._events += detection.events
        self._left_out.update(detection.counts)


def _refuse_repeated(file_name: str, ids: Sequence[str]) -> None:
    places: dict[str, list[int]] = {}
    for number, id in enumerate(ids, start=1):
        places.setdefault(id, []).append(number)
    repeated = [f"{id!r} at features {_listed(numbers)}" for id, numbers in places.items() if len(numbers) > 1]
    if repeated:
        raise InvalidShape(
            f"{file_name}: expected every feature to have an id of its own (without one its name counts), "
            f"got {_listed(repeated)}"
        )


def _listed(things: Sequence[object]) -> str:
    more = f" and {len(things) - _SHOWN} more" if len(things) > _SHOWN else ""
    return ", ".join(map(str, things[:_SHOWN])) + more


def _rules(file_name: str, number: int, shape: FenceShape) -> str:
    rules: Any = shape.properties.get("rules")
    try:
        return NO_RULES if rules is None else rules_text(rules)
    except InvalidRules as error:
        raise InvalidRules(f"{feature_title(file_name, number, shape)}: {error}") from error
