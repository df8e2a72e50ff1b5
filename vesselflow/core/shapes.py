"""Files of GeoJSON, KML, KMZ and WKT -> the shapes of fences, or a message that says what is wrong and where.

Shapes are polygons and multipolygons with holes; circles and corridors in metres become polygons. What is stored has
longitudes in [-180, 180] and is cut at 180 (`docs/geofences.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import shapely

from vesselflow.core.errors import InvalidShape
from vesselflow.core.geojson import Feature, geojson_features
from vesselflow.core.geometries import shape_of
from vesselflow.core.kml import kml_features, kmz_features
from vesselflow.core.plain_shapes import plain_wkbs
from vesselflow.core.rings import Repairs
from vesselflow.core.wkt import wkt_features

MAX_VERTICES: Final = 10_000

_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class FenceShape:
    """One valid POLYGON or MULTIPOLYGON in WGS 84, longitude first, and what its feature says of it.

    ``repaired`` says what was wrong with it; None when nothing was.
    """

    wkb: bytes
    id: str | None = None
    name: str | None = None
    properties: Mapping[str, object] = field(default_factory=dict)
    repaired: str | None = None

    @property
    def rules(self) -> Mapping[str, object]:
        """The fence's own rules as its file gives them, unchecked."""
        rules = self.properties.get("rules")
        return rules if isinstance(rules, Mapping) else {}


def read_shapes(
    file_name: str, content: bytes, *, max_vertices: int = MAX_VERTICES, repair: bool = False
) -> list[FenceShape]:
    """Return the shapes of a file in its order; its content tells the format, its name only begins messages.

    Raises:
        InvalidShape: any of them cannot be a fence; so it is all of them or none.
    """
    try:
        return _shapes(_features(content), max_vertices, repair=repair)
    except InvalidShape as error:
        raise InvalidShape(f"{file_name}: {error}") from error


def parse_geojson(
    document: str | bytes | Mapping[str, Any], *, max_vertices: int = MAX_VERTICES, repair: bool = False
) -> list[FenceShape]:
    """Return the shapes of a FeatureCollection, a Feature or a bare Polygon or MultiPolygon, in its order.

    A third coordinate is dropped. Vertices are counted over all rings of a shape, closing ones included. With *repair*
    rings are closed and self-crossings dissolved, where what was meant is plain.

    Raises:
        InvalidShape: any of them cannot be a fence; so it is all of them or none.
    """
    return _shapes(geojson_features(document), max_vertices, repair=repair)


def _features(content: bytes) -> list[Feature]:
    if content.startswith(b"PK"):
        return kmz_features(content)
    text = content.removeprefix(_UTF8_MARK).lstrip()
    if text.startswith((b"<", *_UTF16_MARKS)):
        return kml_features(text)
    if text.startswith((b"{", b"[")):
        return geojson_features(text)
    try:
        return wkt_features(text.decode())
    except UnicodeDecodeError as error:
        raise InvalidShape("expected GeoJSON, KML, KMZ or WKT, got something else that is no UTF-8 text") from error


def _shapes(features: list[Feature], max_vertices: int, *, repair: bool) -> list[FenceShape]:
    wkbs = plain_wkbs([feature.geometry for feature in features], max_vertices=max_vertices)
    return [
        FenceShape(wkb=wkb, id=feature.id, name=feature.name, properties=feature.properties)
        if wkb
        else _shape(feature, max_vertices, Repairs(wanted=repair))
        for feature, wkb in zip(features, wkbs, strict=True)
    ]


def _shape(feature: Feature, max_vertices: int, repairs: Repairs) -> FenceShape:
    """Return the shape of a feature that needs something done, if only to be refused."""
    shape = shape_of(feature, repairs, max_vertices=max_vertices)
    notes = [note.removeprefix(f"{feature.where}, ") for note in repairs.notes]
    return FenceShape(
        wkb=shapely.to_wkb(shape),
        id=feature.id,
        name=feature.name,
        properties=feature.properties,
        repaired="; ".join(notes) or None,
    )
