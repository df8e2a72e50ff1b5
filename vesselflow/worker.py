"""All loops of this process together: where they start, what they do before partitions go, how they stop."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from faust.types import TP

from vesselflow import metrics, streams
from vesselflow.core.errors import VesselflowError
from vesselflow.loop import Loop
from vesselflow.outbox import Outbox
from vesselflow.stage import Part
from vesselflow.state import Buckets
from vesselflow.streams import EXIT_RESTART, App

logger = logging.getLogger(__name__)

#: Seconds that the checkpoints may take when partitions are being taken away.
REVOKE_S: Final = 5.0
#: Seconds that they may take when the worker stops.
STOP_S: Final = 8.0
#: Seconds between two commits of the hint for lag tools, and two looks at the lag.
HINT_S: Final = 5.0


class Worker:
    """The loops of one process and what they share: one outbox, one app, one watch."""

    def __init__(self, app: App, *, stall_exit_s: float) -> None:
        self.app = app
        self.outbox = Outbox(app)
        self.loops: list[Loop] = []
        #: Each tells whether all agents wait for something outside, which is no stall.
        self.waits: list[Callable[[], bool]] = []
        self._newest_only: set[str] = set()
        self._stall_exit_s = stall_exit_s
        self._tasks: list[asyncio.Task[None]] = []
        app.starts = self.start_offsets
        app.before_stop.append(self.stop)
        app.on_partitions_revoked.connect(self.revoked)

    def add(self, loop: Loop) -> Loop:
        """Take *loop* in."""
        self.loops.append(loop)
        return loop

    def read_newest_only(self, topic: str) -> None:
        """Start *topic* at its end: what it holds already is out of date."""
        self._newest_only.add(topic)

    def run(self) -> None:
        """Start the tasks of the outbox, the loops and the watch; called in the worker's event loop."""
        jobs: list[Coroutine[Any, Any, None]] = [self.outbox.run(), self._watch(), self._hint()]
        for loop in self.loops:
            jobs += [loop.keep_checkpoints(), loop.keep_time()]
        for job in jobs:
            self.also(job)

    def also(self, job: Coroutine[Any, Any, None]) -> None:
        """Run *job* until the worker stops; if it fails, so does the worker."""
        task = asyncio.create_task(job)
        task.add_done_callback(end_with)
        self._tasks.append(task)

    async def start_offsets(self, partitions: set[TP]) -> Mapping[TP, int]:
        """Restore the loops' states and return the smallest offset that any loop needs of each partition.

        Raises:
            VesselflowError: a log ends before a progress: the topic was deleted and made anew.
        """
        starts: dict[TP, int] = {}
        earliest = await self.app.consumer.earliest_offsets(*partitions)
        ends = await self.app.consumer.highwaters(*partitions)
        for loop in self.loops:
            mine = {tp.partition for tp in partitions if loop.tp(tp.partition) == tp}
            for partition, start in loop.open(mine).items():
                tp, part = loop.tp(partition), loop.parts[partition]
                part.offset = earliest[tp] if start is None else start
                check_end(loop.stage.name, tp, part.offset, ends[tp])
                starts[tp] = min(part.offset, starts.get(tp, part.offset))
        newest = {tp: ends[tp] for tp in partitions if tp.topic in self._newest_only}
        return {**starts, **newest}

    async def revoked(self, *_: Any, **__: Any) -> None:
        """Checkpoint what is being taken away. Partitions left without one would be replayed by two owners."""
        if not await self._settle(REVOKE_S):
            logger.critical("checkpoints not acknowledged within %.0f s of a rebalance: the worker ends", REVOKE_S)
            os._exit(EXIT_RESTART)
        for loop in self.loops:
            loop.close()

    async def stop(self) -> None:
        """Take no more records, checkpoint everything, and say whether the local state may be used again."""
        if not self._tasks:
            return
        for loop in self.loops:
            loop.stopping = True
        self.app.stopped_clean = await self._settle(STOP_S)
        for loop in self.loops:
            loop.close()
        for task in self._tasks:
            task.cancel()

    async def _settle(self, limit_s: float) -> bool:
        waits = [loop.settled(part) for loop in self.loops for part in loop.parts.values()]
        try:
            await asyncio.wait_for(asyncio.gather(*waits), limit_s)
        except TimeoutError:
            return False
        return True

    async def _hint(self) -> None:
        while True:
            await asyncio.sleep(HINT_S)
            hints: dict[TP, int] = {}
            for tp, saved in ((loop.tp(part.partition), part.saved) for loop, part in self._parts()):
                hints[tp] = min(saved, hints.get(tp, saved))
            hints = {tp: saved for tp, saved in hints.items() if saved >= 0 and tp in self.app.consumer.assignment()}
            if hints and not self.app.rebalancing:
                await self.app.reader.commit_hint(hints)

    async def _watch(self) -> None:
        session_s = self.app.conf.broker_session_timeout
        last = time.monotonic()
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            if now - last > session_s:
                # The group has given our partitions away meanwhile; every write from here on would be too late.
                _exit(f"the process stood still for {now - last:.0f} s, longer than its session")
            last = now
            self._look(now)

    def _look(self, now: float) -> None:
        for loop in self.loops:
            for part in loop.parts.values():
                self._check(loop, part, now)
        by_topic: Counter[str] = Counter()
        for loop in self.loops:
            lag = sum(self.lag(loop, part.partition, part.offset) for part in loop.parts.values())
            topic = loop.stage.topic.get_topic_name()
            # Several agents read a topic; the slowest tells how far it is behind.
            by_topic[topic] = max(by_topic[topic], lag)
            rows = [rows for part in loop.parts.values() for rows in part.rows.values() if isinstance(rows, Buckets)]
            metrics.VESSELS.labels(loop.stage.name).set(sum(len(each.states) for each in rows))
        for topic, lag in by_topic.items():
            metrics.PARTITION_LAG.labels(topic).set(lag)

    def _check(self, loop: Loop, part: Part, now: float) -> None:
        # What waits is given its time anew when the wait is over.
        if self.lag(loop, part.partition, part.offset) <= 0 or loop.waits(part) or any(waits() for waits in self.waits):
            part.moved_at = now
        elif now - part.moved_at > self._stall_exit_s:
            _exit(f"{loop.stage.name} made no progress on partition {part.partition} for {self._stall_exit_s} s")

    def lag(self, loop: Loop, partition: int, offset: int) -> int:
        """Return how many records of a partition *loop* has not worked on."""
        end = self.app.reader.highwater(loop.tp(partition))
        return max(0, end - offset)

    def _parts(self) -> Iterable[tuple[Loop, Part]]:
        return [(loop, part) for loop in self.loops for part in loop.parts.values()]


def check_end(agent: str, tp: TP, start: int, end: int) -> None:
    """Refuse to go on from *start* when the log ends before it.

    Raises:
        VesselflowError: the topic was deleted and made anew.
    """
    if start > end:
        raise VesselflowError(
            f"{agent} expects {tp.topic}/{tp.partition} to reach offset {start}, but it ends at {end}: the topic was made "
            "anew; start afresh with another VESSELFLOW_APP_ID"
        )


def end_with(task: asyncio.Task[None]) -> None:
    """End the process if *task* failed: what it did, nobody does any more."""
    if not task.cancelled() and task.exception() is not None:
        logger.critical("a task of the worker failed", exc_info=task.exception())
        os._exit(EXIT_RESTART)


def _exit(reason: str) -> None:
    logger.critical("%s: the worker ends", reason)
    os._exit(EXIT_RESTART)


worker: Final = Worker(streams.app, stall_exit_s=streams.settings.stall_exit_s)
