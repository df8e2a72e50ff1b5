"""Records into ``vessel.state.changed``: as many as there are, or so many positions a second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import numpy as np
from aiokafka import AIOKafkaProducer

from bench.scene import VESSELS, Fleet

TOPIC: Final = "vessel.state.changed"
#: A source gathers states for as long before it sends them.
TICK_S: Final = 0.02


@asynccontextmanager
async def connected(brokers: str) -> AsyncIterator[AIOKafkaProducer]:
    """Yield a producer set up like that of our sources."""
    # A topic that was made a moment ago has no leader yet; the producer says so at each of its tries.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers,
        acks="all",
        enable_idempotence=True,
        compression_type="snappy",
        linger_ms=5,
        max_batch_size=256 * 1024,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def fill(brokers: str, topic: str, records: Iterable[tuple[int, bytes]]) -> None:
    """Write *records*, partition and value each, as fast as they are taken."""
    async with connected(brokers) as producer:
        for partition, value in records:
            await producer.send(topic, value, partition=partition)
        await producer.flush()


async def feed(brokers: str, fleet: Fleet, *, rate_per_s: int, for_s: float, start_ms: int) -> float:
    """Let the vessels report in turn at that rate; return the rate that came about."""
    order = np.random.default_rng(3).permutation(VESSELS)
    sent = 0
    async with connected(brokers) as producer:
        started = time.monotonic()
        while (elapsed_s := time.monotonic() - started) < for_s:
            due = round((elapsed_s + TICK_S) * rate_per_s) - sent
            vessels = order[np.arange(sent, sent + due) % VESSELS]
            for partition, value in fleet.now(vessels, int(time.time() * 1000), start_ms):
                await producer.send(TOPIC, value, partition=partition)
            sent += due
            await asyncio.sleep(max(0.0, sent / rate_per_s - (time.monotonic() - started)))
        elapsed_s = time.monotonic() - started
        await producer.flush()
    return sent / elapsed_s
