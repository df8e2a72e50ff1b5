"""Distances, bearings and destinations on a sphere, for single places and for arrays of them.

Every function takes floats or arrays (in degrees) and returns what numpy makes of them. The sphere's
lengths lie within 0.6 % of the ellipsoid's. All are safe across the antimeridian.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from vesselflow.core.model import FloatArray

Degrees = float | FloatArray

#: Mean radius R1 of WGS 84. Source: H. Moritz, "Geodetic Reference System 1980", J. Geodesy 74 (2000) 128.
EARTH_RADIUS_M: Final = 6_371_008.8
METRES_PER_NAUTICAL_MILE: Final = 1852.0
METRES_PER_DEGREE: Final = math.pi * EARTH_RADIUS_M / 180.0


class Place(NamedTuple):
    """A place on Earth."""

    lon_deg: float
    lat_deg: float


def metres_apart(a: Place, b: Place) -> float:
    """Return the great-circle distance from *a* to *b* in metres.

    Source: R. W. Sinnott, "Virtues of the Haversine", Sky & Telescope 68 (1984) 159.
    """
    lat_a, lat_b = math.radians(a.lat_deg), math.radians(b.lat_deg)
    lon = math.radians(b.lon_deg - a.lon_deg)
    square = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(lon / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(square)))


def metres_between(
    *, from_lon_deg: Degrees, from_lat_deg: Degrees, to_lon_deg: Degrees, to_lat_deg: Degrees
) -> FloatArray:
    """Return the great-circle distances in metres, element by element.

    Source: as `metres_apart`.
    """
    lat_a, lat_b = np.radians(from_lat_deg), np.radians(to_lat_deg)
    lon = np.radians(np.subtract(to_lon_deg, from_lon_deg))
    square = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin(lon / 2) ** 2
    metres: FloatArray = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, np.sqrt(square)))
    return metres


def bearing_deg(
    *, from_lon_deg: Degrees, from_lat_deg: Degrees, to_lon_deg: Degrees, to_lat_deg: Degrees
) -> FloatArray:
    """Return the initial course of the great circle, clockwise from north in [0, 360); 0 between equal places.

    Source: J. P. Snyder, "Map Projections: A Working Manual", USGS Professional Paper 1395 (1987), eq. 5-4b.
    """
    lat_a, lat_b = np.radians(from_lat_deg), np.radians(to_lat_deg)
    lon = np.radians(np.subtract(to_lon_deg, from_lon_deg))
    east = np.sin(lon) * np.cos(lat_b)
    north = np.cos(lat_a) * np.sin(lat_b) - np.sin(lat_a) * np.cos(lat_b) * np.cos(lon)
    # -1e-17 % 360 is 360.0, which would be no course.
    course: FloatArray = np.degrees(np.arctan2(east, north)) % 360.0 % 360.0
    return course


def destination_point(
    *, lon_deg: Degrees, lat_deg: Degrees, bearing_deg: Degrees, distance_m: Degrees
) -> tuple[FloatArray, FloatArray]:
    """Return longitudes in [-180, 180) and latitudes reached on a great circle with that initial course.

    Source: Snyder (see `bearing_deg`), eqs. 5-5 and 5-6.
    """
    lat, course = np.radians(lat_deg), np.radians(bearing_deg)
    arc = np.divide(distance_m, EARTH_RADIUS_M)
    sine = np.sin(lat) * np.cos(arc) + np.cos(lat) * np.sin(arc) * np.cos(course)
    reached = np.arcsin(np.clip(sine, -1.0, 1.0))
    east = np.sin(course) * np.sin(arc) * np.cos(lat)
    moved = np.degrees(np.arctan2(east, np.cos(arc) - np.sin(lat) * sine))
    return (lon_deg + moved + 180.0) % 360.0 - 180.0, np.degrees(reached)
