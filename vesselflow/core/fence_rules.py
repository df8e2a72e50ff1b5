"""A fence's own rules as JSON -> which events it announces, of which vessels, when, and how it judges them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec

from vesselflow.core.errors import InvalidRules
from vesselflow.core.schedule import Schedule
from vesselflow.core.vessel_filter import Vessels

FenceEvent = Literal["entered", "exited", "dwelled", "speeding"]

NO_RULES: Final = "{}"


class FenceRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one fence asks for; None is what the deployment has as its default."""

    events: frozenset[FenceEvent] = frozenset({"entered", "exited", "dwelled", "speeding"})
    margin_m: Annotated[float, msgspec.Meta(ge=0, le=50_000)] | None = None
    confirm_fixes: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    confirm_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] | None = None
    dwell_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    speed_limit_kn: Annotated[float, msgspec.Meta(gt=0)] | None = None
    schedule: Schedule | None = None
    vessels: Vessels = "all"


def parse_fence_rules(rules: str | bytes | Mapping[str, Any]) -> FenceRules:
    """Return the rules that a JSON object holds, as text or read already.

    Raises:
        InvalidRules: a key is unknown or a value is not allowed; the message names it.
    """
    document = _object(rules)
    known = FenceRules.__struct_fields__
    for key in document:
        if key not in known:
            raise InvalidRules(f"expected rules among {', '.join(known)}, got {key!r}")
    try:
        return msgspec.convert(document, FenceRules)
    except msgspec.ValidationError as error:
        raise InvalidRules(f"rules: {error}") from error


@lru_cache(maxsize=1 << 17)
def fence_rules_of(text: str) -> FenceRules:
    """Return the rules in *text*, read once however many fences share it.

    Raises:
        InvalidRules: as `parse_fence_rules`.
    """
    return parse_fence_rules(text)


def rules_text(rules: str | bytes | Mapping[str, Any]) -> str:
    """Return *rules* as the JSON that a fence carries, its keys in order.

    Raises:
        InvalidRules: as `parse_fence_rules`.
    """
    document = _object(rules)
    parse_fence_rules(document)
    return msgspec.json.encode(document, order="sorted").decode()


def _object(rules: str | bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    document = _decode(rules) if isinstance(rules, str | bytes) else rules
    if not isinstance(document, Mapping):
        raise InvalidRules(f"expected rules as an object, got {type(document).__name__}")
    return document


def _decode(text: str | bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRules(f"expected rules as a JSON object, got no JSON: {error}") from error
