"""Two fixes -> the great-circle track between them, and the part of it that lies in a fence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from vesselflow.core.geodesy import METRES_PER_DEGREE, Place, metres_apart
from vesselflow.core.model import FloatArray, IntArray

#: A piece this long departs from the great circle by less than 10 m up to 85 degrees of latitude.
_PIECE_DEG: Final = 0.1
#: The ring that stands for "within one metre"; with 32 corners it errs by 0.5 % of the distance.
_RING: Final = np.stack([trace(np.linspace(0.0, 2 * np.pi, 33)) for trace in (np.cos, np.sin)], axis=1)


@dataclass(frozen=True, slots=True)
class Passage:
    """The part of a track inside a fence: where it begins and ends, as shares of the track, and how much of it it is."""

    enters: float
    leaves: float
    share: float
    metres: float
    enters_at: Place
    leaves_at: Place


def tracks(
    from_lon_deg: FloatArray, from_lat_deg: FloatArray, to_lon_deg: FloatArray, to_lat_deg: FloatArray
) -> tuple[npt.NDArray[np.object_], IntArray]:
    """Return the great-circle tracks as lines, and for each line the number of its track.

    A track that leaves [-180, 180] is there twice, the second time moved round the Earth, so that fences, which
    stay within, meet it on either side of the antimeridian.
    """
    ahead = (to_lon_deg - from_lon_deg + 180.0) % 360.0 - 180.0
    end = from_lon_deg + ahead
    lines = _lines(from_lon_deg, from_lat_deg, ahead, to_lat_deg)
    number = np.arange(len(lines))
    outside = np.flatnonzero(np.abs(end) > 180.0)
    if not outside.size:
        return lines, number
    moved = [_moved(lines[each], -360.0 if end[each] > 0 else 360.0) for each in outside.tolist()]
    return np.append(lines, moved), np.append(number, outside)


def _lines(lon_deg: FloatArray, lat_deg: FloatArray, ahead_deg: FloatArray, to_lat_deg: FloatArray) -> Any:
    if not (np.hypot(ahead_deg, to_lat_deg - lat_deg) > _PIECE_DEG).any():
        ends = np.stack([lon_deg, lat_deg, lon_deg + ahead_deg, to_lat_deg], axis=1)
        return shapely.linestrings(ends.reshape(-1, 2, 2))
    pieces = np.maximum(1, np.ceil(np.hypot(ahead_deg, to_lat_deg - lat_deg) / _PIECE_DEG)).astype(np.int64)
    track = np.repeat(np.arange(len(pieces)), pieces + 1)
    first = np.cumsum(pieces + 1) - (pieces + 1)
    share = (np.arange(len(track)) - first[track]) / pieces[track]
    coordinates = _on_great_circle(lon_deg[track], lat_deg[track], ahead_deg[track], to_lat_deg[track], share)
    return shapely.linestrings(coordinates, indices=track)


def _on_great_circle(
    lon_deg: FloatArray, lat_deg: FloatArray, ahead_deg: FloatArray, to_lat_deg: FloatArray, share: FloatArray
) -> FloatArray:
    """Return the places that lie at *share* of the way, longitudes unwrapped, one row each.

    Source: E. Williams, "Aviation Formulary", intermediate points on a great circle.
    """
    lat_a, lat_b, lon = np.radians(lat_deg), np.radians(to_lat_deg), np.radians(ahead_deg)
    square = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin(lon / 2) ** 2
    arc = 2 * np.arcsin(np.minimum(1.0, np.sqrt(square)))
    whole = np.where(arc > 0, np.sin(arc), 1.0)
    near, far = np.sin((1 - share) * arc) / whole, np.sin(share * arc) / whole
    x = near * np.cos(lat_a) + far * np.cos(lat_b) * np.cos(lon)
    y = far * np.cos(lat_b) * np.sin(lon)
    z = near * np.sin(lat_a) + far * np.sin(lat_b)
    found = np.stack([lon_deg + np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))], axis=1)
    # The ends are the fixes themselves, to the last bit.
    found[share == 0] = np.stack([lon_deg, lat_deg], axis=1)[share == 0]
    found[share == 1] = np.stack([lon_deg + ahead_deg, to_lat_deg], axis=1)[share == 1]
    return found


def passage(before: Place, after: Place, shape: Any) -> Passage | None:
    """Return where the track from *before* to *after* passes through *shape*, None when it does not.

    Several parts inside are one passage from the first edge to the last.
    """
    lines, _ = tracks(*(np.array([degrees]) for degrees in (*before, *after)))
    parts = [
        (line, part)
        for line in lines.tolist()
        for part in shapely.get_parts(shapely.intersection(line, shape)).tolist()
        if part.length > 0
    ]
    if not parts:
        return None
    spans = _spans(parts)
    (enters, first), (leaves, last) = spans[0], spans[-1]
    share = sum(part.length / line.length for line, part in parts)
    return Passage(enters, leaves, share, share * metres_apart(before, after), _at(first, enters), _at(last, leaves))


def _spans(parts: list[tuple[Any, Any]]) -> list[tuple[float, Any]]:
    return sorted(
        (
            (float(shapely.line_locate_point(line, shapely.get_point(part, end), normalized=True)), line)
            for line, part in parts
            for end in (0, -1)
        ),
        key=lambda span: span[0],
    )


def _at(line: Any, share: float) -> Place:
    point = shapely.line_interpolate_point(line, share, normalized=True)
    return Place((point.x + 180.0) % 360.0 - 180.0, point.y)


def is_within(place: Place, metres: float, shape: Any) -> bool:
    """Tell whether *shape* comes within *metres* of *place*, for 0 m never; up to 85 degrees of latitude."""
    if metres <= 0:
        return False
    lat = metres / METRES_PER_DEGREE
    lon = lat / math.cos(math.radians(place.lat_deg))
    near = shapely.polygons(_RING * (lon, lat) + place)
    if shapely.intersects(shape, near):
        return True
    reaches_across = abs(place.lon_deg) + lon > 180.0
    return reaches_across and bool(shapely.intersects(shape, _moved(near, -360.0 if place.lon_deg > 0 else 360.0)))


def _moved(shape: Any, ahead_deg: float) -> Any:
    return shapely.transform(shape, lambda places: np.add(places, [ahead_deg, 0.0]))
