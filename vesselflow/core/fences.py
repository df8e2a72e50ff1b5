"""Fences with their history -> which fences each position is in.

A coarse grid over the world answers for most positions at sea: no fence near. The rest ask a tree of bounding
boxes, then the shapes themselves, all in a few array operations a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from vesselflow.core.model import BoolArray, FenceVersion, FloatArray, IntArray
from vesselflow.core.tracks import tracks

Geometries = npt.NDArray[np.object_]

_NEVER: Final = np.iinfo(np.int64).max
#: Fence sets of one history that are kept ready; a catch-up goes through them in order.
_READY_SETS: Final = 8
_CELLS_PER_DEGREE: Final = 4
_COLUMNS: Final = 360 * _CELLS_PER_DEGREE + 1
_ROWS: Final = 180 * _CELLS_PER_DEGREE + 1
#: A great circle over an angle a bends away from its chord by at most a^2 / 16, at 45 degrees; twice that to be safe.
_DEGREES_OF_BEND: Final = 180.0 / np.pi / 8


class FenceHistory:
    """Fences with their versions by received time. Never changes; a new one takes over the shapes of *previous*."""

    def __init__(self, versions: Iterable[FenceVersion] = (), *, previous: FenceHistory | None = None) -> None:
        self.versions = sorted(versions, key=lambda version: version.from_ms)
        self._shapes: dict[bytes, object] = _read(
            {version.wkb for version in self.versions}, previous._shapes if previous else {}
        )
        self._from = np.array([version.from_ms for version in self.versions], dtype=np.int64)
        untils = [_NEVER if version.until_ms is None else version.until_ms for version in self.versions]
        self._until = np.array(untils, dtype=np.int64)
        self._changes = np.unique(np.concatenate([self._from, self._until[self._until != _NEVER]]))
        self._shaped = np.array(_shaped(self.versions), dtype=np.int64)
        self._ready: dict[int, FenceSet] = {}

    def at(self, received_ms: int) -> FenceSet:
        """Return the fences in force for a position received then.

        The first call for a stretch of time builds its tree: 0.4 s for 100,000 fences, so a caller that
        must not pause asks once in a thread before it switches.
        """
        return self._fences_of(int(np.searchsorted(self._changes, received_ms, side="right")))

    def split(self, received_ms: IntArray) -> Iterator[tuple[FenceSet, IntArray | None]]:
        """Yield each set of fences in force at any of the times, with their indexes; None is all of them."""
        stretches = np.searchsorted(self._changes, received_ms, side="right")
        first = int(stretches[0]) if len(stretches) else 0
        if (stretches == first).all():
            yield self._fences_of(first), None
            return
        for stretch in np.unique(stretches).tolist():
            yield self._fences_of(stretch), np.flatnonzero(stretches == stretch)

    def _fences_of(self, stretch: int) -> FenceSet:
        ready = self._ready.get(stretch)
        if ready is None:
            ready = self._build(stretch)
            while len(self._ready) >= _READY_SETS:
                del self._ready[next(iter(self._ready))]
            self._ready[stretch] = ready
        return ready

    def _build(self, stretch: int) -> FenceSet:
        if stretch == 0:
            return FenceSet([], [])
        since = int(self._changes[stretch - 1])
        in_force = np.flatnonzero((self._from <= since) & (since < self._until)).tolist()
        # Sorted by from_ms, so that of two versions of one fence the later one stands.
        chosen = list({self.versions[index].id: index for index in in_force}.values())
        versions = [self.versions[index] for index in chosen]
        shapes = [self._shapes[version.wkb] for version in versions]
        return FenceSet(versions, shapes, shaped_ms=self._shaped[chosen].tolist(), from_ms=since)


class FenceSet:
    """Fences in force together from *from_ms* on, ready to be asked. Never changes.

    ``shaped_ms`` is, for each fence, the moment since which it has been in force in the shape it has.
    """

    def __init__(
        self,
        versions: list[FenceVersion],
        shapes: list[object],
        *,
        shaped_ms: list[int] | None = None,
        from_ms: int = -_NEVER,
    ) -> None:
        self.versions = versions
        self.from_ms = from_ms
        self.shaped_ms = shaped_ms or [version.from_ms for version in versions]
        self.rules = frozenset(version.rules for version in versions)
        self.index_of = {version.id: index for index, version in enumerate(versions)}
        self.hashes = np.array([fence_hash(version.id) for version in versions], dtype=np.uint64)
        self._geometries = np.array(shapes, dtype=np.object_)
        shapely.prepare(self._geometries)
        self._tree = shapely.STRtree(self._geometries)
        self._near = _near_a_fence(self._geometries)
        # Made when first asked for: only tracks need them.
        self._near_sums: npt.NDArray[np.int32] | None = None

    def containing(self, lon_deg: FloatArray, lat_deg: FloatArray) -> tuple[IntArray, IntArray]:
        """Return pairs of position index and fence index, ordered by position; a fence's edge is inside it."""
        near = np.flatnonzero(self._near.take(_cells(lon_deg, lat_deg), mode="clip"))
        if not near.size:
            return near, near
        lon, lat = lon_deg[near], lat_deg[near]
        # The tree is asked for boxes only: it would test each point against unprepared shapes, at twice the cost.
        point, fence = self._tree.query(shapely.points(lon, lat))
        inside = shapely.intersects_xy(self._geometries[fence], lon[point], lat[point])
        return near[point[inside]], fence[inside]

    def crossed(
        self, from_lon_deg: FloatArray, from_lat_deg: FloatArray, to_lon_deg: FloatArray, to_lat_deg: FloatArray
    ) -> tuple[IntArray, IntArray]:
        """Return pairs of track index and fence index where a great-circle track meets a fence."""
        columns = (from_lon_deg, from_lat_deg, to_lon_deg, to_lat_deg)
        near = np.flatnonzero(self._tracks_near(*columns))
        if not near.size:
            return near, near
        lines, number = tracks(*(column[near] for column in columns))
        line, fence = self._tree.query(lines)
        meets = shapely.intersects(self._geometries[fence], lines[line])
        pairs = np.unique(np.stack([near[number[line[meets]]], fence[meets]]), axis=1)
        return pairs[0], pairs[1]

    def shape(self, index: int) -> Any:
        """Return the shape of the fence at *index*."""
        return self._geometries[index]

    def _tracks_near(
        self, from_lon_deg: FloatArray, from_lat_deg: FloatArray, to_lon_deg: FloatArray, to_lat_deg: FloatArray
    ) -> BoolArray:
        """Tell which tracks touch a cell that is near a fence, by their bounding boxes."""
        west, east = np.minimum(from_lon_deg, to_lon_deg), np.maximum(from_lon_deg, to_lon_deg)
        # A great circle bends towards the pole by less than this.
        bend = np.radians(east - west) ** 2 * _DEGREES_OF_BEND
        south = np.maximum(np.minimum(from_lat_deg, to_lat_deg) - bend, -90.0)
        north = np.minimum(np.maximum(from_lat_deg, to_lat_deg) + bend, 90.0)
        around = east - west > 180.0
        first, last = _cells(west, south), _cells(east, north)
        return self._near_between(first, last) | around

    def _near_between(self, first: IntArray, last: IntArray) -> BoolArray:
        """Tell which boxes of cells, from *first* (south-west) to *last* (north-east), hold one near a fence."""
        if self._near_sums is None:
            self._near_sums = _sums(self._near)
        sums = self._near_sums
        if len(sums) == 1:
            return np.zeros(len(first), dtype=np.bool_)
        south, west = np.divmod(first, _COLUMNS)
        north, east = np.divmod(last, _COLUMNS)
        found = sums[north + 1, east + 1] - sums[south, east + 1] - sums[north + 1, west] + sums[south, west]
        near: BoolArray = found > 0
        return near


def fence_hash(fence_id: str) -> int:
    """Return 64 bits that stand for a fence: the same on every machine, for ever."""
    return int.from_bytes(hashlib.blake2b(fence_id.encode(), digest_size=8).digest(), "little")


def _read(wkbs: set[bytes], known: dict[bytes, object]) -> dict[bytes, object]:
    """Return the shape behind each of *wkbs*; those not *known* are read in one call."""
    new = list(wkbs - known.keys())
    shapes = dict(zip(new, shapely.from_wkb(new), strict=True))
    return {wkb: shapes[wkb] if wkb in shapes else known[wkb] for wkb in wkbs}


def _shaped(versions: Sequence[FenceVersion]) -> list[int]:
    """Return, for each of *versions* in order of time, since when its fence has had that shape without a break."""
    shaped: list[int] = []
    last: dict[str, int] = {}
    for index, version in enumerate(versions):
        before = last.get(version.id)
        goes_on = (
            before is not None and versions[before].until_ms == version.from_ms and versions[before].wkb == version.wkb
        )
        shaped.append(shaped[before] if before is not None and goes_on else version.from_ms)
        last[version.id] = index
    return shaped


def _cells(lon_deg: FloatArray, lat_deg: FloatArray) -> IntArray:
    columns = ((lon_deg + 180.0) * _CELLS_PER_DEGREE).astype(np.int64)
    rows = ((lat_deg + 90.0) * _CELLS_PER_DEGREE).astype(np.int64)
    cells: IntArray = rows * _COLUMNS + columns
    return cells


def _near_a_fence(geometries: Geometries) -> BoolArray:
    """Mark the grid's cells that touch any fence's bounding box.

    Each box adds one to its cells, written as four corners and summed up twice, so a box over an ocean
    costs what one over a harbour does. Source: F. C. Crow, "Summed-area tables for texture mapping",
    SIGGRAPH 1984.
    """
    # An empty shape has no bounds and is near nothing.
    bounds = shapely.bounds(geometries[~shapely.is_empty(geometries)]) + np.array([180.0, 90.0, 180.0, 90.0])
    if not len(bounds):
        return np.zeros(1, dtype=np.bool_)
    most = [_COLUMNS - 1, _ROWS - 1, _COLUMNS - 1, _ROWS - 1]
    west, south, east, north = np.clip((bounds * _CELLS_PER_DEGREE).astype(np.int64), 0, most).T
    corners = np.zeros((_ROWS + 1, _COLUMNS + 1), dtype=np.int32)
    for rows, columns, step in (
        (south, west, 1),
        (north + 1, east + 1, 1),
        (south, east + 1, -1),
        (north + 1, west, -1),
    ):
        np.add.at(corners, (rows, columns), step)
    np.cumsum(corners, axis=0, out=corners)
    np.cumsum(corners, axis=1, out=corners)
    near: BoolArray = (corners[:-1, :-1] > 0).ravel()
    return near


def _sums(near: BoolArray) -> npt.NDArray[np.int32]:
    """Return for each corner of the grid how many of *near* lie south-west of it; one element for an empty grid."""
    if len(near) == 1:
        return np.zeros(1, dtype=np.int32)
    sums = np.zeros((_ROWS + 1, _COLUMNS + 1), dtype=np.int32)
    sums[1:, 1:] = near.reshape(_ROWS, _COLUMNS)
    np.cumsum(sums, axis=0, out=sums)
    np.cumsum(sums, axis=1, out=sums)
    return sums
