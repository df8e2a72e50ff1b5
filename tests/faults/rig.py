"""A pipeline to break: workers as processes, a feeder, fences of its own, and what came out of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.faults.feeder import Feeder
from tests.faults.oracle import Box, Key, Oracle, differences
from vesselflow.core.model import Event
from vesselflow.core.wire import decode_events
from vesselflow.settings import Settings
from vesselflow.streams import STATES

#: What the oracle judges; the other detectors' events are told apart by their ids alone.
KNOWN = ("geofence", "destination")
ROOT = Path(__file__).parents[2]
WORKER = (sys.executable, "-m", "faust", "-A", "vesselflow.app", "worker", "-l", "info", "--without-web")


@dataclass
class WorkerProcess:
    """One worker that can be killed, stopped, wiped and started again."""

    settings: Settings
    command: tuple[str, ...] = WORKER
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; its log goes beside its state."""
        log = self.settings.home / f"{self.settings.app_id}-{self.settings.worker_name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("VESSELFLOW_")}
        with log.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                env={**environ, **self.settings.to_env(), "PYTHONPATH": str(ROOT)},
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    async def ready(self, limit_s: float = 60.0) -> None:
        """Wait until it says it is ready."""
        url = f"http://127.0.0.1:{self.settings.web_port}/readyz"
        async with asyncio.timeout(limit_s):
            while not await asyncio.to_thread(_answers, url):
                await asyncio.sleep(0.2)

    async def end(self, how: signal.Signals) -> int:
        """Send it a signal and wait for its end."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await self.process.wait()

    def wipe(self) -> None:
        """Take its disk away."""
        shutil.rmtree(self.settings.data_dir, ignore_errors=True)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@dataclass
class Rig:
    """One scenario: its own app id, client, fences and vessels on a stack that others may share."""

    settings: Settings
    name: str
    first_mmsi: int
    lon_deg: float
    command: tuple[str, ...] = WORKER
    workers: list[WorkerProcess] = field(default_factory=list)
    feeder: Feeder = field(init=False)

    async def prepare(self, workers: int = 1) -> None:
        """Make the fences and the preferences, and start the workers."""
        settings = replace(self.settings, app_id=self.name)
        await self._set_up_client()
        for number in range(workers):
            own = replace(settings, worker_name=f"worker-{number}", web_port=settings.port_of("web") + 1 + number)
            self.workers.append(WorkerProcess(own, self.command))
        for worker in self.workers:
            await worker.start()
        for worker in self.workers:
            await worker.ready()
        self.feeder = Feeder(settings.kafka_brokers, self.first_mmsi, self.lon_deg)

    @asynccontextmanager
    async def feeding(self) -> AsyncIterator[None]:
        """Feed the workers; afterwards let the feeder finish."""
        task = asyncio.create_task(self.feeder.run())
        try:
            yield
            self.feeder.stop()
            await task
        finally:
            task.cancel()

    @property
    def boxes(self) -> list[Box]:
        """The fences: the feeder's three longitudes are in the first, in both, and in none."""
        west = self.lon_deg
        return [Box("harbour", west, west + 1.0), Box("anchorage", west + 0.5, west + 1.0)]

    async def stop(self) -> None:
        """End every worker."""
        for worker in self.workers:
            if worker.process is not None:
                await worker.end(signal.SIGTERM)

    async def settled(self, limit_s: float = 180.0) -> str:
        """Wait until what came out equals what should have, and stays so; return the difference after *limit_s*."""
        expected = await self._expected()

        async def difference() -> str:
            return differences(expected, await self._notified())

        await until_empty(difference, limit_s)
        # Too many come late as well.
        await asyncio.sleep(3.0)
        return await difference() or differences(expected, await self._announced())

    async def left_wrong(self, quiet_s: float = 20.0) -> str:
        """Return what is wrong for good: too many, or missing although nothing more has come for *quiet_s*."""
        expected = await self._expected()
        count, since = -1, time.monotonic()
        while True:
            found = Counter(await self._notified())
            if found.total() != count:
                count, since = found.total(), time.monotonic()
            if found - expected or time.monotonic() - since >= quiet_s:
                return differences(expected, found.elements())
            await asyncio.sleep(1.0)

    async def doubled_ids(self) -> int:
        """Return how many events have two notifications."""
        return await self._fetch("SELECT count(*) - count(DISTINCT event_id) FROM notifications WHERE client_id = $1")

    async def positions_counted(self, limit_s: float = 30.0) -> tuple[int, int]:
        """Return the positions the input holds and those the activity row counts, once they agree."""
        oracle = await self._judged(Oracle([]))
        async with asyncio.timeout(limit_s):
            while (got := await self._activity()) != oracle.positions:
                await asyncio.sleep(0.5)
        return oracle.positions, got

    async def _activity(self) -> int:
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            return int(await connection.fetchval("SELECT positions_last_hour FROM vessel_activity_realtime"))
        finally:
            await connection.close()

    async def _set_up_client(self) -> None:
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            for box in self.boxes:
                await connection.execute(
                    "INSERT INTO geofences (client_id, name, polygon)"
                    " VALUES ($1, $2, ST_MakeEnvelope($3, 50, $4, 51, 4326))",
                    self.name,
                    box.name,
                    box.west,
                    box.east,
                )
            await connection.execute(
                "INSERT INTO user_preferences (client_id, preferences) VALUES ($1, $2::jsonb)",
                self.name,
                '{"destination_change": {"enabled": true}}',
            )
        finally:
            await connection.close()
        # The fences have to be in force before the first position.
        await asyncio.sleep(self.settings.fence_delay_s + 1)

    async def _expected(self) -> Counter[Key]:
        oracle = await self._judged(Oracle(self.boxes))
        return Counter({key: count for key, count in oracle.expected.items() if self._is_ours(key[0])})

    async def _judged(self, oracle: Oracle) -> Oracle:
        for partition in range(self.settings.source_partitions):
            for value, timestamp in await read_all(self.settings.kafka_brokers, STATES, partition):
                oracle.read(value, timestamp)
        return oracle

    async def _notified(self) -> list[Key]:
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            rows = await connection.fetch(
                "SELECT (data->>'MMSI')::bigint AS mmsi, data->>'geofenceName' AS fence, type,"
                " data->>'event' AS event, round(extract(epoch FROM (data->>'at')::timestamptz) * 1000)::bigint AS at_ms"
                " FROM notifications WHERE client_id = $1",
                self.name,
            )
        finally:
            await connection.close()
        return [
            (
                row["mmsi"],
                row["fence"],
                f"geofence.{row['event']}" if row["event"] else "destination.changed",
                row["at_ms"],
            )
            for row in rows
            if self._is_ours(row["mmsi"])
        ]

    async def announced(self) -> dict[str, Event]:
        """Return our events on the topic by id: at most the same id may come again."""
        events = {}
        for partition in range(self.settings.event_partitions):
            for value, _ in await read_all(self.settings.kafka_brokers, f"{self.name}.events", partition):
                events.update({event.id: event for event in decode_events(value)})
        return {id: event for id, event in events.items() if self.is_ours(event)}

    async def notified_ids(self) -> Counter[str]:
        """Return how often each event stands among the client's notifications."""
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            rows = await connection.fetch("SELECT event_id::text FROM notifications WHERE client_id = $1", self.name)
        finally:
            await connection.close()
        return Counter(row["event_id"] for row in rows)

    def is_ours(self, event: Event) -> bool:
        """Tell whether an event is of this rig's vessels, and of its client if of any."""
        return self._is_ours(event.vessel) and event.client_id in (self.name, None)

    async def _announced(self) -> list[Key]:
        """Return the events on the topic, each id once, of the kinds that the oracle knows."""
        events = [event for event in (await self.announced()).values() if event.kind.partition(".")[0] in KNOWN]
        return [(event.vessel, event.geofence_name, event.kind, event.at_ms) for event in events]

    async def _fetch(self, query: str) -> int:
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            return int(await connection.fetchval(query, self.name))
        finally:
            await connection.close()

    def _is_ours(self, mmsi: int) -> bool:
        return self.first_mmsi <= mmsi < self.first_mmsi + 1000


async def until_empty(difference: Callable[[], Awaitable[str]], limit_s: float) -> None:
    """Wait until *difference* finds none, at most *limit_s*."""
    try:
        async with asyncio.timeout(limit_s):
            while await difference():
                await asyncio.sleep(1.0)
    except TimeoutError:
        return


async def read_all(brokers: str, topic: str, partition: int) -> list[tuple[bytes, int]]:
    """Return the value and timestamp of every record of a partition, up to its present end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        tp = TopicPartition(topic, partition)
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        found: list[tuple[bytes, int]] = []
        while await consumer.position(tp) < end:
            records = (await consumer.getmany(tp, timeout_ms=1000)).get(tp, [])
            found.extend((record.value, record.timestamp) for record in records)
        return found
    finally:
        await consumer.stop()
