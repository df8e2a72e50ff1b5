"""What Kafka, Postgres and Redis hold, asked from outside of the worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis

from vesselflow.settings import Settings

_PROGRESS = "SELECT coalesce(sum(next_offset), 0)::bigint FROM sink_progress"
# A position's time is when it was made, just before it was given to Kafka's producer.
_LATENCIES = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - (data->>'at')::timestamptz)::float8 * 1000
    FROM notifications
    WHERE (data->>'at')::timestamptz >= $1
"""


class Stores:
    """Connections of the benchmark's own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._events = [TopicPartition(f"{settings.app_id}.events", n) for n in range(settings.event_partitions)]
        self._kafka = AIOKafkaConsumer(bootstrap_servers=settings.kafka_brokers)
        self._redis = Redis.from_url(settings.redis_url)
        self._postgres: Any = None

    async def __aenter__(self) -> Stores:
        """Connect."""
        self._postgres = await asyncpg.connect(self._settings.database_url)
        await self._kafka.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._kafka.stop()
        await self._redis.aclose()
        await self._postgres.close()

    async def sink_lag(self) -> int:
        """Return how many records of events the sink has not written to Postgres."""
        ends = await self._kafka.end_offsets(self._events)
        return int(sum(ends.values()) - await self._postgres.fetchval(_PROGRESS))

    async def notifications(self) -> int:
        """Return how many notifications there are."""
        return int(await self._postgres.fetchval("SELECT count(*) FROM notifications"))

    async def seconds_to_commit(self, since_ms: int) -> list[float]:
        """Return, for each notification of a position since then, the seconds until its commit."""
        rows = await self._postgres.fetch(_LATENCIES, datetime.fromtimestamp(since_ms / 1000, UTC))
        return [row[0] / 1000 for row in rows]

    async def live_is_at(self, vessels: Sequence[int], at_ms: Sequence[int]) -> bool:
        """Tell whether Redis holds, for each of *vessels*, a position of that time."""
        pipeline = self._redis.pipeline(transaction=False)
        for vessel in vessels:
            pipeline.hget(f"vessel:mmsi-{vessel}", "at")
        stored = await pipeline.execute()
        return all(got is not None and int(got) >= at for got, at in zip(stored, at_ms, strict=True))
