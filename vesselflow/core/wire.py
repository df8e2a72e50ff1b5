"""Values to bytes and back, for every topic and table. Each envelope names its version.

Positions travel as columns in msgpack; what people may want to read travels as JSON.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np

from vesselflow.core.errors import InvalidRecord
from vesselflow.core.model import (
    POSITION_COLUMNS,
    STRING_COLUMNS,
    ActivityPartial,
    DeadLetter,
    Event,
    PositionBatch,
    VesselState,
    compact,
)

POSITIONS_VERSION: Final = 2
#: Columns that a later version brought; they are empty in a record of one before it.
_ADDED: Final = {"draught_m": 2, "eta": 2}


class _Columns(msgspec.Struct):
    v: int
    n: int
    columns: dict[str, bytes]
    strings: list[str]


_msgpack_encoder = msgspec.msgpack.Encoder()
_columns_decoder = msgspec.msgpack.Decoder(_Columns)
_json_encoder = msgspec.json.Encoder()
_states_decoder = msgspec.json.Decoder(list[VesselState])
_events_decoder = msgspec.json.Decoder(list[Event])
_partial_decoder = msgspec.json.Decoder(ActivityPartial)
_dead_letter_decoder = msgspec.json.Decoder(DeadLetter)
_any_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def encode_positions(batch: PositionBatch) -> bytes:
    """Return *batch* as one record of ``vesselflow.positions``, with the strings that occur in it."""
    batch = compact(batch)
    columns = {
        name: np.ascontiguousarray(getattr(batch, name), dtype=dtype).tobytes()
        for name, dtype in POSITION_COLUMNS.items()
    }
    return _msgpack_encoder.encode(
        _Columns(v=POSITIONS_VERSION, n=len(batch), columns=columns, strings=list(batch.strings))
    )


def decode_positions(data: bytes) -> PositionBatch:
    """Return the batch in a record of ``vesselflow.positions``; the arrays are read-only views of *data*.

    Raises:
        InvalidRecord: not such a record, or of a version this program does not know.
    """
    try:
        envelope = _columns_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRecord("undecodable", f"expected a batch of positions, got {len(data)} bytes: {error}") from error
    if not 1 <= envelope.v <= POSITIONS_VERSION:
        raise InvalidRecord("undecodable", f"expected positions of version 1 to {POSITIONS_VERSION}, got {envelope.v}")
    return _checked(envelope)


def _checked(envelope: _Columns) -> PositionBatch:
    columns = {}
    for name, dtype in POSITION_COLUMNS.items():
        if _ADDED.get(name, 1) > envelope.v:
            columns[name] = np.full(envelope.n, np.nan if dtype.kind == "f" else -1, dtype=dtype)
            continue
        raw = envelope.columns.get(name)
        if raw is None or len(raw) != envelope.n * dtype.itemsize:
            size = None if raw is None else len(raw)
            raise InvalidRecord(
                "undecodable", f"expected {envelope.n * dtype.itemsize} bytes in column {name}, got {size}"
            )
        columns[name] = np.frombuffer(raw, dtype=dtype)
    for name in STRING_COLUMNS:
        column = columns[name]
        if len(column) and not -1 <= column.min() <= column.max() < len(envelope.strings):
            raise InvalidRecord(
                "undecodable", f"expected indexes below {len(envelope.strings)} in column {name}, got others"
            )
    return PositionBatch(**columns, strings=tuple(envelope.strings))


def encode_states(states: list[VesselState]) -> bytes:
    """Return *states* as one record of ``vessel.state.changed``: a JSON array."""
    return _json_encoder.encode(states)


def decode_states(data: bytes) -> list[VesselState]:
    """Return the states of a well-formed record: one object or an array of them, of the declared types.

    Raises:
        InvalidRecord: anything else; the caller then reads it element by element.
    """
    try:
        return _states_decoder.decode(data if data[:1] == b"[" else b"[" + data + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRecord("undecodable", f"expected a vessel state or an array of them: {error}") from error


def encode_events(events: list[Event]) -> bytes:
    """Return *events* as one record of ``vesselflow.events``: a JSON array."""
    return _json_encoder.encode(events)


def decode_events(data: bytes) -> list[Event]:
    """Return the events of a record of ``vesselflow.events``.

    Raises:
        InvalidRecord: not an array of events.
    """
    try:
        return _events_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRecord("undecodable", f"expected an array of events: {error}") from error


def encode_partial(partial: ActivityPartial) -> bytes:
    """Return *partial* as one record of ``vesselflow.activity``."""
    return _json_encoder.encode(partial)


def decode_partial(data: bytes) -> ActivityPartial:
    """Return the partial in a record of ``vesselflow.activity``.

    Raises:
        InvalidRecord: not a partial.
    """
    try:
        return _partial_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRecord("undecodable", f"expected an activity partial: {error}") from error


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """Return *letter* as one record of ``vesselflow.dead-letters``."""
    return _json_encoder.encode(letter)


def decode_dead_letter(data: bytes) -> DeadLetter:
    """Return the letter in a record of ``vesselflow.dead-letters``.

    Raises:
        InvalidRecord: not a dead letter.
    """
    try:
        return _dead_letter_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRecord("undecodable", f"expected a dead letter: {error}") from error


def decode_json(data: bytes) -> Any:
    """Return whatever JSON *data* holds.

    Raises:
        InvalidRecord: not JSON.
    """
    try:
        return _any_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRecord("undecodable", f"expected JSON, got {data[:40]!r}: {error}") from error
