"""Events in, each client's notifications to Postgres exactly once, then to Redis.

The progress is a row in Postgres, moved in the transaction that writes the notifications, and only from the
offset it is known to be at. So whatever happens to this process, an event is written with its progress or
not at all; and an old owner's late transaction finds the progress moved and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from faust.types import StreamT

from vesselflow import metrics, outside, streams
from vesselflow.core import wire
from vesselflow.core.errors import Unavailable
from vesselflow.core.matching import match
from vesselflow.core.model import Event, Notification
from vesselflow.dead_letters import dead_letter
from vesselflow.loop import Loop
from vesselflow.outbox import Outgoing
from vesselflow.ports import SinkWrite
from vesselflow.rules import rules
from vesselflow.stage import Part, Record, TableRows
from vesselflow.worker import check_end, end_with, worker

logger = logging.getLogger(__name__)

#: Above any offset: until the progress is read, every record counts as done.
UNKNOWN: Final = 1 << 62
#: Records that wait for Postgres in memory, per partition; beyond it the topic keeps them.
MOST_WAITING: Final = 200
#: Events written in one transaction.
MOST_EVENTS: Final = 1000
#: Seconds between two tries while Postgres is away: doubled from the first to the last, with jitter.
FIRST_WAIT_S: Final = 0.1
LAST_WAIT_S: Final = 5.0


@dataclass(slots=True)
class Waiting:
    """What one partition has read and not yet written."""

    queue: deque[tuple[int, list[Event]]] = field(default_factory=deque)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Event = field(default_factory=asyncio.Event)
    postgres_is_away: bool = False


class Sink:
    """The stage of the sink: it only queues; `SinkLoop` writes."""

    name = "sink"
    topic = streams.events
    checkpoint_s = 1.0
    tick_s = 1.0
    tables: Final[Mapping[str, TableRows]] = {}

    def open(self, partition: int) -> Part:
        """Return a part whose progress is not known yet."""
        return Part(partition, rows={}, work=Waiting(), offset=UNKNOWN)

    def work(self, part: Part, record: Record) -> list[Outgoing]:
        """Queue the events of *record*."""
        waiting: Waiting = part.work
        waiting.queue.append((record.offset, wire.decode_events(record.value)))
        waiting.filled.set()
        if len(waiting.queue) >= MOST_WAITING:
            waiting.room.clear()
        return []

    def split(self, record: Record) -> list[Record]:
        """Return *record* whole: it is decoded or it is not."""
        return [record]

    def flush(self, part: Part) -> list[Outgoing]:
        """Return nothing."""
        return []

    def tick(self, part: Part) -> list[Outgoing]:
        """Return nothing."""
        return []


class SinkLoop(Loop):
    """The loop whose progress is in Postgres: one writer a partition, so that only its own waits."""

    def __init__(self, stage: Sink, shared: Any) -> None:
        super().__init__(stage, shared)
        self._writers: dict[int, asyncio.Task[None]] = {}

    async def take(self, event: Any) -> None:
        """Queue one record; wait while the partition's queue is full."""
        await super().take(event)
        part = self.parts.get(event.message.partition)
        if part is not None:
            await part.work.room.wait()

    def open(self, partitions: set[int]) -> dict[int, int | None]:
        """Start a writer for each of *partitions*; where to read is known when Postgres has answered."""
        self.close()
        for partition in partitions:
            part = self.parts[partition] = self.stage.open(partition)
            part.work.room.set()
            writer = self._writers[partition] = asyncio.create_task(self._write_all(part))
            writer.add_done_callback(end_with)
        return {}

    def close(self) -> None:
        """Stop the writers: a transaction cut off is rolled back, or found done by the next owner."""
        for writer in self._writers.values():
            writer.cancel()
        self._writers.clear()
        for part in self.parts.values():
            part.work.room.set()
        super().close()

    async def checkpoint(self, part: Part) -> None:
        """Do nothing: every transaction is one."""

    def waits(self, part: Part) -> bool:
        """Tell whether Postgres is away."""
        waiting: Waiting = part.work
        return waiting.postgres_is_away

    async def _write_all(self, part: Part) -> None:
        store = outside.current().notifications
        await self._until_available(part, rules.loaded.wait)
        part.saved = (
            await self._until_available(part, lambda: store.progress(streams.settings.app_id, part.partition)) or 0
        )
        tp = self.tp(part.partition)
        ends = await self._app.reader.highwaters(tp)
        # Kafka's data may be gone while Postgres is kept; new events would all count as written.
        check_end(self.stage.name, tp, part.saved, ends[tp])
        await self._again(part)
        self._expect(part, part.saved)
        while True:
            await part.work.filled.wait()
            await self._write_some(part)

    async def _again(self, part: Part) -> None:
        """Publish what was written just before the start: it may never have been published."""
        store, seconds = outside.current().notifications, streams.settings.republish_s
        await self._publish(
            await self._until_available(
                part, lambda: store.written_since(streams.settings.app_id, part.partition, seconds)
            )
        )

    def _expect(self, part: Part, offset: int) -> None:
        part.work.queue.clear()
        part.work.filled.clear()
        part.work.room.set()
        part.offset = offset
        self.seek(part)

    async def _write_some(self, part: Part) -> None:
        waiting: Waiting = part.work
        records = _some(waiting.queue)
        events = [event for _, events in records for event in events]
        next_offset = records[-1][0] + 1
        write = SinkWrite(
            app_id=streams.settings.app_id,
            partition=part.partition,
            expected_offset=part.saved or None,
            next_offset=next_offset,
            event_ids=[event.id for event in events],
            notifications=[
                each for offset, some in records for event in some for each in self._matched(part, offset, event)
            ],
        )
        store = outside.current().notifications
        written = await self._until_available(part, lambda: store.write(write))
        if written.moved_to is not None:
            logger.warning("sink: partition %d was written up to %d by another", part.partition, written.moved_to)
            part.saved = written.moved_to
            self._expect(part, written.moved_to)
            return
        for _ in records:
            waiting.queue.popleft()
        part.saved = next_offset
        if not waiting.queue:
            waiting.filled.clear()
        if len(waiting.queue) < MOST_WAITING:
            waiting.room.set()
        _count(write, written.published, events)
        await self._publish(written.published)

    def _matched(self, part: Part, offset: int, event: Event) -> list[Notification]:
        try:
            return match(event, rules.clients)
        except Exception:
            # As in any loop: an event that crashes the code is set aside, and the others go on.
            logger.exception("sink: event %s of partition %d at %d", event.id, part.partition, offset)
            record = Record(self._topic, part.partition, offset, event.received_ms, wire.encode_events([event]))
            self._outbox.put([dead_letter(record, "crash", trace=traceback.format_exc())], part.sent)
            return []

    async def _until_available(self, part: Part, ask: Any) -> Any:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                answer = await ask()
            except Unavailable as error:
                part.work.postgres_is_away = True
                logger.warning("sink: partition %d waits for Postgres: %s", part.partition, error)
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
                wait_s = min(2 * wait_s, LAST_WAIT_S)
            else:
                part.work.postgres_is_away = False
                return answer

    async def _publish(self, messages: Any) -> None:
        if not messages:
            return
        try:
            await outside.current().live.publish(messages)
        except Unavailable as error:
            # Browsers read on from their cursor in Postgres every few seconds.
            logger.warning("%d notifications were not pushed: %s", len(messages), error)
        else:
            metrics.NOTIFICATIONS_PUBLISHED.inc(len(messages))


def _some(queue: deque[tuple[int, list[Event]]]) -> list[tuple[int, list[Event]]]:
    records, events = [], 0
    for record in queue:
        records.append(record)
        events += len(record[1])
        if events >= MOST_EVENTS:
            break
    return records


def _count(write: SinkWrite, published: Any, events: list[Event]) -> None:
    now_ms = outside.current().clock.now_ms()
    for event in events:
        metrics.NOTIFICATION_LATENCY_SECONDS.observe(max(0, now_ms - event.received_ms) / 1000)
    for each in published:
        metrics.NOTIFICATIONS.labels(each["notification"]["type"]).inc()


loop = SinkLoop(Sink(), worker)
worker.add(loop)


@streams.app.agent(streams.events, name="sink")
async def sink(stream: StreamT[bytes]) -> None:
    """Write notifications."""
    await loop.run(stream)
