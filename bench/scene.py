"""A seed -> 2,000 fences around real ports, and 30,000 vessels that sail, lie and cross near them.

Everything is deterministic but the times. One vessel in a hundred is a ferry that crosses the edge of a fence with every
second report, 250 m either way, so that every stretch of the stream holds events; the others cross as they happen to.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from vesselflow.core import wire
from vesselflow.core.mids import FLAG_OF_MID
from vesselflow.core.model import FloatArray, IntArray, VesselState
from vesselflow.core.partition import partitions_of

FENCES: Final = 2_000
VESSELS: Final = 30_000
CLIENTS: Final = 40
#: A class A ship under way at moderate speed reports about this often. Source: ITU-R M.1371-5, annex 1, table 1.
INTERVAL_MS: Final = 15_000
#: Rounds of reports between two static reports of a vessel: 6 minutes.
STATIC_ROUNDS: Final = 24
#: States in one record, as our sources send them at most.
GROUP: Final = 500

_M_PER_DEG: Final = 111_195.0
_MS_PER_KNOT: Final = 1852.0 / 3600.0
_FERRY_EVERY: Final = 100
_FERRY_STEP_M: Final = 250.0
_TYPES: Final = (70, 70, 70, 80, 80, 60, 30, 52, 37)


@dataclass(frozen=True)
class Fences:
    """Polygons of 20 to 60 vertices, star-shaped about their centres; the first vertex of each lies due north."""

    shapes: npt.NDArray[Any]
    lon_deg: FloatArray
    lat_deg: FloatArray
    north_m: FloatArray

    def of_client(self, client: int) -> list[tuple[str, bytes]]:
        """Return name and WKB of each fence of *client*, from 0 to CLIENTS - 1."""
        numbers = range(client, len(self.shapes), CLIENTS)
        return [(f"area {number}", shapely.to_wkb(self.shapes[number])) for number in numbers]


def make_fences(seed: int = 1) -> Fences:
    """Return the fences: four a port, within a day trip of it, 1 to 12 km across the middle."""
    random = np.random.default_rng(seed)
    lon_deg, lat_deg = _near_ports(random, FENCES, spread_m=20_000.0)
    radius_m = np.exp(random.uniform(np.log(1_000.0), np.log(12_000.0), FENCES))
    shapes, north_m = [], np.zeros(FENCES)
    for number, (lon, lat, radius) in enumerate(zip(lon_deg, lat_deg, radius_m, strict=True)):
        count = int(random.integers(20, 61))
        angle = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
        from_centre_m = radius * random.uniform(0.7, 1.3, count)
        north_m[number] = from_centre_m[0]
        east, north = _moved(lon, lat, from_centre_m * np.sin(angle), from_centre_m * np.cos(angle))
        shapes.append(shapely.Polygon(np.stack([east, north], axis=1)))
    return Fences(np.array(shapes, dtype=object), lon_deg, lat_deg, north_m)


class Fleet:
    """The vessels. A report is a position at a time; what a ferry does depends on how often it was asked."""

    def __init__(self, fences: Fences, *, partitions: int, seed: int = 2) -> None:
        random = np.random.default_rng(seed)
        self._random = random
        mids = np.array([mid for mid in FLAG_OF_MID if 200 <= mid < 800])
        self.mmsi: IntArray = random.choice(mids, VESSELS) * 1_000_000 + np.arange(VESSELS) * 31 + 100_000
        self.partition = partitions_of(self.mmsi, partitions)
        self._partitions = partitions
        self._place(fences)
        self._course_deg = random.uniform(0.0, 360.0, VESSELS)
        self._speed_kn = np.where(random.random(VESSELS) < 0.4, 0.0, random.uniform(5.0, 20.0, VESSELS))
        self._speed_kn[self._ferries] = 10.0
        self._phase_ms = random.integers(0, INTERVAL_MS, VESSELS)
        self._ports = [row["locode"] for row in _port_rows()]

    def history(self, rounds: int, end_ms: int) -> Iterator[tuple[int, bytes]]:
        """Yield partition and value of the records in which every vessel reports *rounds* times until *end_ms*."""
        start_ms = end_ms - rounds * INTERVAL_MS
        everyone = np.arange(VESSELS)
        for number in range(rounds):
            if number % STATIC_ROUNDS == 0:
                yield from self._records(everyone, [self._static(vessel, start_ms) for vessel in range(VESSELS)])
            at_ms = start_ms + number * INTERVAL_MS + self._phase_ms
            yield from self._records(everyone, self.report(everyone, at_ms, start_ms))

    def now(self, vessels: IntArray, now_ms: int, start_ms: int) -> list[tuple[int, bytes]]:
        """Return partition and value of the records in which *vessels* report where they are now."""
        return list(self._records(vessels, self.report(vessels, np.full(len(vessels), now_ms), start_ms)))

    def report(self, vessels: IntArray, at_ms: IntArray, start_ms: int) -> list[VesselState]:
        """Return the positions of *vessels*, each at its time, after a start at *start_ms*."""
        sailed_m = self._speed_kn[vessels] * _MS_PER_KNOT * (at_ms - start_ms) / 1000.0
        sailed_m[self._is_ferry[vessels]] = 0.0
        course = np.radians(self._course_deg[vessels])
        lon, lat = self._lon_deg[vessels], self._lat_deg[vessels] + self._cross(vessels)
        lon, lat = _moved(lon, lat, sailed_m * np.sin(course), sailed_m * np.cos(course))
        columns = (
            self.mmsi[vessels].tolist(),
            np.round(lat, 6).tolist(),
            np.round(lon, 6).tolist(),
            np.round(self._speed_kn[vessels], 1).tolist(),
            np.round(self._course_deg[vessels], 1).tolist(),
            at_ms.tolist(),
        )
        return [
            VesselState(
                MMSI=mmsi,
                Latitude=lat,
                Longitude=lon,
                SpeedOverGround=sog,
                CourseOverGround=cog,
                Heading=cog // 1,
                NavigationalStatus=0 if sog else 5,
                Timestamp=at,
                MessageType=1,
            )
            for mmsi, lat, lon, sog, cog, at in zip(*columns, strict=True)
        ]

    def _place(self, fences: Fences) -> None:
        spread_m = np.where(np.arange(VESSELS) % 5 < 3, 45_000.0, 400_000.0)
        self._lon_deg, self._lat_deg = _near_ports(self._random, VESSELS, spread_m=spread_m)
        self._ferries = np.arange(0, VESSELS, _FERRY_EVERY)
        self._is_ferry = np.zeros(VESSELS, dtype=np.bool_)
        self._is_ferry[self._ferries] = True
        crossed = self._ferries // _FERRY_EVERY % FENCES
        _, edge = _moved(0.0, fences.lat_deg[crossed], 0.0, fences.north_m[crossed])
        self._lon_deg[self._ferries], self._lat_deg[self._ferries] = fences.lon_deg[crossed], edge
        self._asked = np.zeros(VESSELS, dtype=np.int64)

    def _cross(self, vessels: IntArray) -> FloatArray:
        """Send the ferries among *vessels* across; return how far north of their places all are, in degrees."""
        # Twice on each side: the second fix confirms the crossing.
        side = np.where(self._asked[vessels] // 2 % 2, 1.0, -1.0)
        self._asked[vessels] += 1
        across: FloatArray = np.where(self._is_ferry[vessels], side * _FERRY_STEP_M / _M_PER_DEG, 0.0)
        return across

    def _records(self, vessels: IntArray, states: list[VesselState]) -> Iterator[tuple[int, bytes]]:
        partition = self.partition[vessels]
        for each in range(self._partitions):
            own = np.flatnonzero(partition == each).tolist()
            for start in range(0, len(own), GROUP):
                yield each, wire.encode_states([states[index] for index in own[start : start + GROUP]])

    def _static(self, vessel: int, at_ms: int) -> VesselState:
        return VesselState(
            MMSI=int(self.mmsi[vessel]),
            AISDestination=self._ports[vessel * 7 % len(self._ports)],
            VesselName=f"BENCH {vessel}",
            CallSign=f"V{vessel:05}",
            VesselType=_TYPES[vessel % len(_TYPES)],
            Draught=7.5,
            Length=120.0,
            Width=20.0,
            Timestamp=at_ms,
            MessageType=5,
        )


def _near_ports(
    random: np.random.Generator, count: int, *, spread_m: float | FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return *count* places around ports, the ports in turn; the spread is the normal distribution's."""
    ports = np.array([(float(row["lon"]), float(row["lat"])) for row in _port_rows()])
    place = ports[np.arange(count) % len(ports)]
    east_m, north_m = random.normal(0.0, spread_m, (2, count))
    return _moved(place[:, 0], place[:, 1], east_m, north_m)


def _moved(lon_deg: Any, lat_deg: Any, east_m: Any, north_m: Any) -> tuple[FloatArray, FloatArray]:
    lat = np.clip(lat_deg + north_m / _M_PER_DEG, -85.0, 85.0)
    lon = lon_deg + east_m / (_M_PER_DEG * np.cos(np.radians(lat)))
    return (lon + 180.0) % 360.0 - 180.0, lat


def _port_rows() -> list[dict[str, str]]:
    """Return the ports that come with the package, but those near the antimeridian and the poles."""
    text = resources.files("vesselflow").joinpath("samples", "ports.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return [row for row in rows if abs(float(row["lon"])) < 175.0 and abs(float(row["lat"])) < 65.0]
