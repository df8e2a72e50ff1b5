"""The outbox: order, bound, and exactly what is acknowledged."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from vesselflow.outbox import MOST_WAITING, Outbox, Outgoing, Sent


class Producer:
    """Takes one record at a time; the test acknowledges."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.deliveries: dict[bytes, asyncio.Future[Any]] = {}
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def send(self, topic: str, key: bytes | None, value: bytes, partition: int | None, *_: Any) -> Any:
        await self.is_open.wait()
        # Longer for the first than for the second: concurrent sends would overtake each other.
        for _turn in range(3 - len(self.taken) % 3):
            await asyncio.sleep(0)
        self.taken.append(value)
        delivery: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.deliveries[value] = delivery
        return delivery


@pytest.fixture
async def producer() -> Producer:
    return Producer()


@pytest.fixture
async def outbox(producer: Producer) -> AsyncIterator[Outbox]:
    app: Any = SimpleNamespace(producer=producer)
    box = Outbox(app)
    task = asyncio.create_task(box.run())
    yield box
    task.cancel()


def letters(text: str) -> list[Outgoing]:
    return [Outgoing("topic", 0, letter.encode()) for letter in text]


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_records_leave_in_the_order_given(producer: Producer, outbox: Outbox) -> None:
    sent, other = Sent(), Sent()

    outbox.put(letters("abc"), sent)
    outbox.put(letters("d"), other)
    outbox.put(letters("ef"), sent)
    await turns()

    assert b"".join(producer.taken) == b"abcdef"


async def test_acknowledged_waits_for_the_slowest_of_what_was_given_before(producer: Producer, outbox: Outbox) -> None:
    # a is in a slow partition; b and c, given later, are through long before.
    sent = Sent()
    outbox.put(letters("a"), sent)
    waits = asyncio.create_task(outbox.acknowledged(sent))
    await turns(1)
    outbox.put(letters("bc"), sent)
    await turns()

    producer.deliveries[b"b"].set_result(None)
    producer.deliveries[b"c"].set_result(None)
    await turns()
    assert not waits.done()

    producer.deliveries[b"a"].set_result(None)
    await turns()
    assert waits.done()


async def test_acknowledged_does_not_wait_for_what_is_given_later(producer: Producer, outbox: Outbox) -> None:
    sent, other = Sent(), Sent()
    outbox.put(letters("a"), sent)
    outbox.put(letters("x"), other)
    waits = asyncio.create_task(outbox.acknowledged(sent))
    await turns(1)
    outbox.put(letters("b"), sent)
    await turns()

    producer.deliveries[b"a"].set_result(None)
    await turns()

    assert waits.done()
    assert not producer.deliveries[b"b"].done()


async def test_nothing_given_is_acknowledged_at_once(outbox: Outbox) -> None:
    await asyncio.wait_for(outbox.acknowledged(Sent()), 1.0)


async def test_a_full_outbox_has_no_room_until_it_is_half_empty(producer: Producer, outbox: Outbox) -> None:
    producer.is_open.clear()
    outbox.put(letters("x" * MOST_WAITING), Sent())

    waits = asyncio.create_task(outbox.room())
    await turns()
    assert not waits.done()

    producer.is_open.set()
    await turns(5 * MOST_WAITING)
    assert waits.done()


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_send_that_fails_for_good_ends_the_process(
    cancelled: bool, producer: Producer, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    outbox.put(letters("a"), Sent())
    await turns()

    if cancelled:
        producer.deliveries[b"a"].cancel()
    else:
        producer.deliveries[b"a"].set_exception(TimeoutError())
    await turns()

    assert exits == [70]
