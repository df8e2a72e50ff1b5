"""The one loop that every agent shares: read in order, work in memory, send, checkpoint.

What may go wrong, and the rule that closes it:

* Faust skips records around a recovery -> an agent knows the offset it expects, drops what lies above it and
  asks for the rest again, until the record comes or proves to be gone (`Loop._is_due`).
* A crash loses what was in memory -> state, with the progress it includes, goes to the changelog only after the
  broker has all that was sent until then (`Loop.checkpoint`); a restart replays from exactly that state.
* Partitions move while a checkpoint is due -> it is made before they go, or the process ends (`worker.py`).
* A record that cannot be used goes to the dead letters and the stream goes on (`Loop._work`).
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Protocol, cast

from faust.streams import Stream
from faust.types import TP, EventT, StreamT

from vesselflow import metrics
from vesselflow.core.errors import InvalidRecord
from vesselflow.dead_letters import dead_letter
from vesselflow.outbox import Outbox, Outgoing
from vesselflow.stage import Part, Record, Stage, TableRows
from vesselflow.state import restore, snapshot
from vesselflow.streams import App

logger = logging.getLogger(__name__)

#: A record is worked on this often before it counts as one that crashes the code.
TRIES: Final = 3


class Shared(Protocol):
    """What the loops of one process share."""

    app: App
    outbox: Outbox


class Loop:
    """One agent's loop over the partitions it has."""

    def __init__(self, stage: Stage, shared: Shared) -> None:
        self.stage = stage
        self.parts: dict[int, Part] = {}
        self.stopping = False
        self._app = shared.app
        self._outbox = shared.outbox
        self._topic = stage.topic.get_topic_name()
        self._gaps: dict[int, float] = {}

    async def run(self, stream: StreamT[bytes]) -> None:
        """Work on every record of *stream*."""
        async for event in events_of(stream):
            await self.take(event)

    async def take(self, event: EventT[Any]) -> None:
        """Work on one record if it is the one expected."""
        message = event.message
        part = self.parts.get(message.partition)
        if part is None or self.stopping or not self._is_due(part, message.offset):
            return
        # Kafka's timestamp is in milliseconds; Faust made seconds of it.
        received_ms = round(message.timestamp * 1000)
        record = Record(self._topic, message.partition, message.offset, received_ms, message.value or b"")
        outgoing = self._work(part, record)
        part.event = event
        part.offset = message.offset + 1
        part.moved_at = time.monotonic()
        metrics.RECORDS.labels(self.stage.name).inc()
        self._outbox.put(outgoing, part.sent)
        await self._outbox.room()

    def tp(self, partition: int) -> TP:
        """Return the source partition."""
        return TP(self._topic, partition)

    def _is_due(self, part: Part, offset: int) -> bool:
        if offset == part.offset:
            self._gaps.pop(part.partition, None)
            return True
        if offset < part.offset:
            return False
        first = self._app.reader.first_after_seek(self.tp(part.partition), part.offset)
        if first == offset and part.partition in self._gaps:
            # Read on purpose from the expected offset, and this came: what lies between does not exist.
            logger.warning("%s: %s has no records %d to %d", self.stage.name, self._topic, part.offset, offset - 1)
            metrics.HOLES.labels(self.stage.name).inc(offset - part.offset)
            self._gaps.pop(part.partition)
            return True
        if part.partition not in self._gaps:
            logger.info(
                "%s: expected %s/%d at %d, got %d", self.stage.name, self._topic, part.partition, part.offset, offset
            )
            metrics.GAPS.labels(self.stage.name).inc()
            self.seek(part)
        return False

    def seek(self, part: Part) -> None:
        """Ask for the expected record again."""
        self._gaps[part.partition] = time.monotonic()
        self._app.reader.want(self.tp(part.partition), part.offset)

    def seek_again(self, wait_s: float) -> None:
        """Seek what did not come within *wait_s*.

        Records that Faust dropped are a gap only when a later one comes; after the last ones none does, so what
        the log holds and nobody has in hand is sought as well.
        """
        now = time.monotonic()
        for part in list(self.parts.values()):
            since = self._gaps.get(part.partition, part.moved_at)
            if now - since >= wait_s and self._is_missing(part):
                self.seek(part)

    def _is_missing(self, part: Part) -> bool:
        reader, tp = self._app.reader, self.tp(part.partition)
        # The end is unknown until the first fetch.
        end = reader.highwater(tp)
        if part.partition in self._gaps:
            # At the log's end there is nothing to wait for.
            return end != part.offset
        return end > part.offset and not reader.in_hand(tp)

    def _work(self, part: Part, record: Record) -> list[Outgoing]:
        for attempt in range(TRIES):
            try:
                return self.stage.work(part, record)
            except InvalidRecord as error:
                return [dead_letter(record, error.reason, detail=error.detail)]
            except Exception:
                # The loop alone decides what a record that crashes the code becomes.
                logger.exception("%s: %s/%d at %d, try %d", self.stage.name, *_place(record), attempt + 1)
        return self._work_apart(part, record)

    def _work_apart(self, part: Part, record: Record) -> list[Outgoing]:
        outgoing = []
        before, reached = part.origins, dict(part.origins)
        for each in self._split(record):
            # The pieces interleave, so each is judged by the origins before the record.
            part.origins = before
            try:
                outgoing += self.stage.work(part, each)
            except Exception as error:  # noqa: BLE001 - it is told in the dead letter, with its traceback
                reason = error.reason if isinstance(error, InvalidRecord) else "crash"
                outgoing.append(dead_letter(each, reason, trace=traceback.format_exc()))
            reached.update({source: max(at, reached.get(source, at)) for source, at in part.origins.items()})
        part.origins = reached
        return outgoing

    def _split(self, record: Record) -> list[Record]:
        try:
            return self.stage.split(record)
        except Exception:
            # What cannot even be read is set aside whole; an exception that left the loop would come back for ever.
            logger.exception("%s: %s/%d at %d cannot be cut", self.stage.name, *_place(record))
            return [record]

    async def checkpoint(self, part: Part) -> None:
        """Write what changed and the progress, once the broker has what was sent until now."""
        async with part.lock:
            if part.offset == part.saved or part.offset < part.until or part.event is None:
                # Nothing new, or a replay under way: rows do not include the same records yet.
                return
            started = time.monotonic()
            self._outbox.put(self.stage.flush(part), part.sent)
            offset, event = part.offset, part.event
            written = {name: snapshot(rows, offset, part.origins) for name, rows in part.rows.items()}
            await self._outbox.acknowledged(part.sent)
            for name, (changed, progress) in written.items():
                self._write(self.stage.tables[name], part.partition, event, changed, progress)
            part.saved = offset
            metrics.CHECKPOINT_SECONDS.labels(self.stage.name).observe(time.monotonic() - started)

    def _write(
        self,
        rows: TableRows,
        partition: int,
        event: EventT[Any],
        changed: Sequence[tuple[int, bytes | None]],
        progress: bytes,
    ) -> None:
        pairs = [(rows.key(partition, number), body) for number, body in changed]
        rows.table.write(event, [*pairs, (rows.key(partition, None), progress)])

    async def settled(self, part: Part) -> None:
        """Checkpoint *part* and wait until the changelogs have it."""
        await self.checkpoint(part)
        for rows in self.stage.tables.values():
            await rows.table.acknowledged(part.partition)

    def open(self, partitions: set[int]) -> dict[int, int | None]:
        """Restore *partitions* from the tables; return where each starts, None for its log's beginning."""
        stored = {name: rows.read(partitions) for name, rows in self.stage.tables.items()}
        self._gaps.clear()
        self.parts = {partition: self._restored(partition, stored) for partition in partitions}
        rows = sum(len(found) for parts in stored.values() for found, _ in parts.values())
        logger.info("%s: %d partitions restored from %d rows", self.stage.name, len(partitions), rows)
        return {partition: _start(part) for partition, part in self.parts.items()}

    def _restored(self, partition: int, stored: Mapping[str, Any]) -> Part:
        part = self.stage.open(partition)
        for name, rows in part.rows.items():
            restore(rows, *stored[name].get(partition, ({}, None)))
        first = min(part.rows.values(), key=lambda rows: -1 if rows.ledger.start is None else rows.ledger.start)
        part.origins = dict(first.ledger.origins)
        part.until = max(rows.ledger.until for rows in part.rows.values())
        return part

    def close(self) -> None:
        """Forget every part: the partitions are gone, or will be restored."""
        self.parts = {}

    def waits(self, part: Part) -> bool:
        """Tell whether *part* waits for something outside that is down, which is no stall."""
        return False

    async def keep_checkpoints(self) -> None:
        """Checkpoint every part in turn, spread over the interval so that none adds to another's pause."""
        while True:
            parts = list(self.parts.values())
            for part in parts:
                if not self.stopping and self.parts.get(part.partition) is part:
                    await self.checkpoint(part)
                await asyncio.sleep(self.stage.checkpoint_s / len(parts))
            if not parts:
                await asyncio.sleep(self.stage.checkpoint_s)

    async def keep_time(self) -> None:
        """Send what time brings, and repeat seeks that brought nothing for a second."""
        while True:
            await asyncio.sleep(self.stage.tick_s)
            self.seek_again(1.0)
            if not self.stopping:
                for part in list(self.parts.values()):
                    self._outbox.put(self.stage.tick(part), part.sent)


def events_of(stream: StreamT[bytes]) -> AsyncIterator[EventT[bytes]]:
    """Return the events of *stream*, one a record, none of them acknowledged: Faust acknowledges what it then loses."""
    events: AsyncIterator[EventT[bytes]] = cast("Stream[bytes]", stream).noack().events()
    return events


def _start(part: Part) -> int | None:
    starts = [rows.ledger.start for rows in part.rows.values()]
    return None if None in starts else min(start for start in starts if start is not None)


def _place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset
