"""Faust's Kafka consumer without its data loss.

Faust drops records around the end of a recovery while the consumer's position moves on (seen live in about
every third restart), and then commits past them. Three changes close that:

* after a recovery every source partition is put where the agents' own progress says, not where Kafka's
  committed offset does (`Consumer.perform_seek`, with offsets from `start_offsets` of the app);
* the reading loop hands on whatever was fetched, in order, with no second opinion on offsets
  (`Consumer._drain_messages`); the agents know which offset they expect and ask for it again with
  `Consumer.want`. Seeks happen between two fetches, so it is exact which record is the first after one;
* each topic has a pump of its own that hands its records on and waits while an agent's queue is full; a
  partition with much waiting is not fetched meanwhile. So one agent that waits (for Postgres, say) does
  not stop the other topics of the worker, as it does when Faust's one reading loop waits.

Two cures that were tried and were not enough: `consumer.seek` calls aiokafka from the wrong thread and can
leave its fetcher asleep; `seek_wait` alone leaves Faust's read offset to be set forward by the batch still
being drained, and the records sought are then dropped as already read.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar, Protocol, cast

import aiokafka
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.conductor import Conductor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message

logger = logging.getLogger(__name__)

#: Faust asks brokers to wait up to 1.5 s for data; a partition that is fetched in another request waits as
#: long. Source: faust/transport/drivers/aiokafka.py, fetch_max_wait_ms.
FETCH_MAX_WAIT_MS = 100
#: How long one fetch may wait when nothing is to be had, so that a wanted seek waits no longer.
FETCH_WAIT_S = 0.2
#: The wait before partitions that were all paused are looked at again.
PAUSED_WAIT_S = 0.005
#: Bytes of one partition that wait to be handed on before it is not fetched, and before it is again.
PAUSE_BYTES = 1 << 20
RESUME_BYTES = PAUSE_BYTES // 2


class StartOffsets(Protocol):
    """What the consumer asks of its app."""

    async def start_offsets(self, partitions: set[TP]) -> Mapping[TP, int]:
        """Return where to start each of *partitions*; one left out starts at its committed offset."""
        ...


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with a shorter wait at the broker."""

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def commit_hint(self, offsets: Mapping[TP, int]) -> None:
        """Commit *offsets* for lag tools; nothing of ours reads them when it has a progress of its own."""
        consumer = self._ensure_consumer()
        hints = {driver.ensure_aiokafka_TP(tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
        try:
            await self.call_thread(consumer.commit, hints)
        except KafkaError as error:
            logger.info("offsets not committed, which only lag tools will notice: %s", error)


class Pump:
    """Hands the records of one topic on from a task of its own, its partitions in turn.

    One task a partition was tried: they race for each free place in the agents' queues, and whoever waits for
    a place loses to whoever comes by, so that some partitions stood still for a minute.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._waiting: dict[TP, deque[Message]] = {}
        self._size_bytes: Counter[TP] = Counter()
        self._paused: set[TP] = set()
        self._filled = asyncio.Event()
        # As the consumer's own task: if it fails, so does the worker.
        self._task = consumer.add_future(self._run())

    def put(self, tp: TP, message: Message) -> None:
        """Take *message*; too many of them pause the partition."""
        self._waiting.setdefault(tp, deque()).append(message)
        self._size_bytes[tp] += len(message.value or b"")
        self._filled.set()
        if self._size_bytes[tp] >= PAUSE_BYTES and tp not in self._paused:
            self._paused.add(tp)
            self._consumer.on_buffer_full(tp)

    def holds(self, tp: TP) -> bool:
        """Tell whether records of *tp* wait, or are being handed on."""
        return tp in self._waiting

    def forget(self, tp: TP) -> None:
        """Forget what waits of *tp*: its next owner, or we after a seek, will read it again."""
        self._waiting.pop(tp, None)
        self._size_bytes.pop(tp, None)
        self._resume(tp)

    def stop(self) -> None:
        """Forget everything and end."""
        self._task.cancel()
        for tp in list(self._waiting):
            self.forget(tp)

    async def _run(self) -> None:
        while True:
            for tp, messages in list(self._waiting.items()):
                await self._hand_on(tp, messages)
            if not self._waiting:
                self._filled.clear()
                await self._filled.wait()

    async def _hand_on(self, tp: TP, messages: deque[Message]) -> None:
        if messages:
            message = messages.popleft()
            await self._consumer.deliver(message)
            if self._waiting.get(tp) is messages:
                self._size_bytes[tp] -= len(message.value or b"")
                if self._size_bytes[tp] < RESUME_BYTES:
                    self._resume(tp)
        if not messages and self._waiting.get(tp) is messages:
            del self._waiting[tp]

    def _resume(self, tp: TP) -> None:
        if tp in self._paused:
            self._paused.discard(tp)
            self._consumer.on_buffer_drop(tp)


class Consumer(driver.Consumer):
    """Faust's consumer, with the start and the reading loop described above."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pumps: dict[str, Pump] = {}
        self._wanted: dict[TP, int] = {}
        self._sought: dict[TP, int] = {}
        self._first_after_seek: dict[TP, int | None] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def want(self, tp: TP, offset: int) -> None:
        """Ask for *tp* to be read from *offset* again, or from the smallest offset asked for."""
        self._wanted[tp] = min(offset, self._wanted.get(tp, offset))

    def first_after_seek(self, tp: TP, offset: int) -> int | None:
        """Return the offset of the first record read after the last seek of *tp*; None before it came.

        None as well when that seek went beyond *offset*, for another agent: it says nothing of what lies before.
        """
        return self._first_after_seek.get(tp) if self._sought.get(tp, offset + 1) <= offset else None

    def highwater(self, tp: TP) -> int:
        """Return the end of the log as the last fetch saw it, 0 where nothing was fetched or *tp* is not ours."""
        try:
            return super().highwater(tp) or 0
        except AssertionError:
            # aiokafka asserts that the partition is assigned; a rebalance may have taken it a moment ago.
            return 0

    def in_hand(self, tp: TP) -> bool:
        """Tell whether records of *tp*, or of its topic, wait here for an agent."""
        pump = self._pumps.get(tp.topic)
        channels = cast(Conductor, self.app.topics)._tp_index.get(tp, ())
        return (pump is not None and pump.holds(tp)) or any(channel.queue.qsize() for channel in channels)

    async def commit_hint(self, offsets: Mapping[TP, int]) -> None:
        """Commit *offsets* to Kafka, a hint for lag tools."""
        await cast(ConsumerThread, self._thread).commit_hint(offsets)

    async def perform_seek(self) -> None:
        """Put every source partition where its agents' progress says; called once tables are recovered."""
        await super().perform_seek()
        sources = {tp for tp in self.assignment() if not self._is_changelog_tp(tp)}
        offsets = await cast(StartOffsets, self.app).start_offsets(sources)
        self._wanted.clear()
        await self._seek_now(offsets)

    def stop_flow(self) -> None:
        """Stop reading; what waits will be read again by whoever owns it next."""
        super().stop_flow()
        for topic in list(self._pumps):
            self._pumps.pop(topic).stop()
        self._wanted.clear()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: Faust's detector expects its own commits; the loop has a watch of its own."""

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield what one fetch brings, interleaved by topic, for as long as the flow is on."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        active = set(self._get_active_partitions())
        if not active:
            await asyncio.sleep(PAUSED_WAIT_S)
            return
        generation = self.app.consumer_generation_id
        records = await self._getmany(active_partitions=active, timeout=timeout)
        for tp, record in self.scheduler.iterate(records or {}):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            # aiokafka's own class of the same fields is not good enough for Faust's assertions.
            yield TP(tp.topic, tp.partition), self._to_message(tp, record)

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self._seek_wanted()
                async for tp, message in self.getmany(FETCH_WAIT_S):
                    await self._hand_on(tp, message)
                # A fetch that is answered from memory does not yield to the other tasks.
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            # Nothing is wrong when it is we who stop.
            if not self.transport.app.should_stop:
                raise
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise

    async def _seek_wanted(self) -> None:
        if self._wanted and self.flow_active and not self.app.in_recovery:
            wanted, self._wanted = self._wanted, {}
            assigned = self.assignment()
            mine = {tp: offset for tp, offset in wanted.items() if tp in assigned}
            try:
                await self._seek_now(mine)
            except IllegalStateError as error:
                # The consumer's thread gave a partition away meanwhile; who still expects a record asks again.
                logger.info("not sought: %s", error)
                for tp in mine:
                    del self._sought[tp], self._first_after_seek[tp]

    async def _seek_now(self, offsets: Mapping[TP, int]) -> None:
        for tp, offset in offsets.items():
            if tp.topic in self._pumps:
                self._pumps[tp.topic].forget(tp)
            self._sought[tp], self._first_after_seek[tp] = offset, None
        if offsets:
            await self.seek_wait(offsets)

    async def _hand_on(self, tp: TP, message: Message) -> None:
        if self._is_changelog_tp(tp):
            # Recovery empties this one queue; a rebalance must be able to end the wait.
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
            return
        if self._first_after_seek.get(tp, 0) is None:
            self._first_after_seek[tp] = message.offset
        if tp.topic not in self._pumps:
            self._pumps[tp.topic] = Pump(self)
        self._pumps[tp.topic].put(tp, message)

    async def deliver(self, message: Message) -> None:
        """Give *message* to the agents' queues; wait while one is full."""
        # A partition that was taken away has no callback any more; its next owner reads the record.
        if self.flow_active and message.tp in cast(Conductor, self.app.topics)._tp_to_callback:
            await self.callback(message)


class Transport(driver.Transport):
    """Faust's Kafka transport with our consumer; chosen by the scheme ``vesselflow://``."""

    Consumer: ClassVar[type[Any]] = Consumer
