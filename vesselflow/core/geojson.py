"""GeoJSON -> features: one mapping for each fence to be, and the words that name its place.

KML and WKT become the same features, so that all formats are checked, cut and refused by the same code.

Source: H. Butler et al., RFC 7946, "The GeoJSON Format" (2016), sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from vesselflow.core.errors import InvalidShape

_NAME_KEYS: Final = ("name", "Name", "NAME", "title")
_BARE: Final = ("Polygon", "MultiPolygon", "GeometryCollection")
#: Names under which files of before RFC 7946 declare longitude and latitude in WGS 84.
_WGS84_NAMES: Final = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326")


class Feature(NamedTuple):
    """What one fence is to be made of. ``place`` names it in its file, such as ``feature 3``."""

    place: str
    content: Mapping[str, Any]

    @property
    def where(self) -> str:
        """The place and the name, for messages."""
        name = self.name
        return f"{self.place} ({name})" if name else self.place

    @property
    def geometry(self) -> object:
        """The geometry as it stands in the file, unchecked."""
        return self.content.get("geometry")

    @property
    def id(self) -> str | None:
        """The feature's id as text."""
        number = self.content.get("id")
        return None if number is None else str(number)

    @property
    def name(self) -> str | None:
        """The first of the usual properties for a name that says something."""
        properties = self.properties
        return next((str(properties[key]) for key in _NAME_KEYS if properties.get(key)), None)

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties, empty when there are none."""
        properties = self.content.get("properties")
        return properties if isinstance(properties, Mapping) else {}


def geojson_features(document: str | bytes | Mapping[str, Any]) -> list[Feature]:
    """Return the features of a FeatureCollection, a Feature or a bare shape, in its order.

    Raises:
        InvalidShape: no such document, or one without features.
    """
    content = _decode(document) if isinstance(document, str | bytes) else document
    _refuse_other_crs(content)
    features = list(_features(content))
    if not features:
        raise InvalidShape("expected at least one feature, got an empty FeatureCollection")
    return features


def kind_of(value: object) -> str:
    """Return the type that a GeoJSON object says it has, or what it is instead."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    return str(kind)[:40] if kind else f"a {type(value).__name__} without a type"


def _decode(text: str | bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidShape(f"expected GeoJSON, got no JSON: {error}") from error
    except RecursionError as error:
        raise InvalidShape("expected GeoJSON, got JSON nested too deep to be read") from error


def _refuse_other_crs(content: Any) -> None:
    match content:
        case {"crs": {"properties": {"name": name}}} if name not in _WGS84_NAMES:
            raise InvalidShape(f"expected coordinates in WGS 84, got those of {name}")


def _features(content: Any) -> Iterator[Feature]:
    match content:
        case {"type": "FeatureCollection", "features": list(features)}:
            for number, feature in enumerate(features, start=1):
                if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
                    raise InvalidShape(f"feature {number}: expected a Feature, got {kind_of(feature)}")
                yield Feature(f"feature {number}", feature)
        case {"type": "Feature"}:
            yield Feature("feature", content)
        case {"type": kind} if kind in _BARE:
            yield Feature("shape", {"geometry": content})
        case _:
            raise InvalidShape(
                f"expected a FeatureCollection, Feature, Polygon or MultiPolygon, got {kind_of(content)}"
            )
