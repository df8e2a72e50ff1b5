"""Read any topic as it lies in Kafka: outside of every consumer group, from wherever one likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from vesselflow.core.errors import Unavailable, UsageError

_POLL_MS = 500
_BATCH = 500


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record as it lies in its topic; the timestamp is in milliseconds UTC."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class Log:
    """Some partitions of one topic, each at a place; `open_log` makes it."""

    def __init__(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions

    @property
    def partitions(self) -> list[int]:
        """The partitions that are read."""
        return [each.partition for each in self._partitions]

    async def go_back(self, last: int | None) -> None:
        """Read on from *last* offsets before each partition's end; None: from its beginning.

        Raises:
            Unavailable: the brokers went away.
        """
        with _translated_errors():
            begins = await self._consumer.beginning_offsets(self._partitions)
            ends = await self._consumer.end_offsets(self._partitions)
        for each in self._partitions:
            self._consumer.seek(each, begins[each] if last is None else max(begins[each], ends[each] - last))

    async def until_now(self) -> AsyncIterator[LogRecord]:
        """Yield what follows, in each partition's order, up to what there is at the time of the call.

        Raises:
            Unavailable: the brokers went away.
        """
        with _translated_errors():
            ends = await self._consumer.end_offsets(self._partitions)
            while await self._is_behind(ends):
                for record in await self._fetch():
                    yield record

    async def for_ever(self) -> AsyncIterator[LogRecord]:
        """Yield what follows, and what comes after it.

        Raises:
            Unavailable: the brokers went away.
        """
        with _translated_errors():
            while True:
                for record in await self._fetch():
                    yield record

    async def _fetch(self) -> list[LogRecord]:
        found = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
        return [
            LogRecord(each.partition, each.offset, each.timestamp, each.key, each.value)
            for records in found.values()
            for each in records
        ]

    async def _is_behind(self, ends: dict[TopicPartition, int]) -> bool:
        # Behind the last record there may be offsets without one (compaction, transactions): the position passes them.
        return any([await self._consumer.position(each) < end for each, end in ends.items()])


@asynccontextmanager
async def open_log(brokers: str, topic: str, partitions: Collection[int] = ()) -> AsyncIterator[Log]:
    """Open *partitions* of *topic* for reading, all of them when none is named, at their ends.

    Raises:
        UsageError: there is no such topic or partition.
        Unavailable: no broker answers.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers.split(","), auto_offset_reset="latest")
    try:
        with _translated_errors():
            await consumer.start()
            _refuse_unknown(topic, await consumer.topics())
            # Without a group, a subscriber is given every partition.
            consumer.subscribe([topic])
            while not consumer.assignment():  # noqa: ASYNC110  # aiokafka says nothing when it is done
                await asyncio.sleep(0.02)
        present = sorted(consumer.assignment())
        for each in partitions:
            if TopicPartition(topic, each) not in present:
                raise UsageError(f"expected a partition of {topic} from 0 to {present[-1].partition}, got {each}")
        if partitions:
            consumer.unsubscribe()
            consumer.assign([TopicPartition(topic, each) for each in sorted({*partitions})])
        yield Log(consumer, sorted(consumer.assignment()))
    finally:
        await consumer.stop()


def _refuse_unknown(topic: str, topics: set[str]) -> None:
    if topic not in topics:
        known = ", ".join(sorted(name for name in topics if not name.startswith("__"))) or "none yet"
        raise UsageError(f"expected a topic that exists, got {topic!r}; there are: {known}")


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka: {error or type(error).__name__}") from error
