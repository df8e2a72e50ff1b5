"""Positions in, each partition's part of the fleet's activity out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from faust.types import StreamT

from vesselflow import metrics, outside, streams
from vesselflow.agents.detecting import decode_positions, split_by_vessel
from vesselflow.core import activity as core
from vesselflow.core import wire
from vesselflow.core.activity import WindowSum
from vesselflow.core.states import VesselStates
from vesselflow.loop import Loop
from vesselflow.outbox import Outgoing
from vesselflow.stage import Part, Record, TableRows
from vesselflow.state import Buckets, Ledger, advance, drop_seen
from vesselflow.tables import states, windows
from vesselflow.tables.rows import BucketRows, WindowRows
from vesselflow.worker import worker

WINDOW_MS: Final = streams.settings.window_s * 1000
RETENTION_MS: Final = streams.settings.vessel_retention_days * core.DAY_MS
#: No statistic reaches further back.
KEPT_MS: Final = 25 * core.HOUR_MS
#: An idle partition still has to say that its counts fell.
IDLE_MS: Final = 5_000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(WindowSum).decode


class Windows:
    """The window sums of a partition as table rows, one a window."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.sums: dict[int, WindowSum] = {}
        self._changed: set[int] = set()

    def add(self, added: Mapping[int, WindowSum], offset: int) -> None:
        """Add what the record at *offset* brought, except to windows that include it."""
        for start, each in added.items():
            if not self.ledger.includes(start, offset):
                self.sums[start] = self.sums.get(start, WindowSum()) + each
                self._changed.add(start)

    def forget_before(self, start_ms: int) -> None:
        """Delete windows that ended long ago."""
        for start in [start for start in self.sums if start < start_ms]:
            del self.sums[start]
            self._changed.add(start)

    def load(self, number: int, body: bytes) -> None:
        """Take over one window."""
        self.sums[number] = _decode(body)

    def changed(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield the windows that changed; None for one that was deleted."""
        changed, self._changed = self._changed, set()
        for start in changed:
            yield start, _encode(self.sums[start]) if start in self.sums else None


@dataclass
class Working:
    """The activity of one partition."""

    buckets: Buckets
    windows: Windows = field(default_factory=Windows)
    changed: bool = True
    told_ms: int = 0


class Activity:
    """The stage of the activity agent."""

    name = "activity"
    topic = streams.positions
    checkpoint_s = streams.settings.activity_checkpoint_s
    tick_s = 1.0
    tables: Final[Mapping[str, TableRows]] = {
        "state": BucketRows(states.activity),
        "windows": WindowRows(windows.activity),
    }

    def open(self, partition: int) -> Part:
        """Return a part without vessels and windows."""
        work = Working(Buckets(core.new_states(streams.settings.buckets)))
        return Part(partition, rows={"state": work.buckets, "windows": work.windows}, work=work)

    def work(self, part: Part, record: Record) -> list[Outgoing]:
        """Take the positions of *record* in."""
        work: Working = part.work
        batch = decode_positions(record.value)
        origins = advance(part.origins, batch)
        fresh = drop_seen(batch, part.origins)
        unseen = work.buckets.unseen(fresh.vessel, record.offset)
        of_vessels = fresh if unseen is None else fresh.take(unseen)
        detection, sums = core.observe(work.buckets.states, of_vessels, WINDOW_MS)
        if unseen is not None:
            sums = core.window_sums(fresh.at_ms, fresh.sog_kn, WINDOW_MS)
        work.buckets.states.apply(detection)
        work.windows.add(sums, record.offset)
        work.changed = True
        part.origins = origins
        metrics.POSITIONS.labels(self.name).inc(len(fresh))
        return []

    def split(self, record: Record) -> list[Record]:
        """Cut *record* vessel by vessel."""
        return split_by_vessel(record)

    def flush(self, part: Part) -> list[Outgoing]:
        """Return nothing: a partial is of the moment."""
        return []

    def tick(self, part: Part) -> list[Outgoing]:
        """Return the partition's partial: at once when something came, else now and then."""
        work: Working = part.work
        now_ms = outside.current().clock.now_ms()
        if part.offset < part.until or not (work.changed or now_ms - work.told_ms >= IDLE_MS):
            return []
        work.changed, work.told_ms = False, now_ms
        work.windows.forget_before(now_ms - KEPT_MS)
        return [self._partial(part.partition, work.buckets.states, work.windows, now_ms)]

    def _partial(self, partition: int, vessels: VesselStates, of: Windows, now_ms: int) -> Outgoing:
        partial = core.partial(
            vessels, of.sums, now_ms, partition=partition, retention_ms=RETENTION_MS, window_ms=WINDOW_MS
        )
        topic = streams.activity.get_topic_name()
        return Outgoing(topic, 0, wire.encode_partial(partial), key=str(partition).encode())


loop = worker.add(Loop(Activity(), worker))


@streams.app.agent(streams.positions, name="activity")
async def activity(stream: StreamT[bytes]) -> None:
    """Keep last seen times and windows."""
    await loop.run(stream)
