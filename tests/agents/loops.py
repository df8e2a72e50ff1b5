"""A loop on fakes, and a stage that only keeps what it saw."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from faust.types import TP

from tests.agents.standins import Changelog, FakeOutbox, FakeTopic, MemoryRows, event, finish, shared
from vesselflow import streams
from vesselflow.core import wire
from vesselflow.core.errors import InvalidRecord
from vesselflow.core.model import DeadLetter
from vesselflow.loop import Loop
from vesselflow.outbox import Outgoing
from vesselflow.stage import Part, Record
from vesselflow.state import Ledger

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


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.001)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def restarted(bench: Bench) -> tuple[int | None, Part]:
    """Return where another process starts that finds what the broker has."""
    rows: MemoryRows = bench.stage.tables["state"]
    loop = Loop(Keeping(MemoryRows(rows.changelog)), shared())
    return loop.open({0})[0], loop.parts[0]


def with_progress(offset: int) -> MemoryRows:
    """Return a table that a process has checkpointed at *offset*."""
    rows = MemoryRows(Changelog())
    bench = Bench(Keeping(rows))
    bench.part.offset, bench.part.origins = offset - 1, {0: (offset, 0)}
    bench.read(offset - 1)
    finish(bench.loop.checkpoint(bench.part))
    return rows
