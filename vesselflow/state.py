"""A partition's working state to table rows and back, so that a restart goes on from exactly one state.

A checkpoint writes the rows that changed, each with the offset it includes, and then the progress: the next
offset and the offset of every row, all in one table. The changelog keeps that order, so a progress is never
restored ahead of its rows. What can be restored is rows that are newer than the progress (the checkpoint was
cut off) and rows older than the progress lists (a paused owner wrote late). `Ledger` tells what to replay
and which rows must skip it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol

import msgspec
import numpy as np

from vesselflow.core.model import BoolArray, IntArray, PositionBatch
from vesselflow.core.states import Detection, VesselStates, bucket_of

#: By source partition, the offset and index of the last position that was taken in.
Origins = dict[int, tuple[int, int]]

VERSION: Final = 1
#: A progress lists this many of the rows written last; an older one cannot be in a late writer's hands.
MOST_LISTED: Final = 1024


class Row(msgspec.Struct, array_like=True):
    """One row of a working state: what it holds, and the offset and origins it includes."""

    version: int
    offset: int
    origins: Origins
    body: bytes


class Progress(msgspec.Struct, array_like=True):
    """The next offset, the origins up to it, and the offset that each row includes."""

    version: int
    offset: int
    origins: Origins
    rows: dict[int, int]


_encode = msgspec.msgpack.Encoder().encode
_row_decoder = msgspec.msgpack.Decoder(Row)
_progress_decoder = msgspec.msgpack.Decoder(Progress)


@dataclass
class Ledger:
    """Where reading has to start for some rows, and which records each row includes already.

    ``start`` None: at the log's beginning. A row includes every record below ``floor``, or below its entry
    in ``included``. Below ``until`` records are being replayed and no checkpoint may be made.
    """

    start: int | None = None
    origins: Origins = field(default_factory=dict)
    floor: int = 0
    included: dict[int, int] = field(default_factory=dict)
    listed: dict[int, int] = field(default_factory=dict)

    @classmethod
    def restore(cls, progress: Progress | None, rows: Mapping[int, Row]) -> Ledger:
        """Compare *rows* with what *progress* lists of them."""
        if progress is None:
            offsets = {number: row.offset for number, row in rows.items()}
            return cls(included=offsets, listed=dict(offsets))
        differing = {number: row for number, row in rows.items() if row.offset != progress.rows.get(number, row.offset)}
        ahead = {number: row for number, row in rows.items() if row.offset > progress.offset}
        stale = [row for row in differing.values() if row.offset < progress.offset]
        first = min(stale, key=lambda row: row.offset, default=None)
        return cls(
            start=first.offset if first else progress.offset,
            origins=first.origins if first else progress.origins,
            floor=progress.offset,
            included={number: row.offset for number, row in {**differing, **ahead}.items()},
            listed={**progress.rows, **{number: row.offset for number, row in {**differing, **ahead}.items()}},
        )

    @property
    def until(self) -> int:
        """The offset at which every row includes the same records."""
        return max([self.floor, *self.included.values()])

    def includes(self, number: int, offset: int) -> bool:
        """Tell whether row *number* includes the record at *offset*."""
        return offset < self.included.get(number, self.floor)

    def note(self, numbers: Iterable[int], offset: int) -> dict[int, int]:
        """Remember that rows *numbers* were written to include *offset*; return the list for the progress."""
        for number in numbers:
            self.listed.pop(number, None)
            self.listed[number] = offset
        while len(self.listed) > MOST_LISTED:
            del self.listed[next(iter(self.listed))]
        return dict(self.listed)


class Rows(Protocol):
    """The part of a partition's working state that one table holds."""

    ledger: Ledger

    def load(self, number: int, body: bytes) -> None:
        """Take over row *number* of the table."""
        ...

    def changed(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield the rows that changed since the last call; None for one that is no more."""
        ...


class Buckets:
    """The states of a partition's vessels as table rows: a few dozen vessels a row."""

    def __init__(self, states: VesselStates) -> None:
        self.states = states
        self.ledger = Ledger()

    def unseen(self, vessels: IntArray, offset: int) -> BoolArray | None:
        """Return which of *vessels* have not seen the record at *offset*; None when all have not."""
        if offset >= self.ledger.until:
            return None
        included = np.full(self.states.buckets, self.ledger.floor, dtype=np.int64)
        for number, upto in self.ledger.included.items():
            included[number] = upto
        return included[bucket_of(vessels, self.states.buckets)] <= offset

    def load(self, number: int, body: bytes) -> None:
        """Take over the vessels of bucket *number*."""
        _unpack(self.states, body)

    def changed(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield the buckets with a changed vessel."""
        dirty = np.flatnonzero(self.states.dirty)
        self.states.dirty[:] = False
        for number, slots in self.states.by_bucket(dirty):
            yield number, _pack(self.states, slots)


@lru_cache
def _descr(dtype: np.dtype[Any]) -> list[Any]:
    return list(dtype.descr)


def _pack(states: VesselStates, slots: IntArray) -> bytes:
    rows = states.rows[slots].copy()
    numbers = (
        np.unique(np.stack([rows[name] for name in states.text_fields]))
        if states.text_fields
        else np.empty(0, np.int64)
    )
    numbers = numbers[numbers >= 0]
    for name in states.text_fields:
        rows[name] = np.where(rows[name] >= 0, np.searchsorted(numbers, rows[name]), -1)
    strings = [states.strings.text(number) for number in numbers.tolist()]
    notes = {index: states.notes[slot] for index, slot in enumerate(slots.tolist()) if slot in states.notes}
    return _encode((_descr(rows.dtype), rows.tobytes(), strings, notes))


def unpacked(body: bytes, text_fields: Set[str]) -> list[dict[str, Any]]:
    """Return the vessels of a bucket's row as it is stored, by field: texts for their numbers, and a ``note``."""
    stored, strings, notes = _stored(body)
    columns = {name: plain_values(stored[name]) for name in stored.dtype.names or ()}
    for name in text_fields & columns.keys():
        columns[name] = [strings[number] if number >= 0 else None for number in columns[name]]
    rows = zip(*columns.values(), strict=True)
    return [{**dict(zip(columns, row, strict=True)), "note": notes.get(index)} for index, row in enumerate(rows)]


def plain_values(column: Any) -> list[Any]:
    """Return *column* as Python's values; a float of 32 bits as the shortest decimal that is this very float."""
    values: list[Any] = column.tolist()
    return [float(str(value)) for value in column] if column.dtype == np.float32 else values


def _stored(body: bytes) -> tuple[Any, list[str], dict[int, Any]]:
    packed = tuple[list[tuple[str, str]], bytes, list[str], dict[int, Any]]
    descr, raw, strings, notes = msgspec.msgpack.decode(body, type=packed)
    return np.frombuffer(raw, dtype=np.dtype(descr)), strings, notes


def _unpack(states: VesselStates, body: bytes) -> None:
    stored, strings, notes = _stored(body)
    slots = states.slots(stored["vessel"].astype(np.int64))
    rows = states.rows[slots]
    for name in stored.dtype.names or ():
        # A field that a later version dropped is left behind; one that it added keeps its empty value.
        if name in (states.dtype.names or ()):
            rows[name] = stored[name]
    moves = states.strings.translate(tuple(strings))
    for name in states.text_fields:
        rows[name] = moves[rows[name]]
    states.rows[slots] = rows
    states.notes.update({int(slots[index]): note for index, note in notes.items()})


def restore(rows: Rows, stored: Mapping[int, bytes], progress: bytes | None) -> None:
    """Fill *rows* and its ledger from what the table holds for the partition."""
    decoded = {number: _row_decoder.decode(raw) for number, raw in stored.items()}
    rows.ledger = Ledger.restore(_progress_decoder.decode(progress) if progress else None, decoded)
    for number, row in decoded.items():
        rows.load(number, row.body)


def snapshot(rows: Rows, offset: int, origins: Origins) -> tuple[list[tuple[int, bytes | None]], bytes]:
    """Return what a checkpoint at *offset* has to write: the changed rows, then the progress."""
    changed = [(number, body and _encode(Row(VERSION, offset, origins, body))) for number, body in rows.changed()]
    listed = rows.ledger.note((number for number, _ in changed), offset)
    return changed, _encode(Progress(VERSION, offset, origins, listed))


def drop_seen(batch: PositionBatch, origins: Origins) -> PositionBatch:
    """Return the positions of *batch* beyond *origins*: ingest may send some twice, with other borders."""
    sources = _sources(batch)
    if len(sources) == 1 and len(batch) and _first(batch) > origins.get(sources[0], (-1, -1)):
        # Origins ascend, so all of them lie beyond.
        return batch
    keep = np.zeros(len(batch), dtype=np.bool_)
    for source in sources:
        offset, index = origins.get(source, (-1, -1))
        beyond = (batch.source_offset > offset) | ((batch.source_offset == offset) & (batch.source_index > index))
        keep |= (batch.source_partition == source) & beyond
    return batch if keep.all() else batch.take(keep)


def advance(origins: Origins, batch: PositionBatch) -> Origins:
    """Return *origins* moved on to the last positions of *batch*."""
    moved = dict(origins)
    sources = _sources(batch)
    for source in sources:
        last = -1 if len(sources) == 1 else int(np.flatnonzero(batch.source_partition == source)[-1])
        reached = (int(batch.source_offset[last]), int(batch.source_index[last]))
        # A batch sent again may end before what was seen; its next one would then be taken in twice.
        moved[source] = max(reached, moved.get(source, reached))
    return moved


def _sources(batch: PositionBatch) -> list[int]:
    """Return the source partitions in *batch*; nearly always it is one."""
    if len(batch) and (batch.source_partition == batch.source_partition[0]).all():
        return [int(batch.source_partition[0])]
    return list(np.unique(batch.source_partition).tolist())


def _first(batch: PositionBatch) -> tuple[int, int]:
    return int(batch.source_offset[0]), int(batch.source_index[0])


def without_included(detection: Detection, states: VesselStates, unseen: BoolArray | None) -> Detection:
    """Return *detection* without the slots whose rows include its record already; *unseen* is by slot."""
    if unseen is None or not len(detection.slots):
        return detection
    keep = unseen[detection.slots]
    notes = {slot: note for slot, note in detection.notes.items() if unseen[slot]}
    return Detection(slots=detection.slots[keep], rows=detection.rows[keep], notes=notes, events=detection.events)
