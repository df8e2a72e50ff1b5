"""Rings that cross longitude 180, in whatever way they say so -> polygons cut there, within [-180, 180].

An edge between two points is a straight line in longitude and latitude, the shorter way round: from 179 to -179 it is 2
degrees long, and so it is from 179 to 181. The published library of this name does the same for crossings, but rounds
them to 7 decimals, rewrites coordinates that need nothing, and reads some rings as going over a pole by their
orientation, which many files have wrong; its test cases are ours as well.

Source: H. Butler et al., RFC 7946, "The GeoJSON Format" (2016), section 3.1.9.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import shapely

from vesselflow.core.errors import InvalidShape
from vesselflow.core.model import BoolArray, FloatArray

#: 0.1 mm. What is this near to longitude 180 was meant to be there.
_SNAP_DEG: Final = 1e-9


def unwrapped(ring: FloatArray, where: str) -> FloatArray:
    """Return the points of a closed ring with longitudes that go on beyond 180 where the ring does.

    A jump stays where the ring runs along the cut beside it and then either around the Earth to the cut's other side or
    over a pole: bands and polar regions are drawn so.

    Raises:
        InvalidShape: the ring goes around a pole.
    """
    step = np.diff(ring[:, 0])
    turns = np.rint(step / 360.0)
    if not turns.any():
        return ring
    if _is_cut(ring[:-1], turns != 0) and (turns.sum() or shapely.is_valid(shapely.Polygon(ring))):
        return ring
    if turns.sum():
        raise InvalidShape(f"{where}: expected a shape that leaves the poles out, got one around the Earth")
    moved = ring.copy()
    moved[1:, 0] -= 360.0 * np.cumsum(turns)
    return moved


def beside(hole: FloatArray, shell: FloatArray) -> FloatArray:
    """Return *hole* moved by whole turns to where it lies between the meridians of *shell*, if there is such a place."""
    west, east = shell[:, 0].min() - _SNAP_DEG, shell[:, 0].max() + _SNAP_DEG
    for turn_deg in (0.0, -360.0, 360.0, -720.0, 720.0):
        if west <= hole[:, 0].min() + turn_deg and hole[:, 0].max() + turn_deg <= east:
            moved: FloatArray = hole + np.array([turn_deg, 0.0])
            return moved
    return hole


def within_180(polygon: Any) -> list[Any]:
    """Return a valid polygon as polygons with longitudes in [-180, 180]; one that has them already as it is."""
    west, _, east, _ = polygon.bounds
    if west >= -180 and east <= 180:
        return [polygon]
    snapped = shapely.transform(polygon, _snapped)
    west, _, east, _ = snapped.bounds
    turns = range(math.floor((west + 180) / 360), math.ceil((east + 180) / 360))
    return [part for turn in turns for part in _parts_of(snapped, turn, is_whole=len(turns) == 1)]


def _is_cut(points: FloatArray, jumps: BoolArray) -> bool:
    """Tell whether every jump belongs to a shape that was cut already, or that is drawn as if it were."""
    lon_deg, lat_deg = points.T
    before, end, after = (np.roll(lon_deg, shift) for shift in (1, -1, -2))
    on_cut = (np.abs(np.abs(lon_deg) - 180) < _SNAP_DEG) & (np.abs(lon_deg + end) < _SNAP_DEG)
    on_pole = (np.abs(lat_deg) == 90) & (np.roll(lat_deg, -1) == lat_deg)
    runs_along = (before == lon_deg) | (after == end)
    return bool(((on_cut | on_pole) & runs_along)[jumps].all())


def _parts_of(polygon: Any, turn: int, *, is_whole: bool) -> list[Any]:
    """Return what lies in one turn around the Earth, moved to [-180, 180]."""
    middle = 360.0 * turn
    if not is_whole:
        polygon = shapely.intersection(polygon, shapely.box(middle - 180, -90, middle + 180, 90))
    moved = shapely.transform(polygon, lambda points: _snapped(points - np.array([middle, 0.0])))
    # A polygon that only touches the meridian leaves a line or a point there.
    return [part for part in shapely.get_parts(moved).tolist() if part.geom_type == "Polygon"]


def _snapped(points: FloatArray) -> FloatArray:
    cut = np.rint((points[:, 0] - 180.0) / 360.0) * 360.0 + 180.0
    is_near = np.abs(points[:, 0] - cut) < _SNAP_DEG
    return np.column_stack([np.where(is_near, cut, points[:, 0]), points[:, 1]])
