"""Vessel states of any source in, micro-batches of positions out; what cannot be used goes to the dead letters."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from faust.types import StreamT

from vesselflow import metrics, streams
from vesselflow.core import wire
from vesselflow.core.model import PositionBatch, concatenate
from vesselflow.core.normalise import Normalised, SourceRecord, normalise_together
from vesselflow.core.partition import partitions_of
from vesselflow.core.statics import new_statics
from vesselflow.dead_letters import dead_letter
from vesselflow.loop import Loop
from vesselflow.outbox import Outgoing
from vesselflow.stage import Part, Record, TableRows
from vesselflow.state import Buckets, without_included
from vesselflow.tables import states
from vesselflow.tables.rows import BucketRows
from vesselflow.worker import worker

logger = logging.getLogger(__name__)

settings: Final = streams.settings
MOST: Final = settings.batch_positions
FUTURE_LIMIT_MS: Final = round(settings.future_limit_s * 1000)
#: A stream of small records is sent at most once in so many times the usual wait: each batch costs every agent
#: about a millisecond, whatever it holds, and twelve partitions every 20 ms would be more than there are.
PATIENCE: Final = 5
#: About as many bytes of states as make a full batch of positions.
ENOUGH_BYTES: Final = 32_000


@dataclass
class Coalescing:
    """A partition's statics, and what waits for company: records not normalised yet, positions by target partition."""

    buckets: Buckets
    records: list[SourceRecord] = field(default_factory=list)
    size_bytes: int = 0
    waiting: dict[int, list[PositionBatch]] = field(default_factory=dict)
    count: dict[int, int] = field(default_factory=dict)
    since: float = 0.0
    sent_at: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self.records and not self.waiting


class Ingest:
    """The stage of ingest."""

    name = "ingest"
    topic = streams.states
    checkpoint_s = settings.checkpoint_s
    tick_s = max(settings.coalesce_ms, 10) / 2000
    tables: Final[Mapping[str, TableRows]] = {"state": BucketRows(states.ingest)}

    def open(self, partition: int) -> Part:
        """Return a part that knows no vessel."""
        buckets = Buckets(new_statics(buckets=settings.buckets))
        return Part(partition, rows={"state": buckets}, work=Coalescing(buckets))

    def work(self, part: Part, record: Record) -> list[Outgoing]:
        """Keep *record* for a moment, or normalise it with those that were kept when there are enough."""
        work: Coalescing = part.work
        if work.is_empty:
            work.since = time.monotonic()
        work.records.append(SourceRecord(record.value, record.offset, record.received_ms))
        work.size_bytes += len(record.value)
        # Rows that are ahead of a replay tell by the offset of a single record.
        enough = work.size_bytes >= ENOUGH_BYTES or record.offset < part.until
        return self._normalised(part) if enough else []

    def _normalised(self, part: Part) -> list[Outgoing]:
        work: Coalescing = part.work
        records, work.records, work.size_bytes = work.records, [], 0
        try:
            return self._together(part, records) if records else []
        except Exception:
            # Normalising is meant never to raise; if it does, only the record at fault shall be lost.
            logger.exception("ingest: %d records of partition %d, now one by one", len(records), part.partition)
            return [each for record in records for each in self._alone(part, record)]

    def _alone(self, part: Part, record: SourceRecord) -> list[Outgoing]:
        try:
            return self._together(part, [record])
        except Exception:
            logger.exception("ingest: partition %d at %d", part.partition, record.offset)
            return [dead_letter(_place(part, record), "crash", trace=traceback.format_exc())]

    def _together(self, part: Part, records: list[SourceRecord]) -> list[Outgoing]:
        work: Coalescing = part.work
        statics = work.buckets.states
        found, numbers = normalise_together(
            records,
            statics,
            identity="imo" if settings.identity == "imo" else "mmsi",
            source_partition=part.partition,
            future_limit_ms=FUTURE_LIMIT_MS,
        )
        unseen = work.buckets.unseen(statics.rows["vessel"], records[-1].offset)
        statics.apply(without_included(found.detection, statics, unseen))
        self._count(found)
        rejected = [
            dead_letter(
                _place(part, records[number]),
                reject.reason,
                detail=reject.detail,
                index=reject.index,
                payload=reject.payload,
            )
            for number, reject in zip(numbers, found.rejects, strict=True)
        ]
        return rejected + _coalesced(work, found.batch)

    def _count(self, found: Normalised) -> None:
        metrics.POSITIONS.labels(self.name).inc(len(found.batch))
        for name, number in found.counts.items():
            if name != "positions":
                metrics.NOT_AVAILABLE.labels(name).inc(number)

    def split(self, record: Record) -> list[Record]:
        """Return *record* whole: `work` never raises."""
        return [record]

    def flush(self, part: Part) -> list[Outgoing]:
        """Return everything that waits for company."""
        outgoing = self._normalised(part)
        work: Coalescing = part.work
        return outgoing + [each for target in list(work.waiting) for each in _sent(work, target)]

    def tick(self, part: Part) -> list[Outgoing]:
        """Return what has waited long enough."""
        work: Coalescing = part.work
        now, wait_s = time.monotonic(), settings.coalesce_ms / 1000
        if work.is_empty or now - work.since < wait_s or now - work.sent_at < PATIENCE * wait_s:
            return []
        work.sent_at = now
        return self.flush(part)


def _place(part: Part, record: SourceRecord) -> Record:
    return Record(streams.STATES, part.partition, record.offset, record.received_ms, record.value)


def _coalesced(work: Coalescing, batch: PositionBatch) -> list[Outgoing]:
    if not len(batch):
        return []
    targets = partitions_of(batch.vessel, settings.position_partitions)
    outgoing = []
    for target in np.unique(targets).tolist():
        work.waiting.setdefault(target, []).append(batch.take(targets == target))
        work.count[target] = work.count.get(target, 0) + len(work.waiting[target][-1])
        if work.count[target] >= MOST:
            outgoing += _sent(work, target, only_full=True)
    return outgoing


def _sent(work: Coalescing, target: int, *, only_full: bool = False) -> list[Outgoing]:
    """Return what waits for *target* as micro-batches; with *only_full* what does not fill one goes on waiting."""
    joined = concatenate(work.waiting.pop(target))
    end = len(joined) // MOST * MOST if only_full else len(joined)
    work.count[target] = len(joined) - end
    if end < len(joined):
        work.waiting[target] = [joined.take(slice(end, None))]
    topic = streams.positions.get_topic_name()
    cuts = [joined.take(slice(start, min(start + MOST, end))) for start in range(0, end, MOST)]
    return [Outgoing(topic, target, wire.encode_positions(cut)) for cut in cuts]


loop = worker.add(Loop(Ingest(), worker))


@streams.app.agent(streams.states, name="ingest")
async def ingest(stream: StreamT[bytes]) -> None:
    """Normalise vessel states."""
    await loop.run(stream)
