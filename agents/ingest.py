"""Vessel states of any source in, micro-batches of positions out; what cannot be used goes to the dead letters."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec
import numpy as np
from faust.types import StreamT

from vesselflow import metrics, streams
from vesselflow.core import wire
from vesselflow.core.errors import InvalidRecord
from vesselflow.core.model import PositionBatch, concatenate
from vesselflow.core.normalise import Normalised, normalise
from vesselflow.core.partition import partitions_of
from vesselflow.core.statics import new_statics
from vesselflow.loop import Loop, Part, Record, dead_letter
from vesselflow.outbox import Outgoing
from vesselflow.state import Buckets, without_included
from vesselflow.tables import states
from vesselflow.tables.rows import BucketRows
from vesselflow.worker import worker

settings: Final = streams.settings
MOST: Final = settings.batch_positions


@dataclass
class Coalescing:
    """The statics of a partition's vessels, and positions that wait for company, by target partition."""

    buckets: Buckets
    waiting: dict[int, list[PositionBatch]] = field(default_factory=dict)
    count: dict[int, int] = field(default_factory=dict)
    since: float = 0.0


class Ingest:
    """The stage of ingest."""

    name = "ingest"
    topic = streams.states
    checkpoint_s = settings.checkpoint_s
    tick_s = settings.coalesce_ms / 2000 or 0.005
    tables: Final[Mapping[str, BucketRows]] = {"state": BucketRows(states.ingest)}

    def open(self, partition: int) -> Part:
        """Return a part that knows no vessel."""
        buckets = Buckets(new_statics(buckets=settings.buckets))
        return Part(partition, rows={"state": buckets}, work=Coalescing(buckets))

    def work(self, part: Part, record: Record) -> list[Outgoing]:
        """Normalise *record*; send what is a full batch, keep the rest for a moment."""
        work: Coalescing = part.work
        statics = work.buckets.states
        found = normalise(
            record.value,
            statics,
            identity="imo" if settings.identity == "imo" else "mmsi",
            received_ms=record.received_ms,
            source_partition=record.partition,
            source_offset=record.offset,
            future_limit_ms=round(settings.future_limit_s * 1000),
        )
        outgoing = [
            dead_letter(record, reject.reason, detail=reject.detail, index=reject.index, payload=reject.payload)
            for reject in found.rejects
        ]
        self._count(found)
        unseen = work.buckets.unseen(statics.rows["vessel"], record.offset)
        statics.apply(without_included(found.detection, statics, unseen))
        return outgoing + _coalesced(work, found.batch)

    def _count(self, found: Normalised) -> None:
        metrics.POSITIONS.labels(self.name).inc(len(found.batch))
        for name, number in found.counts.items():
            if name != "positions":
                metrics.NOT_AVAILABLE.labels(name).inc(number)

    def split(self, record: Record) -> list[Record]:
        """Cut *record* into its elements."""
        try:
            decoded = wire.decode_json(record.value)
        except InvalidRecord:
            return [record]
        elements = decoded if isinstance(decoded, list) else [decoded]
        return [replace(record, value=msgspec.json.encode(element)) for element in elements]

    def flush(self, part: Part) -> list[Outgoing]:
        """Return everything that waits for company."""
        work: Coalescing = part.work
        return [each for target in list(work.waiting) for each in _sent(work, target)]

    def tick(self, part: Part) -> list[Outgoing]:
        """Return what has waited long enough."""
        metrics.VESSELS.labels(self.name).set(len(part.work.buckets.states))
        late = part.work.waiting and time.monotonic() - part.work.since >= settings.coalesce_ms / 1000
        return self.flush(part) if late else []


def _coalesced(work: Coalescing, batch: PositionBatch) -> list[Outgoing]:
    if not len(batch):
        return []
    if not work.waiting:
        work.since = time.monotonic()
    targets = partitions_of(batch.vessel, settings.position_partitions)
    outgoing = []
    for target in np.unique(targets).tolist():
        piece = batch.take(targets == target)
        if work.count.get(target, 0) + len(piece) > MOST:
            outgoing += _sent(work, target)
        work.waiting.setdefault(target, []).append(piece)
        work.count[target] = work.count.get(target, 0) + len(piece)
        if work.count[target] >= MOST // 2:
            outgoing += _sent(work, target)
    return outgoing


def _sent(work: Coalescing, target: int) -> list[Outgoing]:
    pieces = work.waiting.pop(target, [])
    work.count[target] = 0
    if not pieces:
        return []
    joined = concatenate(pieces)
    # One record of another producer may hold far more than a micro-batch.
    cuts = [joined.take(slice(at, at + MOST)) for at in range(0, len(joined), MOST)] if len(joined) > MOST else [joined]
    topic = streams.positions.get_topic_name()
    return [Outgoing(topic, target, wire.encode_positions(cut)) for cut in cuts]


loop = worker.add(Loop(Ingest(), worker))


@streams.app.agent(streams.states, name="ingest")
async def ingest(stream: StreamT[bytes]) -> None:
    """Normalise vessel states."""
    await loop.run(stream)
