"""A seed -> vessels that sail great circles between real ports, and the states they report.

Everything follows from the seed and the times asked for; nothing here reads a clock. Tracks are great circles and so
may cross land.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vesselflow.core.mids import FLAG_OF_MID
from vesselflow.core.model import FloatArray, IntArray, VesselState
from vesselflow.sources.sea_ports import EARTH_RADIUS_M, sea_ports

_MS_PER_KNOT: Final = 1852.0 / 3600.0

#: A static report is due this often; a class A ship sends one every 6 minutes. Source: ITU-R M.1371-5, annex 1, 4.2.
STATIC_EVERY_MS: Final = 360_000
#: A moored ship reports this many times less often than one under way. Source: ITU-R M.1371-5, annex 1, table 1.
_MOORED_FACTOR: Final = 18.0


@dataclass(frozen=True, slots=True)
class _Kind:
    """A sort of ship: AIS type, share of the fleet, speeds, lengths, and what its names begin with."""

    code: int
    share: float
    least_kn: float
    most_kn: float
    least_m: float
    most_m: float
    has_imo: bool
    first_name: str


_KINDS: Final = (
    _Kind(70, 0.38, 9.0, 21.0, 80.0, 400.0, True, "MV"),
    _Kind(80, 0.20, 9.0, 15.5, 80.0, 330.0, True, "MT"),
    _Kind(60, 0.08, 12.0, 22.0, 60.0, 330.0, True, "STAR"),
    _Kind(30, 0.14, 4.0, 11.0, 15.0, 60.0, False, "FV"),
    _Kind(52, 0.07, 5.0, 12.0, 18.0, 45.0, True, "TUG"),
    _Kind(37, 0.07, 6.0, 20.0, 8.0, 40.0, False, "MY"),
    _Kind(36, 0.04, 3.0, 8.0, 8.0, 30.0, False, "SY"),
    _Kind(40, 0.02, 24.0, 38.0, 25.0, 110.0, True, "HSC"),
)
# fmt: off
_NAMES: Final = (
    "AURORA", "BALTIC", "CORAL", "DELTA", "EAGLE", "FJORD", "GRACE", "HARMONY", "IRIS", "JADE", "KESTREL", "LAGOON",
    "MERIDIAN", "NEPTUNE", "ORION", "PIONEER", "QUEST", "ROYAL", "SIRIUS", "TRITON", "UNITY", "VEGA", "WAVE",
    "XENIA", "YORK", "ZEPHYR",
)
# fmt: on


class Fleet:
    """The simulated vessels. The same seed and the same calls of `report` give the same states."""

    def __init__(self, *, vessels: int, rate: float, seed: int, start_ms: int) -> None:
        """Put *vessels* at sea; together they report about *rate* times a second, static reports included."""
        self._random = np.random.default_rng(seed)
        self._ports = sea_ports()
        self._choose_ships(vessels)
        self._begin_voyages(start_ms)
        self._choose_intervals(rate)
        self._next_ms = start_ms + self._random.random(vessels) * self._interval_ms
        self._static_ms = np.full(vessels, -STATIC_EVERY_MS, dtype=np.int64) + start_ms

    def report(self, now_ms: int) -> list[VesselState]:
        """Return what is due at *now_ms*: positions, and static reports before them where they are due."""
        self._turn_round(now_ms)
        due = np.flatnonzero(self._next_ms <= now_ms)
        due = due[np.argsort(self._next_ms[due], kind="stable")]
        # A late caller gets each vessel once, not all that it missed.
        interval_ms = self._interval_ms[due] * np.where(self._moored(due, now_ms), _MOORED_FACTOR, 1.0)
        self._next_ms[due] = np.maximum(self._next_ms[due] + interval_ms, now_ms + 1.0)
        telling = due[now_ms - self._static_ms[due] >= STATIC_EVERY_MS]
        self._static_ms[telling] = now_ms
        return [self._static(ship, now_ms) for ship in telling.tolist()] + self._positions(due, now_ms)

    def _choose_ships(self, count: int) -> None:
        shares = np.array([kind.share for kind in _KINDS])
        kinds = self._random.choice(len(_KINDS), count, p=shares / shares.sum())
        mids = np.array([mid for mid in FLAG_OF_MID if 200 <= mid < 800])
        # Six digits after the country's: a shuffled number is unlike every other, whatever its country.
        serials = (np.arange(count) * 7919 + 100_003) % 1_000_000
        self.mmsi: IntArray = self._random.choice(mids, count) * 1_000_000 + serials
        if len(np.unique(self.mmsi)) < count:
            self.mmsi = mids[np.arange(count) % len(mids)] * 1_000_000 + np.arange(count) // len(mids)
        self.kind: IntArray = kinds
        low = np.array([(kind.least_kn, kind.least_m) for kind in _KINDS])[kinds]
        high = np.array([(kind.most_kn, kind.most_m) for kind in _KINDS])[kinds]
        drawn = low + (high - low) * self._random.random((count, 2))
        self.service_kn, self.length_m = drawn[:, 0], np.round(drawn[:, 1])
        self.imo = np.where(np.array([kind.has_imo for kind in _KINDS])[kinds], _imo_numbers(count), 0)
        words = self._random.integers(0, len(_NAMES), (count, 2)).tolist()
        self.name = [
            f"{_KINDS[kind].first_name} {_NAMES[one]} {_NAMES[two]}"[:20]
            for kind, (one, two) in zip(kinds.tolist(), words, strict=True)
        ]

    def _begin_voyages(self, start_ms: int) -> None:
        count = len(self.mmsi)
        sailable = np.flatnonzero(self._ports.near[:, 0] >= 0)
        self._origin: IntArray = self._random.choice(sailable, count)
        self._target: IntArray = np.zeros(count, dtype=np.int64)
        self._departed_ms = np.zeros(count)
        self._arrives_ms = np.zeros(count)
        self._leaves_ms = np.zeros(count)
        self._angle = np.zeros(count)
        self.destination = [""] * count
        everyone = np.arange(count)
        self._depart(everyone, np.full(count, float(start_ms)))
        # Spread over their voyages, and some already moored at the end.
        passed_ms = (self._leaves_ms - self._departed_ms) * self._random.random(count)
        self._departed_ms -= passed_ms
        self._arrives_ms -= passed_ms
        self._leaves_ms -= passed_ms

    def _choose_intervals(self, rate: float) -> None:
        # Ships under way that are faster report more often, as the standard has it: 10 s, above 14 kn 6 s, above 23 kn 2 s.
        weight = np.select([self.service_kn > 23.0, self.service_kn > 14.0], [5.0, 10.0 / 6.0], 1.0)
        moored = (self._leaves_ms - self._arrives_ms) / (self._leaves_ms - self._departed_ms)
        statics_per_s = len(weight) * 1000.0 / STATIC_EVERY_MS
        reports_per_weight = np.sum(weight * (1.0 - moored + moored / _MOORED_FACTOR))
        positions_per_s = max(rate - min(statics_per_s, rate / 10.0), rate / 2.0)
        self._interval_ms = 1000.0 * reports_per_weight / positions_per_s / weight

    def _depart(self, ships: IntArray, at_ms: FloatArray) -> None:
        near = self._ports.near[self._origin[ships]]
        choice = self._random.integers(0, np.maximum((near >= 0).sum(axis=1), 1))
        self._target[ships] = near[np.arange(len(ships)), choice]
        origin, target = self._ports.vectors[self._origin[ships]], self._ports.vectors[self._target[ships]]
        self._angle[ships] = np.arccos(np.clip(np.sum(origin * target, axis=1), -1.0, 1.0))
        sailing_ms = self._angle[ships] * EARTH_RADIUS_M / (self.service_kn[ships] * _MS_PER_KNOT) * 1000.0
        self._departed_ms[ships] = at_ms
        self._arrives_ms[ships] = at_ms + sailing_ms
        self._leaves_ms[ships] = self._arrives_ms[ships] + self._random.uniform(2.0, 20.0, len(ships)) * 3_600_000.0
        spelling = self._random.integers(0, 20, len(ships))
        for ship, style in zip(ships.tolist(), spelling.tolist(), strict=True):
            self.destination[ship] = self._spell(int(self._origin[ship]), int(self._target[ship]), style)

    def _turn_round(self, now_ms: int) -> None:
        """Send ships whose stay is over to their next port; they announce it at once."""
        ships = np.flatnonzero(self._leaves_ms <= now_ms)
        if len(ships):
            self._origin[ships] = self._target[ships]
            self._depart(ships, self._leaves_ms[ships].copy())
            self._static_ms[ships] = now_ms - STATIC_EVERY_MS
            self._next_ms[ships] = now_ms

    def _spell(self, origin: int, target: int, style: int) -> str:
        """Return a destination the way crews write it; 20 characters is all that AIS has."""
        locode, name = self._ports.locodes[target], self._ports.names[target].upper()
        spelled = {
            0: f"{locode[:2]} {locode[2:]}",
            1: f"{self._ports.locodes[origin]}>{locode}",
            2: f"{self._ports.locodes[origin]} > {locode}",
            3: f"{locode[:2]}-{locode[2:]}",
            4: f"{name} ANCH",
            5: name.title(),
            6: f">{locode}",
            7: f"PORT OF {name}",
        }
        return spelled.get(style, locode if style % 2 else name)[:20]

    def _moored(self, ships: IntArray, now_ms: int) -> Any:
        return self._arrives_ms[ships] <= now_ms

    def _positions(self, ships: IntArray, now_ms: int) -> list[VesselState]:
        moored = self._moored(ships, now_ms)
        spent = (now_ms - self._departed_ms[ships]) / (self._arrives_ms[ships] - self._departed_ms[ships])
        lon_deg, lat_deg, course_deg = self._track(ships, np.clip(spent, 0.0, 1.0))
        noise = self._random.normal(0.0, 0.15, len(ships))
        sog_kn = np.round(np.where(moored, 0.0, np.abs(self.service_kn[ships] + noise)), 1)
        columns = (
            self.mmsi[ships].tolist(),
            np.round(lat_deg, 6).tolist(),
            np.round(lon_deg, 6).tolist(),
            sog_kn.tolist(),
            (np.round(course_deg * 10) % 3600 / 10).tolist(),
            (np.round(course_deg) % 360).tolist(),
            np.where(moored, 5, 0).tolist(),
        )
        return [
            VesselState(
                MMSI=mmsi,
                Latitude=lat,
                Longitude=lon,
                SpeedOverGround=sog,
                CourseOverGround=cog,
                Heading=heading,
                NavigationalStatus=status,
                Timestamp=now_ms,
                MessageType=1,
            )
            for mmsi, lat, lon, sog, cog, heading, status in zip(*columns, strict=True)
        ]

    def _track(self, ships: IntArray, part: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return longitude, latitude and course after *part* of each ship's great circle.

        Source: K. Shoemake, "Animating Rotation with Quaternion Curves", SIGGRAPH 1985: the slerp.
        """
        origin, target = self._ports.vectors[self._origin[ships]], self._ports.vectors[self._target[ships]]
        angle = self._angle[ships]
        there, gone = np.sin((1.0 - part) * angle) / np.sin(angle), np.sin(part * angle) / np.sin(angle)
        place = there[:, None] * origin + gone[:, None] * target
        # The direction of travel is the derivative by the angle; east and north are the place's own axes.
        heading = (-np.cos((1.0 - part) * angle)[:, None] * origin + np.cos(part * angle)[:, None] * target) / np.sin(
            angle
        )[:, None]
        lon, lat = np.arctan2(place[:, 1], place[:, 0]), np.arcsin(np.clip(place[:, 2], -1.0, 1.0))
        east = -np.sin(lon) * heading[:, 0] + np.cos(lon) * heading[:, 1]
        north = (
            -np.sin(lat) * np.cos(lon) * heading[:, 0]
            - np.sin(lat) * np.sin(lon) * heading[:, 1]
            + np.cos(lat) * heading[:, 2]
        )
        return np.degrees(lon), np.degrees(lat), np.degrees(np.arctan2(east, north)) % 360.0

    def _static(self, ship: int, now_ms: int) -> VesselState:
        length_m = float(self.length_m[ship])
        return VesselState(
            IMO=int(self.imo[ship]),
            MMSI=int(self.mmsi[ship]),
            AISDestination=self.destination[ship],
            VesselName=self.name[ship],
            CallSign=f"V{int(self.mmsi[ship]) % 1_000_000:06}",
            VesselType=_KINDS[int(self.kind[ship])].code,
            Draught=round(min(length_m / 25.0, 20.0), 1),
            ETA=_eta(float(self._arrives_ms[ship])),
            Length=length_m,
            Width=float(math.ceil(length_m / 6.5)),
            Timestamp=now_ms,
            MessageType=5,
        )


async def simulate(
    fleet: Fleet,
    publish: Callable[[list[VesselState]], Awaitable[None]],
    *,
    now_ms: Callable[[], int],
    until_ms: int | None = None,
    tick_ms: int = 100,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Publish what *fleet* reports, every *tick_ms*, until *until_ms* or for ever."""
    next_ms = now_ms()
    while until_ms is None or next_ms < until_ms:
        await publish(fleet.report(next_ms))
        # A publisher that makes us wait does not make us hurry afterwards.
        next_ms = max(next_ms + tick_ms, now_ms())
        await sleep(max(next_ms - now_ms(), 0) / 1000)


def _imo_numbers(count: int) -> IntArray:
    """Return *count* different valid IMO numbers; every 71st of the 900,000 that begin with 9, then on."""
    serial = 900_000 + (np.arange(count) * 71) % 99_991
    digits = serial[:, None] // 10 ** np.arange(5, -1, -1) % 10
    return serial * 10 + digits @ np.arange(7, 1, -1) % 10


def _eta(at_ms: float) -> str:
    text = str(np.datetime64(round(at_ms), "ms").astype("datetime64[m]"))
    return f"{text[5:]}Z"
