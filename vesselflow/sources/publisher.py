"""Vessel states -> records of ``vessel.state.changed``, for every source.

States of one vessel always go to one partition, in the order they were given. A record is an array of states of one
partition. Nothing is dropped: a full queue makes `publish` wait, and a send that fails for good makes it raise.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Protocol, Self

import numpy as np
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from vesselflow.core import ais, wire
from vesselflow.core.errors import Unavailable
from vesselflow.core.model import Identity, IntArray, VesselState, vessel_number
from vesselflow.core.partition import partitions_of

logger = logging.getLogger(__name__)

TOPIC: Final = "vessel.state.changed"
MAX_RECORD_BYTES: Final = 900_000
_MAX_BATCH_BYTES: Final = 256 * 1024
_CONNECT_S: Final = 15.0


class Producer(Protocol):
    """What of Kafka's producer is used here."""

    async def send(
        self, topic: str, value: bytes | None = None, key: bytes | None = None, partition: int | None = None
    ) -> "asyncio.Future[Any]":
        """Put a record in the producer's buffer, waiting for room; the future is done when it is acknowledged."""
        ...

    async def stop(self) -> None:
        """Send what is in the buffer and disconnect."""
        ...


class Publisher:
    """Groups states by partition and sends them; use it as ``async with``.

    A group is sent when it holds *group_states* or has waited *linger_s*. At most *unacknowledged* records are on
    their way at once, which bounds the memory.
    """

    def __init__(
        self,
        producer: Producer,
        *,
        partitions: int,
        identity: Identity = "mmsi",
        group_states: int = 500,
        linger_s: float = 0.02,
        unacknowledged: int = 64,
    ) -> None:
        self._producer = producer
        self._partitions = partitions
        self._identity: Identity = identity
        self._group_states = group_states
        self._linger_s = linger_s
        self._groups: dict[int, list[VesselState]] = {}
        self._room = asyncio.Semaphore(unacknowledged)
        self._unacknowledged = unacknowledged
        # One sender at a time: concurrent sends overtake each other when a batch is full.
        self._sending = asyncio.Lock()
        self._failure: BaseException | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.states = 0
        self.records = 0
        self.acknowledged = 0

    async def __aenter__(self) -> Self:
        self._ticker = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker:
            self._ticker.cancel()
        try:
            await self.flush()
        finally:
            await self._producer.stop()

    async def publish(self, states: Iterable[VesselState]) -> None:
        """Take *states* over; waits while too much is on its way.

        Raises:
            Unavailable: an earlier record could not be delivered.
        """
        states = list(states)
        self._check()
        self.states += len(states)
        for partition, state in zip(self._partitions_of(states).tolist(), states, strict=True):
            group = self._groups.setdefault(partition, [])
            group.append(state)
            if len(group) >= self._group_states:
                await self._send_groups((partition,))

    async def flush(self) -> None:
        """Send everything and wait until it is acknowledged.

        Raises:
            Unavailable: a record could not be delivered.
        """
        await self._send_groups()
        for _ in range(self._unacknowledged):
            await self._room.acquire()
        for _ in range(self._unacknowledged):
            self._room.release()
        self._check()

    def _partitions_of(self, states: list[VesselState]) -> IntArray:
        """Return the partition of each state; those without an identity go to partition 0, where ingest rejects them."""
        imo = _column(state.IMO for state in states)
        imo = np.where(ais.are_imo(imo), imo, 0)
        mmsi = _column(state.MMSI for state in states)
        first, second = (imo, mmsi) if self._identity == "imo" else (mmsi, imo)
        vessels = np.where(first > 0, first, second)
        partitions = np.zeros(len(states), dtype=np.int64)
        known = vessels > 0
        partitions[known] = partitions_of(vessels[known], self._partitions)
        return partitions

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._linger_s)
            if self._failure is None:
                await self._send_groups()

    async def _send_groups(self, partitions: Iterable[int] | None = None) -> None:
        async with self._sending:
            for partition in list(self._groups) if partitions is None else partitions:
                group = self._groups.pop(partition, [])
                for start in range(0, len(group), self._group_states):
                    await self._send(partition, group[start : start + self._group_states])

    async def _send(self, partition: int, states: list[VesselState]) -> None:
        value = wire.encode_states(states)
        if len(value) > MAX_RECORD_BYTES and len(states) > 1:
            half = len(states) // 2
            await self._send(partition, states[:half])
            await self._send(partition, states[half:])
            return
        await self._room.acquire()
        try:
            sent = await self._producer.send(TOPIC, value, key=self._key(states), partition=partition)
        except KafkaError as error:
            self._room.release()
            self._failure = error
            self._check()
            return
        self.records += 1
        sent.add_done_callback(lambda future: self._acknowledge(future, len(states)))

    def _key(self, states: list[VesselState]) -> bytes | None:
        """Return the key of the contract for a single state; an array of several vessels has none."""
        state = states[0]
        vessel = vessel_number(imo=state.IMO, mmsi=state.MMSI, identity=self._identity)
        return str(vessel).encode() if vessel and len(states) == 1 else None

    def _acknowledge(self, sent: "asyncio.Future[Any]", states: int) -> None:
        self._room.release()
        if sent.cancelled():
            self._failure = self._failure or asyncio.CancelledError()
        elif sent.exception():
            self._failure = self._failure or sent.exception()
        else:
            self.acknowledged += states

    def _check(self) -> None:
        if self._failure is not None:
            raise Unavailable(f"Kafka did not take a record: {type(self._failure).__name__} {self._failure}")


async def connect(brokers: str, *, identity: Identity = "mmsi") -> Publisher:
    """Return a publisher for the topic as it stands on *brokers*.

    Raises:
        Unavailable: Kafka cannot be reached, or has no such topic.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers.split(","),
        enable_idempotence=True,
        acks="all",
        compression_type="snappy",
        linger_ms=5,
        max_batch_size=_MAX_BATCH_BYTES,
        max_request_size=1_048_576,
        client_id="vesselflow-source",
    )
    try:
        await asyncio.wait_for(producer.start(), _CONNECT_S)
        partitions = await asyncio.wait_for(producer.partitions_for(TOPIC), _CONNECT_S)
    except (KafkaError, OSError, TimeoutError) as error:
        await producer.stop()
        raise Unavailable(
            f"expected Kafka with the topic {TOPIC} at {brokers} (`vesselflow topics create` makes it), got "
            f"{type(error).__name__}: {error}"
        ) from error
    logger.info("connected to %s, %s has %d partitions", brokers, TOPIC, len(partitions))
    return Publisher(producer, partitions=len(partitions), identity=identity)


def _column(numbers: Iterable[int | None]) -> IntArray:
    return np.array([number if number and 0 < number < 10**18 else 0 for number in numbers], dtype=np.int64)


def summary(publisher: Publisher, losses: Mapping[str, int], elapsed_s: float) -> str:
    """Return one line that says what was published."""
    rate = publisher.states / elapsed_s if elapsed_s > 0 else 0.0
    lost = ", ".join(f"{count} {reason}" for reason, count in sorted(losses.items())) or "none"
    return (
        f"published {publisher.states:,} states in {publisher.records:,} records in {elapsed_s:.1f} s "
        f"({rate:,.0f}/s); not usable: {lost}"
    )
