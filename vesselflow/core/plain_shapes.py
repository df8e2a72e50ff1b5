"""Polygons that need nothing done -> WKB, all of a file in a few array operations.

Most files hold nothing else: closed rings in range, on one side of longitude 180, that make valid shapes. That takes an
eighth of the time of looking at one feature after the other, which is left for all others and gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import shapely

from vesselflow.core.model import BoolArray, FloatArray, IntArray
from vesselflow.core.valid import MIN_AREA


@dataclass(slots=True)
class _Rings:
    """Rings in the order of the file: how many points each has, and which polygon of which feature it belongs to."""

    numbers: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    polygons: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)


def plain_wkbs(geometries: Sequence[object], *, max_vertices: int) -> list[bytes | None]:
    """Return the WKB of each Polygon and MultiPolygon that needs nothing done, None for any other geometry."""
    wkbs: list[bytes | None] = [None] * len(geometries)
    rings = _read(geometries)
    if not rings.counts:
        return wkbs
    points = np.array(rings.numbers, dtype=np.float64).reshape(-1, 2)
    counts, polygons, features = (np.array(each) for each in (rings.counts, rings.polygons, rings.features))
    vertices = np.bincount(features, counts, minlength=len(geometries))
    good = np.ones(len(geometries), dtype=np.bool_) & (vertices <= max_vertices)
    good[features[~_good(points, counts)]] = False
    kept = good[features]
    if not kept.any():
        return wkbs
    numbers, shapes = _shapes(points[np.repeat(kept, counts)], counts[kept], polygons[kept], features[kept])
    for number, wkb in zip(numbers.tolist(), shapely.to_wkb(shapes).tolist(), strict=True):
        wkbs[number] = wkb
    return wkbs


def _read(geometries: Sequence[object]) -> _Rings:
    rings, polygon = _Rings(), 0
    for feature, geometry in enumerate(geometries):
        polygons = _polygons(geometry)
        if polygons is None:
            continue
        for each in polygons:
            for ring in each:
                rings.numbers += chain.from_iterable(ring)
                rings.counts.append(len(ring))
                rings.polygons.append(polygon)
                rings.features.append(feature)
            polygon += 1
    return rings


def _polygons(geometry: object) -> list[list[Any]] | None:
    """Return polygons of rings of pairs of numbers; None when there is anything else."""
    if not isinstance(geometry, Mapping):
        return None
    coordinates = geometry.get("coordinates")
    polygons: object = [coordinates] if geometry.get("type") == "Polygon" else coordinates
    if geometry.get("type") not in ("Polygon", "MultiPolygon") or not _are_lists(polygons):
        return None
    rings = list(chain.from_iterable(polygons))
    places = list(chain.from_iterable(rings)) if _are_lists(rings) else []
    if not _are_lists(places) or set(map(len, places)) != {2}:
        return None
    return polygons if set(map(type, chain.from_iterable(places))) <= {int, float} else None


def _are_lists(values: object) -> TypeGuard[list[list[Any]]]:
    """Tell whether this is a list of lists, none of them empty."""
    return type(values) is list and set(map(type, values)) == {list} and all(values)


def _good(points: FloatArray, counts: IntArray) -> BoolArray:
    """Tell of each ring whether it is closed, in range, long enough and without an edge across longitude 180."""
    lon_deg, lat_deg = points.T
    ends = np.cumsum(counts)
    starts = ends - counts
    fits = (abs(lon_deg) <= 180) & (abs(lat_deg) <= 90)
    # The step from one ring's end to the next one's start is none.
    step = np.diff(lon_deg, append=0.0)
    step[ends - 1] = 0.0
    fits &= abs(step) <= 180
    closed = (points[starts] == points[ends - 1]).all(axis=1)
    good: BoolArray = np.logical_and.reduceat(fits, starts) & closed & (counts >= 4)
    return good


def _shapes(
    points: FloatArray, counts: IntArray, polygons: IntArray, features: IntArray
) -> tuple[IntArray, npt.NDArray[np.object_]]:
    """Return the numbers of the features that are valid, and their shapes."""
    rings = shapely.linearrings(points, indices=np.repeat(np.arange(len(counts)), counts))
    _, first, polygon_of = np.unique(polygons, return_index=True, return_inverse=True)
    parts = shapely.polygons(rings, indices=polygon_of)
    owners = features[first]
    numbers, first_part, part_counts = np.unique(owners, return_index=True, return_counts=True)
    shapes = parts[first_part]
    several = part_counts > 1
    if several.any():
        of_several = np.repeat(several, part_counts)
        _, places = np.unique(owners[of_several], return_inverse=True)
        shapes[several] = shapely.multipolygons(parts[of_several], indices=places)
    valid = shapely.is_valid(shapes)
    valid[np.searchsorted(numbers, owners[shapely.area(parts) <= MIN_AREA])] = False
    return numbers[valid], shapes[valid]
