"""The sink: each event's notifications in Postgres once, whatever happens to it, to Postgres and to Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from faust.types import TP

from tests.agents.conftest import Memory
from tests.agents.standins import FakeOutbox, event, shared
from vesselflow import streams
from vesselflow.agents import sink
from vesselflow.agents.sink import MOST_WAITING, UNKNOWN, Sink, SinkLoop
from vesselflow.core import wire
from vesselflow.core.matching import match
from vesselflow.core.model import Event
from vesselflow.ports import SinkWrite
from vesselflow.rules import rules

APP = streams.settings.app_id
TP0 = TP(streams.events.get_topic_name(), 0)


class Bench:
    """A sink's loop on fakes."""

    def __init__(self, memory: Memory) -> None:
        self.outbox = FakeOutbox()
        self.shared = shared(self.outbox)
        self.reader = self.shared.app.reader
        self.loop = SinkLoop(Sink(), self.shared)
        self.memory = memory

    @property
    def part(self) -> Any:
        return self.loop.parts[0]

    async def start(self) -> None:
        self.loop.open({0})
        await until(lambda: self.part.offset != UNKNOWN)

    async def read(self, *offsets: int) -> None:
        for offset in offsets:
            await self.loop.take(event(offset, wire.encode_events([entered(offset)])))

    def written(self) -> list[str]:
        return [row.notification.event_id for row in self.memory.notifications.rows.values()]

    def published(self) -> list[str]:
        return [message["notification"]["event_id"] for message in self.memory.live.published]

    async def wrote(self, offset: int) -> None:
        await until(lambda: bool(self.part.saved == offset and not self.part.work.queue))


def entered(number: int) -> Event:
    return Event(
        id=f"event-{number}",
        kind="geofence.entered",
        vessel=235_000_001,
        at_ms=number,
        first_fix_ms=number,
        received_ms=number,
        lon_deg=0.0,
        lat_deg=0.0,
        mmsi=235_000_001,
        client_id="client",
        geofence_id="fence",
        geofence_name="Harbour",
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
async def bench(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(sink, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(sink, "LAST_WAIT_S", 0.002)
    made = Bench(memory)
    yield made
    made.loop.close()


async def test_events_are_written_and_then_published(bench: Bench) -> None:
    await bench.start()

    await bench.read(0, 1)
    await bench.wrote(2)

    assert bench.written() == ["event-0", "event-1"]
    assert bench.published() == ["event-0", "event-1"]
    assert await bench.memory.notifications.progress(APP, 0) == 2


async def test_nothing_is_written_before_the_progress_is_known(bench: Bench) -> None:
    bench.memory.notifications.is_down = True
    bench.loop.open({0})
    await bench.read(0)
    assert bench.part.offset == UNKNOWN

    bench.memory.notifications.is_down = False
    await until(lambda: bool(bench.part.offset == 0))

    assert bench.reader.wanted == [(TP0, 0)]


async def test_a_start_reads_on_from_the_progress_in_postgres(bench: Bench) -> None:
    await bench.memory.notifications.write(SinkWrite(APP, 0, None, 7, [], []))

    await bench.start()
    await bench.read(5, 6, 7)
    await bench.wrote(8)

    assert bench.written() == ["event-7"]


async def test_what_was_written_just_before_a_start_is_published_again(bench: Bench) -> None:
    await bench.start()
    await bench.read(0)
    await bench.wrote(1)
    bench.loop.close()
    bench.memory.live.published.clear()

    await bench.start()

    assert bench.published() == ["event-0"]
    assert bench.written() == ["event-0"]


async def test_an_event_that_comes_again_is_written_and_published_once(bench: Bench) -> None:
    await bench.start()
    await bench.read(0)
    await bench.wrote(1)

    await bench.loop.take(event(1, wire.encode_events([entered(0), entered(5)])))
    await bench.wrote(2)

    assert bench.written() == ["event-0", "event-5"]
    assert bench.published() == ["event-0", "event-5"]


async def test_while_postgres_is_away_events_wait(bench: Bench) -> None:
    await bench.start()
    bench.memory.notifications.is_down = True
    await bench.read(0, 1)
    await until(lambda: bench.loop.waits(bench.part))
    assert bench.written() == []

    bench.memory.notifications.is_down = False
    await bench.wrote(2)

    assert bench.written() == ["event-0", "event-1"]
    assert not bench.loop.waits(bench.part)


async def test_while_redis_is_away_events_are_written_all_the_same(bench: Bench) -> None:
    await bench.start()
    bench.memory.live.is_down = True
    await bench.read(0)
    await bench.wrote(1)
    bench.memory.live.is_down = False
    await bench.read(1)
    await bench.wrote(2)

    assert bench.written() == ["event-0", "event-1"]
    assert bench.published() == ["event-1"]


async def test_a_progress_moved_by_another_owner_is_followed(bench: Bench) -> None:
    # This owner is paused after 0 and 1; another writes 0 to 4.
    await bench.start()
    await bench.read(0)
    await bench.wrote(1)
    await bench.memory.notifications.write(SinkWrite(APP, 0, 1, 5, [entered(number).id for number in range(5)], []))

    await bench.read(1)
    await until(lambda: bool(bench.part.offset == 5))
    assert bench.reader.wanted[-1] == (TP0, 5)

    await bench.read(2, 3, 4, 5)
    await bench.wrote(6)
    assert bench.written() == ["event-0", "event-5"]


async def test_a_transaction_whose_answer_was_lost_is_found_done(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # Postgres commits, the connection breaks, and the sink writes the same again.
    store = bench.memory.notifications
    write, losses = store.write, [1]

    async def lose_the_answer(one: SinkWrite) -> Any:
        written = await write(one)
        if losses:
            losses.pop()
            store.is_down = True
            asyncio.get_running_loop().call_later(0.01, setattr, store, "is_down", False)
            store.check()
        return written

    monkeypatch.setattr(store, "write", lose_the_answer)
    await bench.start()

    await bench.read(0)
    await until(lambda: bool(bench.part.saved == 1))
    await bench.read(1)
    await bench.wrote(2)

    assert bench.written() == ["event-0", "event-1"]


async def test_a_full_queue_makes_the_agent_wait(bench: Bench) -> None:
    await bench.start()
    bench.memory.notifications.is_down = True
    await bench.read(*range(MOST_WAITING - 1))

    last = asyncio.create_task(bench.read(MOST_WAITING - 1))
    await asyncio.sleep(0.01)
    assert not last.done()

    bench.memory.notifications.is_down = False
    async with asyncio.timeout(5.0):
        await last
    await bench.wrote(MOST_WAITING)
    assert len(bench.written()) == MOST_WAITING


async def test_partitions_that_go_stop_being_written(bench: Bench) -> None:
    await bench.start()
    bench.memory.notifications.is_down = True
    await bench.read(0)

    bench.loop.close()
    bench.memory.notifications.is_down = False
    await asyncio.sleep(0.02)

    assert bench.written() == []


async def test_a_record_that_is_no_event_goes_to_the_dead_letters(bench: Bench) -> None:
    await bench.start()

    await bench.loop.take(event(0, b"no event"))
    await bench.read(1)
    await bench.wrote(2)

    assert [each.topic for each in bench.outbox.waiting] == [streams.dead_letters.get_topic_name()]
    assert bench.written() == ["event-1"]


async def test_an_event_that_crashes_the_matching_goes_to_the_dead_letters(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash_on_one(one: Event, clients: Any) -> Any:
        if one.id == "event-1":
            raise RuntimeError("event 1")
        return match(one, clients)

    monkeypatch.setattr("vesselflow.agents.sink.match", crash_on_one)
    await bench.start()

    await bench.read(0, 1, 2)
    await bench.wrote(3)

    (letter,) = [wire.decode_dead_letter(each.value) for each in bench.outbox.waiting]
    assert (letter.reason, letter.offset) == ("crash", 1)
    assert "RuntimeError: event 1" in (letter.traceback or "")
    assert bench.written() == ["event-0", "event-2"]


async def test_a_writer_that_fails_ends_the_worker(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)

    async def fail(one: SinkWrite) -> Any:
        raise RuntimeError("a mistake of ours")

    await bench.start()
    monkeypatch.setattr(bench.memory.notifications, "write", fail)
    await bench.read(0)
    await until(lambda: bool(exits))

    assert exits == [70]


async def test_events_that_end_before_the_progress_end_the_worker(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    await bench.start()
    await bench.read(0, 1, 2)
    await bench.wrote(3)

    bench.reader.log_end = 2
    bench.loop.open({0})
    await until(lambda: bool(exits))

    assert exits == [70]


async def test_the_sink_waits_for_the_preferences(bench: Bench) -> None:
    rules.loaded.clear()
    bench.loop.open({0})
    await asyncio.sleep(0.01)
    assert bench.part.offset == UNKNOWN

    rules.loaded.set()
    await until(lambda: bool(bench.part.offset == 0))
