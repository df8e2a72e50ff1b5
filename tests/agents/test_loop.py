"""The loop that loses nothing: in order or not at all, dead letters, and checkpoints that come after what they follow from."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from faust.types import TP

from tests.agents.standins import Changelog, FakeOutbox, FakeTopic, Fix, MemoryRows, event, finish, record_of, shared
from vesselflow import streams
from vesselflow.agents.detecting import split_by_vessel
from vesselflow.core import wire
from vesselflow.core.errors import InvalidRecord, VesselflowError
from vesselflow.core.model import DeadLetter
from vesselflow.dead_letters import dead_letter
from vesselflow.loop import Loop
from vesselflow.outbox import Outbox, Outgoing
from vesselflow.stage import Part, Record
from vesselflow.state import Ledger, advance, drop_seen
from vesselflow.worker import Worker

TP0 = TP("records", 0)


class Kept:
    """A working state of one row: the values that were read."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.values: list[bytes] = []

    def load(self, number: int, body: bytes) -> None:
        self.values = msgspec.json.decode(body, type=list[bytes])

    def changed(self) -> Any:
        return iter([(0, msgspec.json.encode(self.values))])


class Keeping:
    """A stage that keeps every value and sends it on; a value that starts with X crashes it, one with I is invalid."""

    name = "keeping"
    checkpoint_s = 0.01
    tick_s = 0.01

    def __init__(self, rows: MemoryRows | None = None, *, topic: str = "records") -> None:
        self.topic = FakeTopic(topic)
        self.tables: Mapping[str, Any] = {"state": rows or MemoryRows()}
        self.tries = 0
        self.coalesced: list[bytes] = []
        self.ticks = 0

    def open(self, partition: int) -> Part:
        kept = Kept()
        return Part(partition, rows={"state": kept}, work=kept)

    def work(self, part: Part, record: Record) -> list[Outgoing]:
        self.tries += 1
        if record.value.startswith(b"X"):
            raise RuntimeError("crash on purpose")
        if record.value.startswith(b"I"):
            raise InvalidRecord("no-good", "expected something else")
        part.work.values.append(record.value)
        return [Outgoing("out", 0, record.value)]

    def split(self, record: Record) -> list[Record]:
        return [record]

    def flush(self, part: Part) -> list[Outgoing]:
        return [Outgoing("out", 0, value) for value in self.coalesced]

    def tick(self, part: Part) -> list[Outgoing]:
        self.ticks += 1
        return []


class Bench:
    """One loop on fakes, partition 0 open and expecting offset 0."""

    def __init__(self, stage: Any = None, outbox: Any = None) -> None:
        self.stage = stage or Keeping()
        self.outbox = outbox or FakeOutbox()
        self.shared = shared(self.outbox)
        self.reader = self.shared.app.reader
        self.loop = Loop(self.stage, self.shared)
        self.loop.open({0})

    @property
    def part(self) -> Part:
        return self.loop.parts[0]

    def read(self, *offsets: int, value: bytes | None = None) -> None:
        for offset in offsets:
            finish(self.loop.take(event(offset, str(offset).encode() if value is None else value)))

    @property
    def read_values(self) -> list[int]:
        return [int(value) for value in self.part.work.values]

    def letters(self) -> list[DeadLetter]:
        topic = streams.dead_letters.get_topic_name()
        return [wire.decode_dead_letter(each.value) for each in self.outbox.waiting if each.topic == topic]


# Reading.


def test_records_are_worked_on_in_order() -> None:
    bench = Bench()

    bench.read(0, 1, 2)

    assert bench.read_values == [0, 1, 2]
    assert bench.part.offset == 3


def test_a_record_below_the_expected_one_is_done_already() -> None:
    bench = Bench()
    bench.read(0, 1, 2)

    bench.read(0, 1, 2, 3)

    assert bench.read_values == [0, 1, 2, 3]
    assert bench.reader.wanted == []


def test_a_gap_asks_for_the_expected_record_once_and_drops_the_rest() -> None:
    # expects 2; 5 6 7 come
    bench = Bench()
    bench.read(0, 1)

    bench.read(5, 6, 7)

    assert bench.reader.wanted == [(TP0, 2)]
    assert bench.read_values == [0, 1]


def test_the_record_that_was_asked_for_ends_the_gap() -> None:
    bench = Bench()
    bench.read(0, 5)

    bench.read(1, 2, 3, 4, 5)
    bench.read(9)

    assert bench.read_values == [0, 1, 2, 3, 4, 5]
    assert bench.reader.wanted == [(TP0, 1), (TP0, 6)]


def test_a_seek_that_brought_nothing_is_repeated_after_its_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    now = time.monotonic()
    bench.read(0, 5)

    monkeypatch.setattr(time, "monotonic", lambda: now + 0.5)
    bench.loop.seek_again(1.0)
    assert bench.reader.wanted == [(TP0, 1)]

    monkeypatch.setattr(time, "monotonic", lambda: now + 2.0)
    bench.loop.seek_again(1.0)
    assert bench.reader.wanted == [(TP0, 1), (TP0, 1)]


def test_a_seek_is_not_repeated_once_its_record_came(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    now = time.monotonic()
    bench.read(0, 5, 1)
    bench.reader.ends[TP0] = 2

    monkeypatch.setattr(time, "monotonic", lambda: now + 2.0)
    bench.loop.seek_again(1.0)

    assert bench.reader.wanted == [(TP0, 1)]


def test_records_at_the_logs_end_that_never_came_are_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    # The log holds 0 to 4; Faust dropped 1 to 4, and nothing later will tell.
    bench = Bench()
    now = time.monotonic()
    bench.read(0)
    bench.reader.ends[TP0] = 5

    monkeypatch.setattr(time, "monotonic", lambda: now + 2.0)
    bench.loop.seek_again(1.0)

    assert bench.reader.wanted == [(TP0, 1)]


def test_a_seek_to_the_logs_end_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    # The sink seeks to its progress, and no event has come since.
    bench = Bench()
    now = time.monotonic()
    bench.loop.seek(bench.part)
    bench.reader.ends[TP0] = 0

    monkeypatch.setattr(time, "monotonic", lambda: now + 2.0)
    bench.loop.seek_again(1.0)

    assert bench.reader.wanted == [(TP0, 0)]


def test_records_that_wait_for_the_agent_are_not_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    now = time.monotonic()
    bench.read(0)
    bench.reader.ends[TP0] = 5
    bench.reader.busy.add(TP0)

    monkeypatch.setattr(time, "monotonic", lambda: now + 2.0)
    bench.loop.seek_again(1.0)

    assert bench.reader.wanted == []


def test_a_hole_is_accepted_when_it_is_what_a_seek_to_its_beginning_brings() -> None:
    # The log holds 0 1 and then 5: retention, or a transaction's marker.
    bench = Bench()
    bench.read(0, 1, 5)

    bench.reader.sought[TP0] = (2, 5)
    bench.read(5, 6)

    assert bench.read_values == [0, 1, 5, 6]


def test_a_later_record_than_the_first_after_the_seek_is_no_proof_of_a_hole() -> None:
    bench = Bench()
    bench.read(0, 1, 5)

    bench.reader.sought[TP0] = (2, 2)
    bench.read(6)

    assert bench.read_values == [0, 1]


def test_the_first_record_after_a_seek_for_another_agent_is_no_proof_of_a_hole() -> None:
    # This agent expects 2, another one expects 5; both were given 8, and the seek for the other one came first.
    bench = Bench()
    bench.read(0, 1, 8)

    bench.reader.sought[TP0] = (5, 5)
    bench.read(5, 6, 7)
    assert bench.read_values == [0, 1]

    bench.reader.sought[TP0] = (2, 2)
    bench.read(2, 3, 4, 5)
    assert bench.read_values == [0, 1, 2, 3, 4, 5]


def test_a_record_of_a_partition_that_is_gone_is_dropped() -> None:
    bench = Bench()
    part = bench.part
    bench.loop.close()

    bench.read(0)

    assert part.work.values == []


def test_a_stopping_loop_takes_no_more_records() -> None:
    bench = Bench()
    bench.loop.stopping = True

    bench.read(0)

    assert bench.read_values == []


# Dead letters.


def test_an_invalid_record_is_set_aside_and_the_stream_goes_on() -> None:
    bench = Bench()
    bench.read(0)

    bench.read(1, value=b"I am bad")
    bench.read(2)

    (letter,) = bench.letters()
    assert bench.read_values == [0, 2]
    assert (letter.reason, letter.topic, letter.partition, letter.offset) == (
        "no-good: expected something else",
        "records",
        0,
        1,
    )
    assert letter.payload == "I am bad"
    assert bench.stage.tries == 3


def test_a_crashing_record_is_tried_again_and_then_set_aside_with_its_traceback() -> None:
    bench = Bench()

    bench.read(0, value=b"X")
    bench.read(1)

    (letter,) = bench.letters()
    assert bench.stage.tries == 5  # three times whole, once in pieces, and the next record
    assert letter.reason == "crash"
    assert letter.traceback is not None
    assert "RuntimeError: crash on purpose" in letter.traceback
    assert bench.read_values == [1]


class PerVessel(Keeping):
    """A stage over positions that crashes on vessel 13, and keeps origins as detectors do."""

    def work(self, part: Part, record: Record) -> list[Outgoing]:
        batch = wire.decode_positions(record.value)
        if 13 in batch.vessel:
            raise RuntimeError("vessel 13")
        fresh = drop_seen(batch, part.origins)
        part.work.values += [b"%d" % vessel for vessel in fresh.vessel.tolist()]
        part.origins = advance(part.origins, batch)
        return []

    def split(self, record: Record) -> list[Record]:
        return split_by_vessel(record)


def test_only_the_crashing_vessels_part_is_set_aside() -> None:
    bench = Bench(PerVessel())
    fixes = [Fix(vessel, offset=4, index=index) for index, vessel in enumerate((1, 13, 2, 1, 13, 3))]

    bench.read(0, value=record_of(*fixes))

    (letter,) = bench.letters()
    assert sorted(bench.read_values) == [1, 1, 2, 3]
    assert letter.reason == "crash"
    assert "vessel 13" in (letter.traceback or "")
    assert bench.part.origins == {0: (4, 5)}


def test_positions_after_a_crashing_one_are_known_when_they_come_again() -> None:
    bench = Bench(PerVessel())
    fixes = [Fix(vessel, offset=4, index=index) for index, vessel in enumerate((1, 13, 2))]
    bench.read(0, value=record_of(*fixes))

    bench.read(1, value=record_of(fixes[0], fixes[2]))

    assert sorted(bench.read_values) == [1, 2]


class Uncuttable(Keeping):
    def split(self, record: Record) -> list[Record]:
        raise RuntimeError("cannot be read")


def test_a_record_that_cannot_even_be_cut_is_set_aside_whole() -> None:
    bench = Bench(Uncuttable())

    bench.read(0, value=b"X")
    bench.read(1)

    assert [letter.reason for letter in bench.letters()] == ["crash"]
    assert bench.read_values == [1]


@pytest.mark.parametrize("byte", [b"\x00", b"\xff", b'"', b"a"])
def test_a_dead_letter_has_at_most_64_kb_whatever_it_holds(byte: bytes) -> None:
    record = Record("records", 0, 0, 0, byte * 200_000)

    letter = dead_letter(record, "crash", detail="d" * 100_000, trace="t" * 100_000)

    assert len(letter.value) <= 65_536
    assert wire.decode_dead_letter(letter.value).payload


def test_a_dead_letter_keeps_the_end_of_the_traceback() -> None:
    trace = "Traceback\n" + "a line\n" * 5000 + "KeyError: 'the cause'"

    letter = wire.decode_dead_letter(dead_letter(Record("records", 0, 0, 0, b""), "crash", trace=trace).value)

    assert (letter.traceback or "").endswith("KeyError: 'the cause'")


# Checkpoints.


class Slow(FakeOutbox):
    """An outbox whose broker acknowledges when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_acknowledged = asyncio.Event()

    async def acknowledged(self, sent: Any) -> None:
        await self.is_acknowledged.wait()


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def restarted(bench: Bench) -> tuple[int | None, Part]:
    """Return where another process starts that finds what the broker has."""
    rows: MemoryRows = bench.stage.tables["state"]
    loop = Loop(Keeping(MemoryRows(rows.changelog)), shared())
    return loop.open({0})[0], loop.parts[0]


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


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.001)


# All loops together.


class Signal:
    def __init__(self) -> None:
        self.receivers: list[Any] = []

    def connect(self, receiver: Any) -> None:
        self.receivers.append(receiver)


class FakeApp:
    """Faust's app as far as `Worker` looks at it."""

    def __init__(self, *, earliest: int = 0, end: int = 100) -> None:
        self.starts: Any = None
        self.before_stop: list[Any] = []
        self.on_partitions_revoked = Signal()
        self.stopped_clean = False
        self.consumer = self.reader = shared().app.consumer
        self.consumer.earliest_offsets = self._all(earliest)
        self.consumer.highwaters = self._all(end)
        self.producer = SimpleNamespace()

    def _all(self, offset: int) -> Any:
        async def answer(*partitions: TP) -> dict[TP, int]:
            return dict.fromkeys(partitions, offset)

        return answer


def worker_of(app: Any, *stages: Any) -> Worker:
    worker = Worker(app, stall_exit_s=60.0)
    for stage in stages:
        worker.add(Loop(stage, worker))
    return worker


def with_progress(offset: int) -> MemoryRows:
    """Return a table that a process has checkpointed at *offset*."""
    rows = MemoryRows(Changelog())
    bench = Bench(Keeping(rows))
    bench.part.offset, bench.part.origins = offset - 1, {0: (offset, 0)}
    bench.read(offset - 1)
    finish(bench.loop.checkpoint(bench.part))
    return rows


async def test_a_partition_starts_where_the_last_of_its_agents_is() -> None:
    app = FakeApp()
    worker = worker_of(app, Keeping(with_progress(30)), Keeping(with_progress(20)))

    starts = await app.starts({TP0})

    assert starts == {TP0: 20}
    assert [loop.parts[0].offset for loop in worker.loops] == [30, 20]


async def test_an_agent_without_progress_starts_at_the_logs_beginning() -> None:
    app = FakeApp(earliest=7)
    worker = worker_of(app, Keeping(with_progress(30)), Keeping())

    starts = await app.starts({TP0})

    assert starts == {TP0: 7}
    assert [loop.parts[0].offset for loop in worker.loops] == [30, 7]


async def test_a_log_that_ends_below_a_progress_stops_the_worker() -> None:
    app = FakeApp(end=12)
    worker_of(app, Keeping(with_progress(30)))

    with pytest.raises(VesselflowError, match="expects records/0 to reach offset 30, but it ends at 12"):
        await app.starts({TP0})


async def test_a_topic_of_which_only_the_newest_counts_starts_at_its_end() -> None:
    app = FakeApp(end=40)
    worker = worker_of(app, Keeping(with_progress(30)))
    worker.read_newest_only("newest")

    starts = await app.starts({TP0, TP("newest", 0)})

    assert starts == {TP0: 30, TP("newest", 0): 40}


async def opened(app: FakeApp, rows: MemoryRows) -> tuple[Worker, Loop]:
    """Return a worker whose one loop has read one record that was sent."""
    worker = worker_of(app, Keeping(rows))
    await app.starts({TP0})
    (loop,) = worker.loops
    part = loop.parts[0]
    part.event, part.offset = event(0), 1
    part.work.values.append(b"0")
    return worker, loop


async def test_partitions_are_checkpointed_before_they_go() -> None:
    app, rows = FakeApp(), MemoryRows()
    worker, loop = await opened(app, rows)

    await worker.revoked(app, {TP0})

    assert rows.read({0})[0][1] is not None
    assert loop.parts == {}


async def test_a_worker_whose_checkpoint_hangs_at_a_rebalance_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    app, rows = FakeApp(), MemoryRows(takes_at_once=False)
    worker, _ = await opened(app, rows)
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    monkeypatch.setattr("vesselflow.worker.REVOKE_S", 0.01)

    await worker.revoked(app, {TP0})

    assert exits == [70]


async def test_a_stop_checkpoints_and_then_allows_the_local_state(monkeypatch: pytest.MonkeyPatch) -> None:
    app, rows = FakeApp(), MemoryRows()
    worker, loop = await opened(app, rows)
    worker.also(asyncio.sleep(60))

    await worker.stop()

    assert app.stopped_clean
    assert loop.stopping
    assert rows.read({0})[0][1] is not None


async def test_a_stop_without_acknowledgement_forbids_the_local_state(monkeypatch: pytest.MonkeyPatch) -> None:
    app, rows = FakeApp(), MemoryRows(takes_at_once=False)
    worker, _ = await opened(app, rows)
    worker.also(asyncio.sleep(60))
    monkeypatch.setattr("vesselflow.worker.STOP_S", 0.01)

    await worker.stop()

    assert not app.stopped_clean


async def test_a_task_that_fails_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    app: Any = FakeApp()
    worker = worker_of(app)

    async def fail() -> None:
        raise RuntimeError("disk full")

    worker.also(fail())
    await turns()

    assert exits == [70]


async def stalled(app: FakeApp) -> tuple[Worker, Part]:
    """Return a worker with one part that has a lag of 70 and has not moved for an hour."""
    app.reader.ends[TP0] = 100
    worker = worker_of(app, Keeping(with_progress(30)))
    await app.starts({TP0})
    part = worker.loops[0].parts[0]
    part.moved_at -= 3600
    return worker, part


async def test_a_loop_that_stalls_with_lag_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    worker, _ = await stalled(FakeApp())

    worker._look(time.monotonic())

    assert exits == [70]


async def test_a_loop_without_lag_may_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    worker, part = await stalled(FakeApp())
    part.offset = 100

    worker._look(time.monotonic())

    assert exits == []


async def test_who_waited_for_the_outside_has_its_time_anew_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    worker, _ = await stalled(FakeApp())
    is_away = [True]
    worker.waits.append(lambda: bool(is_away))
    now = time.monotonic()
    worker._look(now)

    is_away.clear()
    worker._look(now + 1.0)
    assert exits == []

    worker._look(now + 3600.0)
    assert exits == [70]


async def test_the_loop_runs_on_the_real_outbox() -> None:
    # Sent in order, and written only when the one delivery is confirmed.
    delivery: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def send(*_: Any) -> asyncio.Future[None]:
        return delivery

    app: Any = SimpleNamespace(producer=SimpleNamespace(send=send))
    outbox = Outbox(app)
    sending = asyncio.create_task(outbox.run())
    bench = Bench(outbox=outbox)
    await bench.loop.take(event(0, b"0"))

    checkpoint = asyncio.create_task(bench.loop.checkpoint(bench.part))
    await turns()
    assert restarted(bench)[0] is None

    delivery.set_result(None)
    await checkpoint
    assert restarted(bench)[0] == 1
    sending.cancel()
