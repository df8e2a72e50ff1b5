"""Shapes read from a file -> fences to be stored; stored fences -> a file that makes the same fences again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

import msgspec
import shapely

from vesselflow.core.errors import InvalidRules, UsageError
from vesselflow.core.fence_rules import rules_text
from vesselflow.core.shapes import FenceShape

MAX_NAME: Final = 255

_ACTIVE: Final[Mapping[object, bool]] = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class NewFence:
    """A fence of a file. ``rules`` is JSON that was checked; None: the file does not say.

    ``id`` is that of an export. It is the fence of this id then, whatever its name and shape were; without one, the
    fence is the one that was imported under this name and in this shape.
    """

    name: str
    wkb: bytes
    id: UUID | None = None
    rules: str | None = None
    is_active: bool | None = None


@dataclass(frozen=True, slots=True)
class WholeFence:
    """A stored fence, all that an export needs."""

    id: str
    client_id: str
    name: str
    is_active: bool
    rules: Mapping[str, Any]
    wkb: bytes


def new_fences(file_name: str, shapes: Sequence[FenceShape]) -> list[NewFence]:
    """Return the fences that the shapes of a file become; those without a name are called by the file and a number.

    Raises:
        InvalidRules: a feature's rules are not allowed.
        UsageError: a name is too long, or ``is_active`` neither true nor false. Both messages name the feature.
    """
    fences = []
    for number, shape in enumerate(shapes, start=1):
        try:
            fences.append(_new_fence(shape, f"{PurePath(file_name).stem} {number}"))
        except InvalidRules as error:
            raise InvalidRules(f"{feature_title(file_name, number, shape)}: {error}") from error
        except UsageError as error:
            raise UsageError(f"{feature_title(file_name, number, shape)}: {error}") from error
    return fences


def feature_title(file_name: str, number: int, shape: FenceShape) -> str:
    """Return the words that name a feature in a message."""
    return f"{file_name}: feature {number}" + (f" ({shape.name[:40]})" if shape.name else "")


def feature_collection(fences: Iterable[WholeFence]) -> Iterator[bytes]:
    """Yield the lines of a GeoJSON FeatureCollection, one a fence.

    Source: H. Butler et al., RFC 7946, "The GeoJSON Format" (2016), sections 3.2 and 3.3.
    """
    lead = b'{"type":"FeatureCollection","features":[\n'
    for fence in fences:
        yield lead + msgspec.json.encode(_feature(fence))
        lead = b",\n"
    yield (b"" if lead == b",\n" else lead) + b"\n]}\n"


def check_name(name: str) -> str:
    """Return *name* if a fence or a client may have it.

    Raises:
        UsageError: it may not.
    """
    if not name or len(name) > MAX_NAME or "\0" in name:
        raise UsageError(f"expected a name of 1 to {MAX_NAME} characters, got {name[:40]!r} of {len(name)}")
    return name


def _new_fence(shape: FenceShape, otherwise: str) -> NewFence:
    rules: Any = shape.properties.get("rules")
    return NewFence(
        name=check_name(shape.name or otherwise),
        wkb=shape.wkb,
        id=_uuid(shape.id) or _uuid(shape.properties.get("id")),
        # As text where a format, or the program that wrote it, has no objects.
        rules=None if rules is None else rules_text(rules),
        is_active=_is_active(shape.properties.get("is_active")),
    )


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_active(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in _ACTIVE:
        raise UsageError(f"expected is_active true or false, got {value!r}")
    return _ACTIVE[text]


def _feature(fence: WholeFence) -> dict[str, object]:
    return {
        "type": "Feature",
        "id": fence.id,
        "properties": {
            "id": fence.id,
            "name": fence.name,
            "client": fence.client_id,
            "is_active": fence.is_active,
            "rules": fence.rules,
        },
        # With every digit that a coordinate has, so that the same bytes are read back.
        "geometry": msgspec.Raw(shapely.to_geojson(shapely.from_wkb(fence.wkb)).encode()),
    }
