"""A record of ``vessel.state.changed`` -> a batch of positions, changed static data, rejects and counts.

What ingest computes. All states of a record are handled at once, as columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np

from vesselflow.core import ais
from vesselflow.core.columns import SIZES, StateColumns
from vesselflow.core.mids import FLAG_OF_MID
from vesselflow.core.model import (
    POSITION_COLUMNS,
    STRING_COLUMNS,
    Identity,
    IntArray,
    PositionBatch,
    VesselState,
    compact,
    empty_batch,
)
from vesselflow.core.records import Reading, Reject, read_elements, read_record, reading_of
from vesselflow.core.states import Detection, Strings, VesselStates
from vesselflow.core.statics import given_texts, join

_FLAGS: Final = tuple(FLAG_OF_MID.get(mid) for mid in range(1000))
#: The numbers of `_FLAGS` in each memory of texts.
_flag_numbers: Final[WeakKeyDictionary[Strings, IntArray]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Normalised:
    """What a record came to. ``detection`` is to be applied to the statics; ``counts`` has no zeros."""

    batch: PositionBatch
    detection: Detection
    rejects: list[Reject] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def normalise(
    record: bytes | Sequence[VesselState],
    statics: VesselStates,
    *,
    identity: Identity,
    received_ms: int,
    source_partition: int,
    source_offset: int,
    future_limit_ms: int,
) -> Normalised:
    """Return what *record*, in bytes or already as states, holds; never raises, whatever the bytes.

    Positions keep the order of the record. A state's own static data count for its position. Only ships become
    vessels; a state with a valid IMO number counts as a ship whatever its MMSI. *statics* gets empty rows for vessels
    never seen and numbers for new texts; nothing else in it changes until the detection is applied.

    Reasons of rejects: not-json, not-a-state, no-identity, bad-imo, bad-mmsi, no-position, bad-position, bad-time.
    """
    reading = read_record(record) if isinstance(record, bytes) else reading_of(record)
    found = _normalise(reading, statics, identity, np.full(len(reading.states), received_ms), future_limit_ms)
    batch = replace(
        compact(found.batch),
        source_partition=np.full(len(found.batch), source_partition, dtype=POSITION_COLUMNS["source_partition"]),
        source_offset=np.full(len(found.batch), source_offset, dtype=POSITION_COLUMNS["source_offset"]),
    )
    return replace(found, batch=batch)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A record of one partition of ``vessel.state.changed``, and when it was received."""

    value: bytes
    offset: int
    received_ms: int


def normalise_together(
    records: Sequence[SourceRecord],
    statics: VesselStates,
    *,
    identity: Identity,
    source_partition: int,
    future_limit_ms: int,
) -> tuple[Normalised, list[int]]:
    """Return what *records*, in their order, hold as one batch, and for each reject the number of its record.

    The same as `normalise` for one after the other, but the price of the arrays is paid once: a record with a
    single state costs a tenth.
    """
    readings = [read_record(record.value) for record in records]
    counts = [len(reading.states) for reading in readings]
    number = np.repeat(np.arange(len(records)), counts)
    index = np.concatenate([reading.indexes for reading in readings])
    joined = Reading(
        [state for reading in readings for state in reading.states],
        np.arange(len(number)),
        unread=sum(reading.unread for reading in readings),
    )
    received = np.array([record.received_ms for record in records], dtype=np.int64)[number]
    offset = np.array([record.offset for record in records], dtype=np.int64)[number]
    found = _normalise(joined, statics, identity, received, future_limit_ms)
    place = found.batch.source_index
    batch = replace(
        found.batch,
        source_partition=np.full(len(place), source_partition, dtype=POSITION_COLUMNS["source_partition"]),
        source_offset=offset[place],
        source_index=index[place].astype(POSITION_COLUMNS["source_index"]),
    )
    rejects = [(each, reject) for each, reading in enumerate(readings) for reject in reading.rejects]
    # In the joined reading every reject has a place.
    places = [reject.index or 0 for reject in found.rejects]
    rejects += [
        (int(number[at]), replace(reject, index=int(index[at])))
        for at, reject in zip(places, found.rejects, strict=True)
    ]
    return replace(found, batch=batch, rejects=[reject for _, reject in rejects]), [each for each, _ in rejects]


def _normalise(
    reading: Reading, statics: VesselStates, identity: Identity, received_ms: IntArray, future_limit_ms: int
) -> Normalised:
    try:
        work = StateColumns(reading, identity)
    except (OverflowError, TypeError, ValueError):
        # A number beyond 64 bits, or states built by hand with values of other types.
        again = read_elements([{name: getattr(s, name) for name in s.__struct_fields__} for s in reading.states])
        rejects = [replace(reject, index=int(reading.indexes[reject.index or 0])) for reject in again.rejects]
        received_ms = received_ms[again.indexes]
        indexes = reading.indexes[again.indexes]
        reading = Reading(again.states, indexes, [*reading.rejects, *rejects], reading.unread + again.unread)
        work = StateColumns(reading, identity)
    batch, detection = _positions(work, statics, received_ms, future_limit_ms)
    counts = {name: number for name, number in work.counts.items() if number}
    return Normalised(batch, detection, sorted(work.rejects, key=lambda reject: reject.index or 0), counts)


def _positions(
    work: StateColumns, statics: VesselStates, received_ms: IntArray, future_limit_ms: int
) -> tuple[PositionBatch, Detection]:
    accepted = np.flatnonzero(work.accepted)
    if not len(accepted):
        return empty_batch(), Detection(np.arange(0), statics.rows[:0].copy())
    slots = statics.slots(work.vessel[accepted])
    known, detection = join(statics, slots, _given(work, statics.strings, accepted))
    has_position = work.has_position[accepted]
    rows = accepted[has_position]
    known = known.compress(has_position)
    work.counts["positions"] = len(rows)
    vessel = work.vessel[rows]
    mmsi = np.where(vessel >= 10_000_000, vessel, known["mmsi"])
    known["flag"] = _flags(known["flag"], mmsi, statics.strings)
    at_ms, received_ms = work.at_ms[rows], received_ms[rows]
    in_future = at_ms > received_ms + future_limit_ms
    work.counts["future"] = int(np.count_nonzero(in_future))
    columns = {
        "vessel": vessel,
        "imo": np.where(vessel < 10_000_000, vessel, known["imo"]),
        "mmsi": mmsi,
        "at_ms": np.where((at_ms == 0) | in_future, received_ms, at_ms),
        "received_ms": received_ms,
        "lon_deg": work.lon_deg[rows],
        "lat_deg": work.lat_deg[rows],
        "sog_kn": ais.speeds(work.floats("sog_kn"), work.message_type)[rows],
        "cog_deg": ais.angles(work.floats("cog_deg")[rows]),
        "heading_deg": ais.angles(work.floats("heading_deg")[rows]),
        "nav_status": _statuses(work.integers("nav_status", -1)[rows]),
        **{name: known[name] for name in STRING_COLUMNS},
        "draught_m": np.where(known["draught_m"] > 0, known["draught_m"], np.nan),
        "source_partition": np.zeros(len(rows)),
        "source_offset": np.zeros(len(rows)),
        "source_index": work.reading.indexes[rows],
    }
    typed = {name: columns[name].astype(dtype, copy=False) for name, dtype in POSITION_COLUMNS.items()}
    return PositionBatch(**typed, strings=statics.strings.texts), detection


def _given(work: StateColumns, strings: Strings, accepted: IntArray) -> dict[str, Any]:
    """Return the static columns in which any state says something, for the *accepted* states."""
    given: dict[str, Any] = dict(given_texts(work.columns, strings))
    # Numbers that the vessel's own number already says are not remembered once more.
    given["imo"] = np.where(work.imo != work.vessel, work.imo, 0).astype(np.int32)
    given["mmsi"] = np.where(work.mmsi != work.vessel, work.mmsi, 0).astype(np.int32)
    for name in SIZES:
        column = work.columns[name]
        if column.count(None) < len(column):
            sizes = [(place, size) for place, size in enumerate(column) if size is not None and 0.0 < size < 1000.0]
            given[name] = np.zeros(len(column), dtype=np.float32)
            given[name][[place for place, _ in sizes]] = [size for _, size in sizes]
    return {name: column[accepted] for name, column in given.items() if name not in ("imo", "mmsi") or column.any()}


def _statuses(codes: IntArray) -> IntArray:
    return np.where((codes >= 0) & (codes < 15), codes, -1)


def _flags(flag: IntArray, mmsi: IntArray, strings: Strings) -> IntArray:
    """Return the flags with those that no source gave taken from the MMSI's country digits."""
    unknown = flag < 0
    if not unknown.any():
        return flag
    numbers = _flag_numbers.get(strings)
    if numbers is None:
        numbers = _flag_numbers[strings] = strings.translate(_FLAGS)
    flag = flag.copy()
    flag[unknown] = numbers[mmsi[unknown] // 1_000_000]
    return flag
