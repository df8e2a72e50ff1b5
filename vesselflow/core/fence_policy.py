"""What a deployment and a fence ask for -> how the geofence detector judges that fence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Final

import msgspec

from vesselflow.core.errors import InvalidRules, UsageError
from vesselflow.core.fence_rules import FenceRules, fence_rules_of
from vesselflow.core.fences import FenceHistory, FenceSet
from vesselflow.core.model import FenceVersion
from vesselflow.core.quality import Reach
from vesselflow.core.stays import Limits

PLAIN_LIMITS: Final = Limits()
_NO_RULES: Final = FenceRules()


@dataclass(frozen=True)
class GeofencePolicy:
    """Which fences count when, and how a crossing is judged. All defaults together are the plain policy.

    ``unknown_is_outside``: a first fix inside is "entered". ``reach`` None: every fix counts, in any order, however far.
    ``track_limit_ms``: the track between two fixes at most so far apart is judged as well; 0 judges none.
    ``reads_rules``: a fence's own rules count before ``limits``. ``reorder_ms``: a fix waits until its vessel is
    that much further, so that fixes out of order fall into place. A fix received more than ``alert_limit_ms`` after
    its own time moves the state and announces nothing.
    """

    fences: FenceHistory
    alert_limit_ms: int | None = None
    limits: Limits = PLAIN_LIMITS
    unknown_is_outside: bool = True
    reads_rules: bool = False
    reach: Reach | None = None
    track_limit_ms: int = 0
    reorder_ms: int = 0

    def __post_init__(self) -> None:
        if self.reach is None and not (self.unknown_is_outside and self.track_limit_ms == 0):
            raise UsageError("expected a reach where a first fix announces nothing or tracks are judged, got None")

    def ruling(self, version: FenceVersion) -> Ruling:
        """Return how the fence is judged."""
        return _ruling(version.rules if self.reads_rules else "", self.limits)

    def least_visit(self, fences: FenceSet) -> tuple[int, float]:
        """Return the milliseconds and metres below which a track through any of *fences* is no visit."""
        return _least_visit(fences.rules if self.reads_rules else frozenset(), self.limits)


class PolicyOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How fences without rules of their own are judged: what a deployment sets, or a user tries out.

    The margin is three times the scatter of a GPS fix in a harbour; the second fix or the minute tells a visit from a
    spike. Both are measured in docs/detectors.md. Two hours are about as long as a ship's course can be guessed.
    """

    plain: bool = False
    margin_m: Annotated[float, msgspec.Meta(ge=0, le=50_000)] = 100.0
    confirm_fixes: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    confirm_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 60.0
    dwell_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    speed_limit_kn: Annotated[float, msgspec.Meta(gt=0)] | None = None
    track_limit_s: Annotated[float, msgspec.Meta(ge=0)] = 7200.0
    max_speed_kn: Annotated[float, msgspec.Meta(ge=1)] = 70.0
    reorder_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0

    def policy(self, fences: FenceHistory, *, alert_limit_ms: int | None = None) -> GeofencePolicy:
        """Return the policy with these options; with ``plain`` the others do not count."""
        if self.plain:
            return GeofencePolicy(fences=fences, alert_limit_ms=alert_limit_ms)
        return GeofencePolicy(
            fences=fences,
            alert_limit_ms=alert_limit_ms,
            limits=self._limits(),
            unknown_is_outside=False,
            reads_rules=True,
            reach=Reach(speed_kn=self.max_speed_kn),
            track_limit_ms=round(self.track_limit_s * 1000),
            reorder_ms=round(self.reorder_s * 1000),
        )

    def _limits(self) -> Limits:
        return Limits(
            margin_m=self.margin_m,
            fixes=self.confirm_fixes,
            confirm_ms=round(self.confirm_s * 1000),
            dwell_ms=None if self.dwell_s is None else round(self.dwell_s * 1000),
            speed_kn=self.speed_limit_kn,
        )


def parse_policy(document: str | bytes) -> PolicyOptions:
    """Return the options that a JSON object holds, with the defaults for those it does not name.

    Raises:
        InvalidRules: no such object; the message names the option.
    """
    try:
        return msgspec.json.decode(document, type=PolicyOptions)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRules(f"expected a policy as a JSON object: {error}") from error


def default_policy(fences: FenceHistory, *, alert_limit_ms: int | None = None) -> GeofencePolicy:
    """Return the policy that a deployment without settings of its own has."""
    return PolicyOptions().policy(fences, alert_limit_ms=alert_limit_ms)


@dataclass(frozen=True, slots=True)
class Ruling:
    """How one fence is judged, and what of it is told."""

    limits: Limits
    rules: FenceRules

    def tells(
        self, verb: str, at_ms: int, *, imo: int | None, mmsi: int | None, ship_type: str | None, flag: str | None
    ) -> bool:
        """Tell whether the fence announces *verb* of such a vessel at that moment."""
        rules = self.rules
        if verb not in rules.events or (rules.schedule is not None and not rules.schedule.includes(at_ms)):
            return False
        vessels = rules.vessels
        return isinstance(vessels, str) or vessels.includes(imo=imo, mmsi=mmsi, ship_type=ship_type, flag=flag)


@lru_cache(maxsize=1 << 16)
def _ruling(text: str, limits: Limits) -> Ruling:
    rules = fence_rules_of(text) if text else _NO_RULES
    own = {
        "margin_m": rules.margin_m,
        "fixes": rules.confirm_fixes,
        "confirm_ms": None if rules.confirm_s is None else round(rules.confirm_s * 1000),
        "dwell_ms": None if rules.dwell_s is None else round(rules.dwell_s * 1000),
        "speed_kn": rules.speed_limit_kn,
    }
    # Each value has its field's type; a mapping of several types cannot say so.
    given: dict[str, float] = {name: value for name, value in own.items() if value is not None}
    return Ruling(replace(limits, **given), rules)  # type: ignore[arg-type]


@lru_cache(maxsize=64)
def _least_visit(rules: frozenset[str], limits: Limits) -> tuple[int, float]:
    all_limits = [_ruling(text, limits).limits for text in rules] or [limits]
    return min(each.confirm_ms for each in all_limits), min(each.margin_m for each in all_limits)
