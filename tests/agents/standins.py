"""What stands in for Faust, the broker and the tables: just enough to run the loop in memory, and to be cruel to it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
from faust.types import TP

from vesselflow.core import wire
from vesselflow.core.model import POSITION_COLUMNS, PositionBatch
from vesselflow.outbox import Outgoing, Sent

T = TypeVar("T")


@dataclass(frozen=True)
class Fix:
    """One position and its origin; what a test does not care for has a harmless value."""

    vessel: int = 235_000_001
    at_ms: int = 0
    source: int = 0
    offset: int = 0
    index: int = 0
    lon_deg: float = 0.0
    lat_deg: float = 0.0
    destination: str | None = None
    received_ms: int | None = None


def batch_of(fixes: Sequence[Fix]) -> PositionBatch:
    """Return *fixes* as columns."""
    strings: dict[str, int] = {}
    columns: dict[str, Any] = {name: np.zeros(len(fixes), dtype) for name, dtype in POSITION_COLUMNS.items()}
    for name in ("vessel", "at_ms", "lon_deg", "lat_deg"):
        columns[name][:] = [getattr(fix, name) for fix in fixes]
    for name in ("name", "ship_type", "flag", "eta"):
        columns[name][:] = -1
    columns["destination"][:] = [
        -1 if fix.destination is None else strings.setdefault(fix.destination, len(strings)) for fix in fixes
    ]
    columns["mmsi"][:] = columns["vessel"]
    columns["sog_kn"][:] = 10.0
    columns["draught_m"][:] = np.nan
    columns["received_ms"][:] = [fix.at_ms if fix.received_ms is None else fix.received_ms for fix in fixes]
    columns["source_partition"][:] = [fix.source for fix in fixes]
    columns["source_offset"][:] = [fix.offset for fix in fixes]
    columns["source_index"][:] = [fix.index for fix in fixes]
    return PositionBatch(**columns, strings=tuple(strings))


def record_of(*fixes: Fix) -> bytes:
    """Return *fixes* as the value of one record."""
    return wire.encode_positions(batch_of(fixes))


@dataclass
class FakeEvent:
    """Faust's event, as far as the loop looks at it."""

    message: Any


def event(offset: int, value: bytes = b"", *, partition: int = 0, at_ms: int = 0) -> Any:
    """Return a Faust event."""
    return FakeEvent(
        SimpleNamespace(topic="records", offset=offset, partition=partition, timestamp=at_ms / 1000, value=value)
    )


class FakeConsumer:
    """Remembers which seeks were asked for; the test says what came of them and where logs end."""

    def __init__(self) -> None:
        self.log_end = 1_000_000
        self.wanted: list[tuple[TP, int]] = []
        self.sought: dict[TP, tuple[int, int | None]] = {}
        self.ends: dict[TP, int] = {}
        self.busy: set[TP] = set()

    def want(self, tp: TP, offset: int) -> None:
        self.wanted.append((tp, offset))

    def first_after_seek(self, tp: TP, offset: int) -> int | None:
        sought, first = self.sought.get(tp, (offset + 1, None))
        return first if sought <= offset else None

    def highwater(self, tp: TP) -> int | None:
        return self.ends.get(tp)

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, self.log_end)

    def in_hand(self, tp: TP) -> bool:
        return tp in self.busy


class FakeTopic:
    """A topic by name."""

    def __init__(self, name: str = "records") -> None:
        self.name = name

    def get_topic_name(self) -> str:
        return self.name


class FakeOutbox:
    """Everything given is lost with the process unless `acknowledged` was waited for."""

    def __init__(self) -> None:
        self.waiting: list[Outgoing] = []
        self.sent: list[Outgoing] = []

    def put(self, outgoing: list[Outgoing], sent: Sent) -> None:
        self.waiting += outgoing

    async def room(self) -> None:
        return

    async def acknowledged(self, sent: Sent) -> None:
        self.sent += self.waiting
        self.waiting.clear()


class Changelog:
    """What the broker has of one table: the last value of every key."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int | None], bytes] = {}

    def append(self, key: tuple[int, int | None], body: bytes | None) -> None:
        if body is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = body


@dataclass
class MemoryRows:
    """Fulfils `TableRows` and stands in for its table: what is written waits until the broker takes it."""

    changelog: Changelog = field(default_factory=Changelog)
    backlog: list[tuple[tuple[int, int | None], bytes | None]] = field(default_factory=list)
    takes_at_once: bool = True

    @property
    def table(self) -> Any:
        return self

    def key(self, partition: int, number: int | None) -> tuple[int, int | None]:
        return partition, number

    def read(self, partitions: set[int]) -> Mapping[int, tuple[Mapping[int, bytes], bytes | None]]:
        rows: dict[int, dict[int, bytes]] = defaultdict(dict)
        for (partition, number), body in self.changelog.rows.items():
            if number is not None:
                rows[partition][number] = body
        return {each: (rows[each], self.changelog.rows.get((each, None))) for each in partitions}

    def write(self, event: Any, rows: Iterable[tuple[Any, bytes | None]]) -> None:
        self.backlog += rows
        if self.takes_at_once:
            self.take(len(self.backlog))

    def take(self, count: int) -> None:
        """Let the broker take *count* of the waiting writes, in order."""
        for key, body in self.backlog[:count]:
            self.changelog.append(key, body)
        del self.backlog[:count]

    async def acknowledged(self, partition: int) -> None:
        if self.backlog:
            await asyncio.Event().wait()


def shared(outbox: Any = None) -> Any:
    """Return what loops share, with fakes in it."""
    consumer = FakeConsumer()
    app = SimpleNamespace(consumer=consumer, reader=consumer)
    return SimpleNamespace(app=app, outbox=outbox or FakeOutbox())


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run what has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise AssertionError("expected a coroutine that does not wait")
