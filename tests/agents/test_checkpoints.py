"""A checkpoint writes what the broker has the results of, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.agents.loops import Bench, Keeping, Kept, restarted, turns, until, with_progress
from tests.agents.standins import FakeOutbox, MemoryRows, finish, shared
from vesselflow.loop import Loop
from vesselflow.stage import Part


class Slow(FakeOutbox):
    """An outbox whose broker acknowledges when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_acknowledged = asyncio.Event()

    async def acknowledged(self, sent: Any) -> None:
        await self.is_acknowledged.wait()


async def test_nothing_is_written_before_the_broker_has_what_was_sent() -> None:
    outbox = Slow()
    bench = Bench(outbox=outbox)
    bench.read(0, 1)

    checkpoint = asyncio.create_task(bench.loop.checkpoint(bench.part))
    await turns()
    assert restarted(bench)[0] is None

    outbox.is_acknowledged.set()
    await checkpoint
    start, part = restarted(bench)
    assert (start, part.work.values) == (2, [b"0", b"1"])


async def test_a_process_that_dies_while_it_waits_has_written_nothing() -> None:
    bench = Bench(outbox=Slow())
    bench.read(0, 1)

    checkpoint = asyncio.create_task(bench.loop.checkpoint(bench.part))
    await turns()
    checkpoint.cancel()
    await turns()

    start, part = restarted(bench)
    assert (start, part.work.values) == (None, [])


async def test_records_read_while_a_checkpoint_waits_are_not_in_it() -> None:
    outbox = Slow()
    bench = Bench(outbox=outbox)
    bench.read(0, 1)

    checkpoint = asyncio.create_task(bench.loop.checkpoint(bench.part))
    await turns()
    bench.read(2)
    outbox.is_acknowledged.set()
    await checkpoint

    start, part = restarted(bench)
    assert (start, part.work.values) == (2, [b"0", b"1"])
    assert bench.part.saved == 2


def test_a_checkpoint_sends_first_what_is_coalescing() -> None:
    bench = Bench()
    bench.read(0)
    bench.stage.coalesced = [b"waited for company"]

    finish(bench.loop.checkpoint(bench.part))

    assert [each.value for each in bench.outbox.sent] == [b"0", b"waited for company"]


def test_the_rows_are_written_before_the_progress() -> None:
    rows = MemoryRows(takes_at_once=False)
    bench = Bench(Keeping(rows))
    bench.read(0)

    finish(bench.loop.checkpoint(bench.part))

    assert [key for key, _ in rows.backlog] == [(0, 0), (0, None)]


def test_without_a_new_record_nothing_is_written() -> None:
    rows = MemoryRows(takes_at_once=False)
    bench = Bench(Keeping(rows))
    finish(bench.loop.checkpoint(bench.part))
    assert rows.backlog == []

    bench.read(0)
    finish(bench.loop.checkpoint(bench.part))
    finish(bench.loop.checkpoint(bench.part))
    assert len(rows.backlog) == 2


def test_a_replay_writes_nothing_before_it_has_caught_up() -> None:
    # A10 ... cut off: row 0 includes everything below 3
    rows = MemoryRows(takes_at_once=False)
    bench = Bench(Keeping(rows))
    bench.part.until = 3

    bench.read(0, 1)
    finish(bench.loop.checkpoint(bench.part))
    assert rows.backlog == []

    bench.read(2)
    finish(bench.loop.checkpoint(bench.part))
    assert len(rows.backlog) == 2


class OfTwoTables(Keeping):
    """Two states in a table each, as the activity has them."""

    def __init__(self, first: MemoryRows, second: MemoryRows) -> None:
        super().__init__(first)
        self.tables = {"first": first, "second": second}

    def open(self, partition: int) -> Part:
        rows = {name: Kept() for name in self.tables}
        return Part(partition, rows=rows, work=rows["second"])


@pytest.mark.parametrize("order", [(20, 30), (30, 20)])
def test_an_agent_of_two_tables_starts_at_the_smaller_progress(order: tuple[int, int]) -> None:
    loop = Loop(OfTwoTables(with_progress(order[0]), with_progress(order[1])), shared())

    assert loop.open({0}) == {0: 20}
    assert loop.parts[0].until == 30
    assert loop.parts[0].origins == {0: (20, 0)}


@pytest.mark.parametrize("is_first", [True, False])
def test_an_agent_one_of_whose_tables_is_empty_starts_at_the_logs_beginning(is_first: bool) -> None:
    tables = [with_progress(20), MemoryRows()]
    loop = Loop(OfTwoTables(*(reversed(tables) if is_first else tables)), shared())

    assert loop.open({0}) == {0: None}
    assert loop.parts[0].origins == {}


async def test_settled_waits_for_the_changelog() -> None:
    rows = MemoryRows(takes_at_once=False)
    bench = Bench(Keeping(rows))
    bench.read(0)

    settled = asyncio.create_task(bench.loop.settled(bench.part))
    await turns()

    assert not settled.done()
    settled.cancel()


async def test_checkpoints_come_by_themselves() -> None:
    bench = Bench()
    bench.read(0)

    task = asyncio.create_task(bench.loop.keep_checkpoints())
    await until(lambda: bench.part.saved == 1)
    task.cancel()

    assert restarted(bench)[0] == 1


async def test_ticks_come_by_themselves_until_the_loop_stops() -> None:
    bench = Bench()
    task = asyncio.create_task(bench.loop.keep_time())
    await until(lambda: bench.stage.ticks > 2)

    bench.loop.stopping = True
    await turns()
    before = bench.stage.ticks
    await asyncio.sleep(3 * bench.stage.tick_s)
    task.cancel()

    assert bench.stage.ticks == before
