"""Circles (centre, radius) and corridors (line, width) in metres on the ellipsoid -> polygons.

A fence's edge is a straight line in longitude and latitude, which bends away from the circle it stands for, the more so
towards the poles. So a curve is halved where its edge is off by more than the tolerance, at any latitude up to the
pole. The vertices lie at the exact geodesic distance, the edges between them at most 0.1 % of a circle's radius or 0.25 %
of a corridor's half width further in or out; a circle that does not need more has 72 vertices.

Source: C. F. F. Karney, "Algorithms for geodesics", J. Geodesy 87 (2013) 43, as computed by pyproj.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from vesselflow.core.antimeridian import unwrapped, within_180
from vesselflow.core.errors import InvalidShape
from vesselflow.core.model import FloatArray
from vesselflow.core.valid import union

if TYPE_CHECKING:
    from pyproj import Geod

#: Radius of a circle, width of a corridor. AIS positions are rounded to 0.2 m.
MIN_LENGTH_M: Final = 1.0
MAX_LENGTH_M: Final = 1_000_000.0

#: Longitudes and latitudes, one row a place.
_Curve = Callable[[FloatArray], FloatArray]

#: Of the radius, of half of the width. A corridor's is wider, since each of its bends has an arc.
_CIRCLE_TOLERANCE: Final = 0.001
_CORRIDOR_TOLERANCE: Final = 0.0025
#: Long enough to be rare, short enough that no bend hides between a leg's places and their middles.
_LEG_STEP_M: Final = 100_000.0
#: 0.1 mm; so that another release of PROJ or GEOS gives the same bytes, and a fence imported again is the same fence.
_GRID_DEG: Final = 1e-9


@dataclass(frozen=True, slots=True)
class _Limits:
    """How far an edge may be off, in metres, and how many vertices a curve may have."""

    off_m: float
    vertices: int
    where: str


def circle(centre: FloatArray, radius_m: float, where: str, *, max_vertices: int) -> Any:
    """Return the places within *radius_m* of a longitude and latitude as a POLYGON or MULTIPOLYGON in [-180, 180].

    Raises:
        InvalidShape: it reaches a pole, or needs more than *max_vertices*.
    """
    pole_lat_deg = math.copysign(90.0, centre[1])
    if _ellipsoid().inv(centre[0], centre[1], 0.0, pole_lat_deg)[2] <= radius_m:
        raise InvalidShape(
            f"{where}: expected a circle that reaches no pole, got {radius_m:.10g} m around {_at(centre)}"
        )
    limits = _Limits(_CIRCLE_TOLERANCE * radius_m, max_vertices, where)
    return _on_grid(union(_disc(centre, radius_m, limits)), limits)


def corridor(lines: list[FloatArray], width_m: float, where: str, *, max_vertices: int) -> Any:
    """Return the places within half of *width_m* of any of *lines* as a POLYGON or MULTIPOLYGON in [-180, 180].

    Legs are geodesics, the shortest way between their ends. Bends and ends are round.

    Raises:
        InvalidShape: it goes around a pole, or needs more than *max_vertices*.
    """
    half_m = width_m / 2
    limits = _Limits(_CORRIDOR_TOLERANCE * half_m, max_vertices, where)
    pieces = [piece for line in lines for place in line for piece in _disc(place, half_m, limits)]
    for line in lines:
        for start, end in itertools.pairwise(line):
            pieces += _strip(start, end, half_m, limits)
    return _on_grid(union(pieces), limits)


@functools.cache
def _ellipsoid() -> Geod:
    from pyproj import Geod  # takes a quarter of a second, and most imports have neither circles nor corridors

    return Geod(ellps="WGS84")


def _disc(centre: FloatArray, radius_m: float, limits: _Limits) -> list[Any]:
    # A chord of a circle is off by 1 - cos(half its angle); a multiple of 4 puts vertices north, east, south and west.
    steps = 4 * math.ceil(math.pi / math.acos(1 - limits.off_m / radius_m) / 4)
    azimuths = np.linspace(0.0, 360.0, steps + 1)
    around = _refined(lambda azimuth: _reached(np.tile(centre, (len(azimuth), 1)), azimuth, radius_m), azimuths, limits)
    return _polygons(around[:-1], limits.where)


def _strip(start: FloatArray, end: FloatArray, half_m: float, limits: _Limits) -> list[Any]:
    """Return what lies beside one leg."""
    azimuth, _, length_m = _ellipsoid().inv(start[0], start[1], end[0], end[1])
    if not length_m:
        return []
    along = np.linspace(0.0, length_m, max(2, math.ceil(length_m / _LEG_STEP_M) + 1))
    right = _refined(lambda at: _offset(start, azimuth, at, half_m), along, limits)
    left = _refined(lambda at: _offset(start, azimuth, at, -half_m), along, limits)
    return _polygons(np.concatenate([right, left[::-1]]), limits.where)


def _offset(start: FloatArray, azimuth: float, along_m: FloatArray, right_m: float) -> FloatArray:
    """Return the places *right_m* to the right (negative: left) of those *along_m* from the start of a leg."""
    lon, lat = np.tile(start, (len(along_m), 1)).T
    lon, lat, back = _ellipsoid().fwd(lon, lat, np.full(len(along_m), azimuth), along_m)
    return _reached(np.column_stack([lon, lat]), np.asarray(back) - 90.0, right_m)


def _reached(places: FloatArray, azimuth: FloatArray, metres: float) -> FloatArray:
    lon, lat, _ = _ellipsoid().fwd(places[:, 0], places[:, 1], azimuth, np.full(len(azimuth), metres))
    return np.column_stack([lon, lat])


def _refined(curve: _Curve, at: FloatArray, limits: _Limits) -> FloatArray:
    """Return places of *curve*, halved where the edge between two is further off than the tolerance."""
    places = curve(at)
    while True:
        middle = (at[:-1] + at[1:]) / 2
        exact = curve(middle)
        off_m = _ellipsoid().inv(*_middles(places).T, *exact.T)[2]
        rows = np.flatnonzero(np.asarray(off_m) > limits.off_m)
        if not rows.size:
            return places
        at = np.insert(at, rows + 1, middle[rows])
        places = np.insert(places, rows + 1, exact[rows], axis=0)
        if len(at) > limits.vertices:
            raise InvalidShape(
                f"{limits.where}: expected at most {limits.vertices} vertices, got a curve that needs more"
            )


def _middles(places: FloatArray) -> FloatArray:
    """Return the middles of the edges, straight in longitude and latitude, the shorter way round."""
    step = np.diff(places, axis=0)
    step[:, 0] -= 360.0 * np.rint(step[:, 0] / 360.0)
    return places[:-1] + step / 2


def _polygons(points: FloatArray, where: str) -> list[Any]:
    ring = np.concatenate([points, points[:1]])
    return within_180(shapely.Polygon(unwrapped(ring, where)))


def _on_grid(shape: Any, limits: _Limits) -> Any:
    rounded = shapely.set_precision(shape, _GRID_DEG)
    count = shapely.get_num_coordinates(rounded)
    if count > limits.vertices:
        raise InvalidShape(f"{limits.where}: expected at most {limits.vertices} vertices, got {count}")
    return rounded


def _at(place: FloatArray) -> str:
    return f"longitude {place[0]:g}, latitude {place[1]:g}"
