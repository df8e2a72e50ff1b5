"""The geometry of one feature -> a valid POLYGON or MULTIPOLYGON within [-180, 180], step by step.

Rings are read, closed, taken across longitude 180, made valid, cut; every step refuses with what and where.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import shapely

from vesselflow.core.antimeridian import beside, unwrapped, within_180
from vesselflow.core.buffers import MAX_LENGTH_M, MIN_LENGTH_M, circle, corridor
from vesselflow.core.errors import InvalidShape
from vesselflow.core.geojson import Feature, kind_of
from vesselflow.core.model import FloatArray
from vesselflow.core.rings import Repairs, closed_ring, is_number, positions
from vesselflow.core.valid import has_area, joined, valid_polygons


def shape_of(feature: Feature, repairs: Repairs, *, max_vertices: int) -> Any:
    """Return the shape of *feature*: its polygons, or its circle or corridor as polygons.

    Raises:
        InvalidShape: it cannot be a fence.
    """
    where = feature.where
    match feature.geometry:
        case {"type": "Point", "coordinates": place}:
            radius_m = _metres(feature, "radius_m", "the radius of a circle")
            return circle(positions([place], where)[0], radius_m, where, max_vertices=max_vertices)
        case {"type": "LineString", "coordinates": line}:
            return corridor(*_lines(feature, [line], max_vertices), where, max_vertices=max_vertices)
        case {"type": "MultiLineString", "coordinates": list(lines)}:
            return corridor(*_lines(feature, lines, max_vertices), where, max_vertices=max_vertices)
    polygons = _checked(list(_polygons(feature.geometry, where)), where)
    _refuse_many([ring for rings in polygons for ring in rings], where, max_vertices)
    parts = [part for place, rings in _named(polygons, where) for part in _parts(rings, place, repairs, len(polygons))]
    if not parts:
        raise InvalidShape(f"{where}: expected an area, got none")
    return joined([piece for part in parts for piece in within_180(part)], where, repairs)


def _metres(feature: Feature, key: str, meaning: str) -> float:
    value = feature.properties.get(key)
    if value is None:
        kind = kind_of(feature.geometry)
        raise InvalidShape(f"{feature.where}: expected {key}, {meaning} in metres, as a property of a {kind}, got none")
    if not is_number(value) or not MIN_LENGTH_M <= value <= MAX_LENGTH_M:
        raise InvalidShape(f"{feature.where}: expected {key} in [{MIN_LENGTH_M:g}, {MAX_LENGTH_M:.0f}], got {value!r}")
    return float(value)


def _lines(feature: Feature, lines: Sequence[object], max_vertices: int) -> tuple[list[FloatArray], float]:
    """Return the lines of a corridor and its width in metres."""
    width_m = _metres(feature, "width_m", "the width of a corridor")
    places = [_named_line(number, len(lines), feature.where) for number in range(1, len(lines) + 1)]
    read = [positions(line, place) for line, place in zip(lines, places, strict=True)]
    _refuse_many(read, feature.where, max_vertices)
    for points, place in zip(read, places, strict=True):
        if len(points) < 2 or (points == points[0]).all():
            raise InvalidShape(f"{place}: expected a line with two different points, got {len(points)} point(s)")
    if not read:
        raise InvalidShape(f"{feature.where}: expected at least one line, got none")
    return read, width_m


def _named_line(number: int, count: int, where: str) -> str:
    return f"{where}, line {number}" if count > 1 else where


def _polygons(geometry: object, where: str) -> Iterator[object]:
    """Yield the rings of each polygon as they stand in the file."""
    match geometry:
        case {"type": "Polygon", "coordinates": rings}:
            yield rings
        case {"type": "MultiPolygon", "coordinates": list(polygons)}:
            yield from polygons
        case {"type": "GeometryCollection", "geometries": list(members)}:
            for member in members:
                if kind_of(member) not in ("Polygon", "MultiPolygon"):
                    raise InvalidShape(f"{where}: expected a collection of polygons only, got {kind_of(member)} in it")
                yield from _polygons(member, where)
        case _:
            raise InvalidShape(f"{where}: expected a Polygon or MultiPolygon with coordinates, got {kind_of(geometry)}")


def _checked(polygons: list[Any], where: str) -> list[list[Any]]:
    """Return *polygons* when each is a list of rings."""
    if not polygons or not all(polygons):
        raise InvalidShape(f"{where}: expected at least one ring, got an empty shape")
    for rings in polygons:
        if not isinstance(rings, list) or not all(isinstance(ring, list) for ring in rings):
            raise InvalidShape(f"{where}: expected rings as lists of positions, got something else")
    return polygons


def _refuse_many(lines: Sequence[Any], where: str, max_vertices: int) -> None:
    count = sum(map(len, lines))
    if count > max_vertices:
        raise InvalidShape(f"{where}: expected at most {max_vertices} vertices, got {count}")


def _named(polygons: list[list[Any]], where: str) -> Iterator[tuple[str, list[Any]]]:
    """Yield each polygon with the words for its place; a number only where there are several."""
    if len(polygons) == 1:
        yield where, polygons[0]
    else:
        yield from ((f"{where}, polygon {number}", rings) for number, rings in enumerate(polygons, start=1))


def _parts(rings: list[Any], where: str, repairs: Repairs, siblings: int) -> list[Any]:
    """Return the valid polygons that one polygon of the file is: more than one only after a repair."""
    shell, *holes = [_ring(ring, f"{where}, ring {number}", repairs) for number, ring in enumerate(rings, start=1)]
    polygon = shapely.Polygon(shell, [beside(hole, shell) for hole in holes])
    if has_area(polygon):
        return valid_polygons(polygon, where, repairs)
    message = f"{where}: expected an area, got none"
    if siblings == 1:
        raise InvalidShape(message)
    repairs.note_or_refuse(f"{where} had no area", message)
    return []


def _ring(ring: list[Any], where: str, repairs: Repairs) -> FloatArray:
    return unwrapped(closed_ring(ring, where, repairs), where)
