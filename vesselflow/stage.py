"""What an agent is to the loop: a stage that works on records, and parts that hold what it knows of a partition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from faust.types import EventT

from vesselflow.outbox import Outgoing, Sent
from vesselflow.state import Origins, Rows
from vesselflow.tables.acknowledged import AcknowledgedTable


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record; ``received_ms`` is its timestamp at the broker."""

    topic: str
    partition: int
    offset: int
    received_ms: int
    value: bytes


@dataclass(eq=False)
class Part:
    """One partition of one agent: its working state by table, and how far it is."""

    partition: int
    rows: Mapping[str, Rows]
    work: Any = None
    offset: int = 0
    saved: int = -1
    until: int = 0
    origins: Origins = field(default_factory=dict)
    event: EventT[Any] | None = None
    sent: Sent = field(default_factory=Sent)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    moved_at: float = field(default_factory=time.monotonic)


class Stage(Protocol):
    """What makes an agent that agent. Nothing in it waits."""

    name: str
    topic: Any
    checkpoint_s: float
    tick_s: float

    @property
    def tables(self) -> Mapping[str, TableRows]:
        """The tables of its state, by a name of its own."""
        ...

    def open(self, partition: int) -> Part:
        """Return an empty part."""
        ...

    def work(self, part: Part, record: Record) -> list[Outgoing]:
        """Take *record* in and return what to send; raises `InvalidRecord` and has then changed nothing."""
        ...

    def split(self, record: Record) -> list[Record]:
        """Return *record* cut vessel by vessel, so that one crashing vessel does not take the others along."""
        ...

    def flush(self, part: Part) -> list[Outgoing]:
        """Return what is waiting to be sent together with later records."""
        ...

    def tick(self, part: Part) -> list[Outgoing]:
        """Return what is to be sent because time has passed; called every `tick_s`."""
        ...


class TableRows(Protocol):
    """How the rows of one part are kept in a table."""

    table: AcknowledgedTable

    def read(self, partitions: set[int]) -> Mapping[int, tuple[Mapping[int, bytes], bytes | None]]:
        """Return each partition's rows by number, and its progress."""
        ...

    def key(self, partition: int, number: int | None) -> Any:
        """Return the table's key of a row; None is the progress."""
        ...
