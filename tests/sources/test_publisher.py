import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from vesselflow.core.errors import Unavailable
from vesselflow.core.model import Identity, VesselState
from vesselflow.core.partition import partition_of
from vesselflow.core.wire import decode_states
from vesselflow.sources.publisher import MAX_RECORD_BYTES, Publisher


class Log:
    """A producer that keeps what it is sent; acknowledges at once, when told to, or never but with *error*."""

    def __init__(self, *, at_once: bool = True, error: Exception | None = None) -> None:
        self.records: list[tuple[int, list[VesselState]]] = []
        self.keys: list[bytes | None] = []
        self.waiting: list[asyncio.Future[Any]] = []
        self.at_once, self.error = at_once, error
        self.stopped = False
        self.arrived = asyncio.Event()

    async def send(
        self, topic: str, value: bytes | None = None, key: bytes | None = None, partition: int | None = None
    ) -> "asyncio.Future[Any]":
        assert topic == "vessel.state.changed"
        assert value is not None
        assert partition is not None
        assert len(value) <= MAX_RECORD_BYTES
        self.records.append((partition, decode_states(value)))
        self.keys.append(key)
        self.arrived.set()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.error:
            future.set_exception(self.error)
        elif self.at_once:
            future.set_result(None)
        else:
            self.waiting.append(future)
        return future

    async def stop(self) -> None:
        self.stopped = True


def states(*mmsi: int) -> list[VesselState]:
    return [VesselState(MMSI=number, Timestamp=place) for place, number in enumerate(mmsi)]


def publisher(log: Log, *, identity: Identity = "mmsi", unacknowledged: int = 64) -> Publisher:
    return Publisher(log, partitions=6, identity=identity, linger_s=60.0, unacknowledged=unacknowledged)


async def test_a_vessels_states_go_to_its_partition_in_order() -> None:
    log = Log()
    ships = [235000000 + number % 40 for number in range(2000)]

    async with publisher(log) as one:
        await one.publish(states(*ships))

    seen: dict[int, list[Any]] = {}
    for partition, group in log.records:
        assert len(group) <= 500
        for state in group:
            assert state.MMSI is not None
            assert partition == partition_of(state.MMSI, 6)
            seen.setdefault(state.MMSI, []).append(state.Timestamp)
    assert sum(map(len, seen.values())) == 2000
    assert all(places == sorted(places) for places in seen.values())
    assert (one.states, one.acknowledged, log.stopped) == (2000, 2000, True)


async def test_the_plans_states_go_by_their_imo_number() -> None:
    log = Log()

    async with publisher(log, identity="imo") as one:
        await one.publish([VesselState(IMO=9074729, MMSI=235012345)])

    assert [partition for partition, _ in log.records] == [partition_of(9074729, 6)]
    assert log.keys == [b"9074729"]


async def test_a_state_without_identity_is_sent_too() -> None:
    log = Log()

    async with publisher(log) as one:
        await one.publish([VesselState(VesselName="GHOST"), VesselState(MMSI=-1), VesselState(IMO=2**70)])

    assert [(partition, len(group)) for partition, group in log.records] == [(0, 3)]


async def test_what_waits_goes_after_the_linger() -> None:
    log = Log()

    async with Publisher(log, partitions=6, linger_s=0.001) as one:
        await one.publish(states(235012345))
        await asyncio.wait_for(log.arrived.wait(), 5)

    assert len(log.records) == 1


async def test_a_record_never_grows_too_large() -> None:
    log = Log()
    large = [VesselState(MMSI=235012345, VesselName="X" * 10_000) for _ in range(500)]

    async with publisher(log) as one:
        await one.publish(large)

    assert sum(len(group) for _, group in log.records) == 500


async def test_publishing_waits_while_too_much_is_on_its_way() -> None:
    log = Log(at_once=False)
    one = publisher(log, unacknowledged=2)

    task = asyncio.create_task(one.publish(states(*[235012345] * 2000)))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (len(log.records), task.done()) == (2, False)
    while not task.done():
        for future in log.waiting:
            if not future.done():
                future.set_result(None)
        await asyncio.sleep(0)

    assert len(log.records) == 4


async def test_a_record_that_is_not_delivered_is_an_error_not_a_loss() -> None:
    one = publisher(Log(error=KafkaTimeoutError()))

    with pytest.raises(Unavailable, match="Kafka did not take a record"):
        async with one:
            await one.publish(states(235012345))
