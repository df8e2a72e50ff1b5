"""Vessels that cross fences and change their minds, written to Kafka while workers die.

Half of the records are the plan's single states, half are arrays as our own sources write them. Some fixes
come late, some so late that they raise no alert any more.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

import msgspec
from aiokafka import AIOKafkaProducer

from vesselflow.core.model import VesselState
from vesselflow.core.partition import partition_of
from vesselflow.streams import STATES

DESTINATIONS = ("ROTTERDAM", "NLRTM", "HAMBURG", "SOUTHAMPTON", "LE HAVRE")


@dataclass
class Feeder:
    """Feeds vessels *first_mmsi* and following around *lon_deg* until it is stopped."""

    brokers: str
    first_mmsi: int
    lon_deg: float
    vessels: int = 40
    rate_per_s: int = 600
    seed: int = 1
    sent: int = 0
    _used: set[tuple[int, int]] = field(default_factory=set)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Feed, or feed on; returns when stopped and everything is acknowledged."""
        self._stopped.clear()
        chance, before = random.Random(self.seed + self.sent), self.sent
        producer = AIOKafkaProducer(bootstrap_servers=self.brokers, acks="all", enable_idempotence=True)
        await producer.start()
        try:
            started = time.monotonic()
            while not self._stopped.is_set():
                await self._round(producer, chance)
                ahead_s = (self.sent - before) / self.rate_per_s - (time.monotonic() - started)
                await asyncio.sleep(max(0.0, ahead_s))
        finally:
            await producer.stop()

    def stop(self) -> None:
        """End after the round under way."""
        self._stopped.set()

    async def _round(self, producer: AIOKafkaProducer, chance: random.Random) -> None:
        by_partition: dict[int, list[VesselState]] = {}
        for mmsi in range(self.first_mmsi, self.first_mmsi + self.vessels):
            state = self._state(mmsi, chance)
            by_partition.setdefault(partition_of(mmsi, 6), []).append(state)
        for partition, states in by_partition.items():
            if chance.random() < 0.5:
                for state in states:
                    await producer.send(STATES, msgspec.json.encode(state), partition=partition)
            else:
                await producer.send(STATES, msgspec.json.encode(states), partition=partition)
        self.sent += self.vessels

    def _state(self, mmsi: int, chance: random.Random) -> VesselState:
        late_s = chance.choices((0, 5, 1500), (0.93, 0.05, 0.02))[0]
        return VesselState(
            MMSI=mmsi,
            Longitude=self.lon_deg + chance.choice((0.25, 0.75, 1.5)),
            Latitude=50.5,
            SpeedOverGround=chance.choice((0.0, 7.25, 12.5)),
            AISDestination=chance.choice(DESTINATIONS) if chance.random() < 0.1 else None,
            Timestamp=self._time_of_its_own(mmsi, int(time.time() * 1000) - late_s * 1000),
        )

    def _time_of_its_own(self, mmsi: int, at_ms: int) -> int:
        """Return *at_ms*, or the next one that no fix of the vessel has: fixes of equal time are one fix."""
        while (mmsi, at_ms) in self._used:
            at_ms += 1
        self._used.add((mmsi, at_ms))
        return at_ms
