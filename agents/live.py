"""Positions in, the newest of each vessel to Redis.

Redis is a cache of the stream: what it misses the next position brings. So nothing here waits for it, and
there is no progress to keep: at most one position a vessel is held while Redis is away.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import numpy as np
from faust.types import StreamT

from vesselflow import metrics, outside, streams
from vesselflow.agents.detecting import decode_positions
from vesselflow.core.errors import InvalidRecord, Unavailable
from vesselflow.core.model import PositionBatch, concatenate, newest
from vesselflow.loop import events_of

logger = logging.getLogger(__name__)

FLUSH_S: Final = streams.settings.redis_flush_ms / 1000
#: Batches that are gathered before they are thinned to the newest position of each vessel.
GATHERED: Final = 64
#: Vessels in one call, so that Redis serves others in between.
CHUNK: Final = 2000


class Newest:
    """The newest position of each vessel since the last flush."""

    def __init__(self) -> None:
        self._batches: list[PositionBatch] = []

    def add(self, batch: PositionBatch) -> None:
        """Gather *batch*."""
        self._batches.append(batch)
        if len(self._batches) >= GATHERED:
            self._batches = [newest(concatenate(self._batches))]

    def take(self) -> PositionBatch | None:
        """Return what was gathered, and start anew."""
        batches, self._batches = self._batches, []
        return newest(concatenate(batches)) if batches else None


gathered: Final = Newest()


@streams.app.agent(streams.positions, name="live")
async def live(stream: StreamT[bytes]) -> None:
    """Gather positions; `keep` writes them."""
    async for event in events_of(stream):
        try:
            gathered.add(decode_positions(event.message.value))
        except InvalidRecord as error:
            # Every detector sends the record to the dead letters; once more would say nothing new.
            logger.debug("no positions for Redis: %s", error)


async def keep() -> None:
    """Write what was gathered, for ever."""
    while True:
        await asyncio.sleep(FLUSH_S)
        batch = gathered.take()
        if batch is not None:
            await _write(batch)


async def _write(batch: PositionBatch) -> None:
    try:
        for start in range(0, len(batch), CHUNK):
            await outside.current().live.move(batch.take(np.arange(start, min(start + CHUNK, len(batch)))))
    except Unavailable as error:
        logger.warning("last positions wait for Redis: %s", error)
        gathered.add(batch)
    else:
        metrics.POSITIONS.labels("live").inc(len(batch))
