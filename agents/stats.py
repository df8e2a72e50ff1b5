"""Every partition's activity in, the one row of statistics out, every few seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from faust.types import StreamT

from vesselflow import metrics, outside, streams
from vesselflow.core import wire
from vesselflow.core.activity import merge
from vesselflow.core.errors import InvalidRecord, Unavailable
from vesselflow.core.model import ActivityPartial
from vesselflow.loop import events_of
from vesselflow.worker import worker

logger = logging.getLogger(__name__)

#: An update this slow is worth a warning. Source: the stats plan, "Performance Monitoring".
SLOW_S: Final = 10.0
#: Updates between two log lines with their average, minimum and maximum.
LOG_EVERY: Final = 10

partials: Final[dict[int, ActivityPartial]] = {}
worker.read_newest_only(streams.activity.get_topic_name())


@streams.app.agent(streams.activity, name="stats")
async def stats(stream: StreamT[bytes]) -> None:
    """Gather the newest partial of each partition; `keep` merges and writes them."""
    async for event in events_of(stream):
        try:
            partial = wire.decode_partial(event.message.value or b"")
        except InvalidRecord as error:
            logger.warning("left out of the statistics: %s", error)
        else:
            partials[partial.partition] = partial


async def keep() -> None:
    """Write the row for ever, from the process that reads the one partition, once every part has reported."""
    timings = Timings()
    while True:
        await asyncio.sleep(streams.settings.stats_every_s)
        if not _is_ours():
            partials.clear()
        elif len(partials) >= streams.settings.position_partitions:
            await _write(timings)


def _is_ours() -> bool:
    name = streams.activity.get_topic_name()
    return any(tp.topic == name for tp in streams.app.consumer.assignment())


async def _write(timings: Timings) -> None:
    started = time.monotonic()
    try:
        await outside.current().stats.write_stats(merge(partials.values()))
    except Unavailable as error:
        logger.warning("the activity row stays as it is: %s", error)
    else:
        timings.add(time.monotonic() - started)


class Timings:
    """How long updates take: a metric for each, a log line for every ten, a warning for a slow one."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def add(self, seconds: float) -> None:
        """Take in one update."""
        metrics.STATS_UPDATE_SECONDS.observe(seconds)
        if seconds > SLOW_S:
            logger.warning("slow update of the activity row: %.1f s", seconds)
        self._seconds.append(seconds)
        if len(self._seconds) == LOG_EVERY:
            mean = sum(self._seconds) / LOG_EVERY
            least, most = min(self._seconds), max(self._seconds)
            logger.info("activity row, last %d updates: mean %.4f s, %.4f to %.4f s", LOG_EVERY, mean, least, most)
            self._seconds.clear()
