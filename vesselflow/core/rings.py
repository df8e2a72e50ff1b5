"""Lists of positions as they stand in a file -> arrays of longitudes and latitudes, checked.

A repair that was asked for is done and noted; any other fault is refused with what and where.
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from vesselflow.core.errors import InvalidShape
from vesselflow.core.model import FloatArray

#: 190 degrees is -170. Two turns are as far as anybody counts on.
MAX_LON_DEG: Final = 360.0
MAX_LAT_DEG: Final = 90.0
#: No longitude, so the coordinates are lengths of a projection.
_METRES_FROM: Final = 1000.0
_LARGEST: Final = 2**53


@dataclass(slots=True)
class Repairs:
    """What was wrong with a shape; and whether that may be mended or has to be refused."""

    wanted: bool
    notes: list[str] = field(default_factory=list)

    def note_or_refuse(self, note: str, message: str) -> None:
        """Note what is going to be mended.

        Raises:
            InvalidShape: with *message*; nobody asked for repairs.
        """
        if not self.wanted:
            raise InvalidShape(f"{message}; --repair may mend it")
        self.notes.append(note)


def positions(line: object, where: str) -> FloatArray:
    """Return the longitudes and latitudes of *line*, one row a position; further coordinates are dropped.

    Raises:
        InvalidShape: not a list of positions, or one is out of range.
    """
    if not isinstance(line, list | tuple):
        raise InvalidShape(f"{where}: expected a list of positions, got a {type(line).__name__}")
    for number, place in enumerate(line, start=1):
        if not isinstance(place, list | tuple) or len(place) < 2 or not all(map(is_number, place[:2])):
            raise InvalidShape(f"{where}, point {number}: expected [longitude, latitude], got {reprlib.repr(place)}")
    points = np.array([place[:2] for place in line], dtype=np.float64).reshape(-1, 2)
    _refuse_out_of_range(points, where)
    return points


def closed_ring(ring: object, where: str, repairs: Repairs) -> FloatArray:
    """Return the points of a ring, of which the last repeats the first.

    Raises:
        InvalidShape: as `positions`; or too few points, or the ring is not closed and nobody wants it mended.
    """
    points = positions(ring, where)
    if len(points) >= 3 and (points[0] != points[-1]).any():
        first, last = points[0].tolist(), points[-1].tolist()
        message = f"{where}: expected the last point to repeat the first, {first}, got {last}"
        repairs.note_or_refuse(f"{where} was not closed", message)
        points = np.concatenate([points, points[:1]])
    if len(points) < 4:
        raise InvalidShape(f"{where}: expected at least 4 points, got {len(points)}")
    return points


def is_number(value: object) -> bool:
    """Tell whether *value* is a number that a float can hold; True and False are none."""
    return isinstance(value, float) or (type(value) is int and abs(value) <= _LARGEST)


def number_or_text(text: str) -> float | str:
    """Return the number that *text* is, else the text itself, to be refused where its place is known."""
    try:
        return float(text)
    except ValueError:
        return text


def _refuse_out_of_range(points: FloatArray, where: str) -> None:
    lon_deg, lat_deg = points.T
    good = (abs(lon_deg) <= MAX_LON_DEG) & (abs(lat_deg) <= MAX_LAT_DEG)
    if good.all():
        return
    row = int(np.argmin(good))
    is_lat = abs(lon_deg[row]) <= MAX_LON_DEG
    name, limit, got = ("latitude", 90, lat_deg[row]) if is_lat else ("longitude", 360, lon_deg[row])
    raise InvalidShape(
        f"{where}, point {row + 1}: expected {name} in [-{limit}, {limit}], got {got}{_hint(lon_deg, lat_deg)}"
    )


def _hint(lon_deg: FloatArray, lat_deg: FloatArray) -> str:
    if (abs(lon_deg) <= MAX_LAT_DEG).all() and (abs(lat_deg) <= MAX_LON_DEG).all():
        return "; longitude and latitude look swapped"
    if (abs(lon_deg) >= _METRES_FROM).any() and (abs(lat_deg) >= _METRES_FROM).any():
        return "; these look like metres of a projection, not degrees"
    return ""
