"""What the detectors share: a batch of positions in, events out, states in buckets of vessels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np

from vesselflow import metrics, streams
from vesselflow.core import wire
from vesselflow.core.model import PositionBatch
from vesselflow.core.states import Detection, VesselStates
from vesselflow.outbox import Outgoing
from vesselflow.stage import Part, Record
from vesselflow.state import Buckets, advance, drop_seen
from vesselflow.tables.rows import BucketRows

Policy = TypeVar("Policy")
States = TypeVar("States", bound=VesselStates)

ALERT_LIMIT_MS: Final = round(streams.settings.alert_limit_s * 1000)
#: For a detector of which every position changes a row: to write all rows every 2 s would take a third of a core.
SELDOM_S: Final = streams.settings.activity_checkpoint_s

#: Several agents read each record; a record's bytes are one object, so its hash is made once.
decode_positions = lru_cache(maxsize=128)(wire.decode_positions)


class Detector:
    """The stage of an agent that detects: `detect` decides, this keeps the books."""

    tick_s = 1.0

    def __init__(
        self,
        name: str,
        table: Any,
        new_states: Callable[[int], States],
        detect: Callable[[States, PositionBatch, Policy], Detection],
        policy: Callable[[], Policy],
        *,
        checkpoint_s: float = streams.settings.checkpoint_s,
    ) -> None:
        self.name = name
        self.topic = streams.positions
        self.checkpoint_s = checkpoint_s
        self.tables: Mapping[str, BucketRows] = {"state": BucketRows(table)}
        self._new_states = new_states
        self._detect: Callable[[Any, PositionBatch, Any], Detection] = detect
        self._policy: Callable[[], Any] = policy
        self._events_topic = streams.events.get_topic_name()

    def open(self, partition: int) -> Part:
        """Return a part that has seen no vessel."""
        buckets = Buckets(self._new_states(streams.settings.buckets))
        return Part(partition, rows={"state": buckets}, work=buckets)

    def work(self, part: Part, record: Record) -> list[Outgoing]:
        """Detect over the positions of *record* that *part* has not taken in yet."""
        batch = decode_positions(record.value)
        origins = advance(part.origins, batch)
        buckets: Buckets = part.work
        fresh = fresh_positions(batch, part, buckets, record.offset)
        outgoing: list[Outgoing] = []
        if len(fresh):
            detection = self._detect(buckets.states, fresh, self._policy())
            outgoing = self._outgoing(part, detection)
            for reason, count in detection.counts.items():
                metrics.LEFT_OUT.labels(self.name, reason).inc(count)
            buckets.states.apply(detection)
        part.origins = origins
        metrics.POSITIONS.labels(self.name).inc(len(fresh))
        return outgoing

    def _outgoing(self, part: Part, detection: Detection) -> list[Outgoing]:
        if not detection.events:
            return []
        for event in detection.events:
            metrics.EVENTS.labels(event.kind).inc()
        # A multiple of partitions keeps a vessel's events in one of them, in order.
        partition = part.partition % streams.settings.event_partitions
        return [Outgoing(self._events_topic, partition, wire.encode_events(detection.events))]

    def split(self, record: Record) -> list[Record]:
        """Cut *record* vessel by vessel."""
        return split_by_vessel(record)

    def flush(self, part: Part) -> list[Outgoing]:
        """Return nothing: events leave at once."""
        return []

    def tick(self, part: Part) -> list[Outgoing]:
        """Return nothing: time comes from the positions alone."""
        return []


def fresh_positions(batch: PositionBatch, part: Part, buckets: Buckets, offset: int) -> PositionBatch:
    """Return the positions that neither came before nor stand in a row that is ahead of the replay."""
    fresh = drop_seen(batch, part.origins)
    unseen = buckets.unseen(fresh.vessel, offset)
    return fresh if unseen is None else fresh.take(unseen)


def split_by_vessel(record: Record) -> list[Record]:
    """Cut a record of positions vessel by vessel."""
    batch = decode_positions(record.value)
    pieces = [batch.take(batch.vessel == vessel) for vessel in np.unique(batch.vessel).tolist()]
    return [replace(record, value=wire.encode_positions(piece)) for piece in pieces]
