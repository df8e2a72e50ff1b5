"""GeoJSON -> the shapes of fences, or a message that says what is wrong and where.

Source: H. Butler et al., RFC 7946, "The GeoJSON Format" (2016), sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import shapely

from vesselflow.core.errors import InvalidShape
from vesselflow.core.model import FloatArray

MAX_VERTICES: Final = 10_000

_NAME_KEYS: Final = ("name", "Name", "NAME", "title")
#: Names under which files of before RFC 7946 declare longitude and latitude in WGS 84.
_WGS84_NAMES: Final = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326")


@dataclass(frozen=True, slots=True)
class FenceShape:
    """One valid POLYGON or MULTIPOLYGON in WGS 84, longitude first, and what its feature says of it."""

    wkb: bytes
    id: str | None = None
    name: str | None = None
    properties: Mapping[str, object] = field(default_factory=dict)


def parse_geojson(document: str | bytes | Mapping[str, Any], *, max_vertices: int = MAX_VERTICES) -> list[FenceShape]:
    """Return the shapes of a FeatureCollection, a Feature or a bare Polygon or MultiPolygon, in its order.

    A third coordinate is dropped. Vertices are counted over all rings of a shape, closing ones included.

    Raises:
        InvalidShape: any of them cannot be a fence; so it is all of them or none.
    """
    content = _decode(document) if isinstance(document, str | bytes) else document
    _refuse_other_crs(content)
    shapes = [_shape(feature, where, max_vertices) for where, feature in _features(content)]
    if not shapes:
        raise InvalidShape("expected at least one feature, got an empty FeatureCollection")
    return shapes


def _decode(text: str | bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidShape(f"expected GeoJSON, got no JSON: {error}") from error


def _refuse_other_crs(content: Any) -> None:
    match content:
        case {"crs": {"properties": {"name": name}}} if name not in _WGS84_NAMES:
            raise InvalidShape(f"expected coordinates in WGS 84, got those of {name}")


def _features(content: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each feature with the words that name its place."""
    match content:
        case {"type": "FeatureCollection", "features": list(features)}:
            for number, feature in enumerate(features, start=1):
                if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
                    raise InvalidShape(f"feature {number}: expected a Feature, got {_kind(feature)}")
                yield _titled(f"feature {number}", feature), feature
        case {"type": "Feature"}:
            yield _titled("feature", content), content
        case {"type": "Polygon" | "MultiPolygon"}:
            yield "shape", {"geometry": content}
        case _:
            raise InvalidShape(f"expected a FeatureCollection, Feature, Polygon or MultiPolygon, got {_kind(content)}")


def _titled(where: str, feature: Mapping[str, Any]) -> str:
    name = _name(feature)
    return f"{where} ({name})" if name else where


def _name(feature: Mapping[str, Any]) -> str | None:
    properties = _properties(feature)
    return next((str(properties[key]) for key in _NAME_KEYS if properties.get(key)), None)


def _properties(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = feature.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _kind(value: Any) -> str:
    kind = value.get("type") if isinstance(value, Mapping) else None
    return str(kind) if kind else f"a {type(value).__name__} without a type"


def _shape(feature: Mapping[str, Any], where: str, max_vertices: int) -> FenceShape:
    polygons = _polygons(feature.get("geometry"), where)
    count = sum(len(ring) for polygon in polygons for ring in polygon)
    if count > max_vertices:
        raise InvalidShape(f"{where}: expected at most {max_vertices} vertices, got {count}")
    parts = [_polygon(polygon, where) for polygon in polygons]
    shape = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    _refuse_invalid(shape, where)
    number = feature.get("id")
    return FenceShape(
        wkb=shapely.to_wkb(shape),
        id=None if number is None else str(number),
        name=_name(feature),
        properties=_properties(feature),
    )


def _polygons(geometry: Any, where: str) -> list[Any]:
    """Return the polygons' rings as they stand in the file, checked to be lists of lists of lists."""
    match geometry:
        case {"type": "Polygon", "coordinates": list(rings)}:
            polygons: list[Any] = [rings]
        case {"type": "MultiPolygon", "coordinates": list(parts)}:
            polygons = parts
        case _:
            raise InvalidShape(f"{where}: expected a Polygon or MultiPolygon with coordinates, got {_kind(geometry)}")
    if not polygons or not all(polygons):
        raise InvalidShape(f"{where}: expected at least one ring, got an empty shape")
    for rings in polygons:
        if not isinstance(rings, list) or not all(isinstance(ring, list) for ring in rings):
            raise InvalidShape(f"{where}: expected rings as lists of positions, got something else")
    return polygons


def _polygon(rings: list[list[Any]], where: str) -> Any:
    arrays = [_ring(ring, f"{where}, ring {number}") for number, ring in enumerate(rings, start=1)]
    return shapely.Polygon(arrays[0], arrays[1:])


def _ring(ring: list[Any], where: str) -> FloatArray:
    """Return the ring's longitudes and latitudes, one row a vertex."""
    for number, position in enumerate(ring, start=1):
        if not isinstance(position, list) or len(position) < 2 or not all(map(_is_number, position[:2])):
            raise InvalidShape(f"{where}, point {number}: expected [longitude, latitude], got {position!r}")
    if len(ring) < 4:
        raise InvalidShape(f"{where}: expected at least 4 points, got {len(ring)}")
    points = np.array([position[:2] for position in ring], dtype=np.float64)
    _refuse_out_of_range(points, where)
    if (points[0] != points[-1]).any():
        first, last = points[0].tolist(), points[-1].tolist()
        raise InvalidShape(f"{where}: expected the last point to repeat the first, {first}, got {last}")
    return points


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse_out_of_range(points: FloatArray, where: str) -> None:
    lon_deg, lat_deg = points.T
    good = (abs(lon_deg) <= 180) & (abs(lat_deg) <= 90)
    if good.all():
        return
    row = int(np.argmin(good))
    swapped = (abs(lon_deg) <= 90).all() and (abs(lat_deg) <= 180).all()
    hint = "; longitude and latitude look swapped" if swapped else ""
    name, limit, got = ("longitude", 180, lon_deg[row]) if abs(lon_deg[row]) > 180 else ("latitude", 90, lat_deg[row])
    raise InvalidShape(f"{where}, point {row + 1}: expected {name} in [-{limit}, {limit}], got {got}{hint}")


def _refuse_invalid(shape: Any, where: str) -> None:
    for number, part in enumerate(shapely.get_parts(shape), start=1):
        # The signed area of a ring shaped like an 8 is 0 as well; its hull's is not.
        if part.convex_hull.area == 0:
            raise InvalidShape(f"{where}: expected an area, got none in polygon {number}")
    reason = shapely.is_valid_reason(shape)
    if reason != "Valid Geometry":
        # GEOS says "Self-intersection[5.5 52]": what, and where.
        what, _, place = reason.rstrip("]").partition("[")
        raise InvalidShape(f"{where}: expected a valid shape, got {what.lower()} at longitude and latitude {place}")
