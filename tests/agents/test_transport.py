"""The consumer's seeks: what is asked for, what comes first after one, and what that proves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError
from faust.types import TP

from vesselflow.transport import PAUSE_BYTES, Consumer

TP0, TP1 = TP("records", 0), TP("records", 1)


class Quiet(Consumer):
    """The consumer without Faust below it: it remembers its seeks, and delivers into a list."""

    def __init__(self) -> None:
        self._pumps = {}
        self._wanted = {}
        self._sought = {}
        self._first_after_seek = {}
        self.flow_active = True
        self.app: Any = SimpleNamespace(in_recovery=False)
        self.seeks: list[dict[TP, int]] = []
        self.lost: set[TP] = set()
        self.paused: set[TP] = set()
        self.delivered: list[int] = []
        self.has_room = asyncio.Event()
        self.has_room.set()

    def add_future(self, coro: Any) -> Any:
        return asyncio.ensure_future(coro)

    def assignment(self) -> set[TP]:
        return {TP0, TP1}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        if self.lost & set(partitions):
            raise IllegalStateError("not assigned")
        self.seeks.append(dict(partitions))

    def _is_changelog_tp(self, tp: TP) -> bool:
        return False

    def on_buffer_full(self, tp: TP) -> None:
        self.paused.add(tp)

    def on_buffer_drop(self, tp: TP) -> None:
        self.paused.discard(tp)

    async def deliver(self, message: Any) -> None:
        await self.has_room.wait()
        self.delivered.append(message.offset)

    async def fetch(self, *offsets: int, size: int = 1) -> None:
        for offset in offsets:
            message: Any = SimpleNamespace(tp=TP0, offset=offset, value=b"x" * size)
            await self._hand_on(TP0, message)


@pytest.fixture
async def consumer() -> Quiet:
    return Quiet()


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_smallest_offset_that_any_agent_wants_is_sought_once(consumer: Quiet) -> None:
    consumer.want(TP0, 50)
    consumer.want(TP0, 40)
    consumer.want(TP1, 7)
    consumer.want(TP0, 45)

    await consumer._seek_wanted()
    await consumer._seek_wanted()

    assert consumer.seeks == [{TP0: 40, TP1: 7}]


async def test_what_is_not_assigned_is_not_sought(consumer: Quiet) -> None:
    consumer.want(TP("others", 3), 50)

    await consumer._seek_wanted()

    assert consumer.seeks == []


async def test_the_first_record_after_a_seek_is_known(consumer: Quiet) -> None:
    consumer.want(TP0, 40)
    await consumer._seek_wanted()
    assert consumer.first_after_seek(TP0, 40) is None

    await consumer.fetch(43, 44)

    assert consumer.first_after_seek(TP0, 40) == 43


async def test_a_seek_tells_nothing_about_what_lies_before_it(consumer: Quiet) -> None:
    # One agent wants 50, another expects 40: that 50 comes first does not say that 40 to 49 are gone.
    consumer.want(TP0, 50)
    await consumer._seek_wanted()
    await consumer.fetch(50)

    assert consumer.first_after_seek(TP0, 40) is None
    assert consumer.first_after_seek(TP0, 50) == 50
    assert consumer.first_after_seek(TP0, 55) == 50


async def test_without_a_seek_no_record_is_the_first_after_one(consumer: Quiet) -> None:
    await consumer.fetch(7)

    assert consumer.first_after_seek(TP0, 0) is None
    assert consumer.first_after_seek(TP0, 7) is None


async def test_a_partition_that_was_taken_away_meanwhile_ends_nothing(consumer: Quiet) -> None:
    consumer.lost = {TP0}
    consumer.want(TP0, 40)

    await consumer._seek_wanted()
    await consumer.fetch(60)

    assert consumer.first_after_seek(TP0, 40) is None


async def test_records_are_handed_on_in_order(consumer: Quiet) -> None:
    await consumer.fetch(1, 2, 3)
    await turns()

    assert consumer.delivered == [1, 2, 3]


async def test_a_partition_whose_agents_are_busy_is_paused_until_they_caught_up(consumer: Quiet) -> None:
    consumer.has_room.clear()
    await consumer.fetch(*range(10), size=PAUSE_BYTES // 8)
    assert consumer.paused == {TP0}

    consumer.has_room.set()
    await turns(50)

    assert consumer.delivered == list(range(10))
    assert consumer.paused == set()


async def test_a_seek_forgets_what_waits_and_ends_the_pause(consumer: Quiet) -> None:
    consumer.has_room.clear()
    await consumer.fetch(*range(10), size=PAUSE_BYTES // 8)
    await turns()

    consumer.want(TP0, 0)
    await consumer._seek_wanted()
    consumer.has_room.set()
    await consumer.fetch(0, 1)
    await turns()

    # The one that was being handed on comes twice; the agents know what they have.
    assert consumer.delivered == [0, 0, 1]
    assert consumer.paused == set()
    assert consumer.seeks == [{TP0: 0}]


def test_the_end_of_a_log_that_is_not_ours_any_more_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, tp: TP) -> int:
        raise AssertionError("Partition is not assigned")

    monkeypatch.setattr("faust.transport.consumer.ThreadDelegateConsumer.highwater", refuse)

    assert Consumer.highwater(Quiet.__new__(Quiet), TP0) == 0
