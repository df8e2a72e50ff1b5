"""A record of ``vessel.state.changed`` -> states of the declared types, and what could not be read.

Well-formed records take the fast way. Everything else is read element by element, so that one bad element spoils
no other.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from vesselflow.core.errors import InvalidRecord
from vesselflow.core.fields import state_of
from vesselflow.core.model import IntArray, VesselState

#: A dead letter holds at most 64 KB, its envelope included.
MAX_PAYLOAD: Final = 48_000


@dataclass(frozen=True, slots=True)
class Reject:
    """An element (``index``) or a whole record (None) that cannot be used; ``payload`` is JSON text or the raw text."""

    index: int | None
    reason: str
    payload: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The states of a record and the place of each in it; ``unread`` counts lesser values that were left out."""

    states: Sequence[VesselState]
    indexes: IntArray
    rejects: list[Reject] = field(default_factory=list)
    unread: int = 0


class _StrictState(VesselState, forbid_unknown_fields=True, gc=False):
    """A state with no other field: a field by another name must not be overlooked.

    Outside of the garbage collector's sight, which else looks at every one of them; plain values make no cycles.
    """


_strict_decoder = msgspec.json.Decoder(list[_StrictState])


def read_record(record: bytes) -> Reading:
    """Return the states of *record*, one JSON object or an array of them; never raises."""
    if not record or record.isspace():
        return _unreadable(record, "expected a vessel state, got nothing")
    try:
        # The types are the same but for a setting of the decoder.
        return reading_of(_strict_decoder.decode(record if record[:1] == b"[" else b"[" + record + b"]"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return read_leniently(record)


def reading_of(states: Sequence[VesselState]) -> Reading:
    """Return *states* as a reading without losses."""
    return Reading(states, np.arange(len(states)))


def read_leniently(record: bytes) -> Reading:
    """Return the states of *record*, whatever their fields are called and however their numbers are written."""
    try:
        text = record.decode("utf-8", "replace").removeprefix("\ufeff")
        found = json.loads(text, parse_int=_bounded_int)
    except (ValueError, RecursionError) as error:
        return _unreadable(record, f"expected JSON: {error}"[:200])
    return read_elements(found if isinstance(found, list) else [found])


def read_elements(elements: Sequence[Any]) -> Reading:
    """Return the states that *elements*, values as JSON knows them, describe."""
    states, indexes, rejects, unread = [], [], [], 0
    for index, element in enumerate(elements):
        try:
            state, losses = state_of(element)
        except InvalidRecord as error:
            rejects.append(Reject(index, error.reason, json_text(element), error.detail))
            continue
        states.append(state)
        indexes.append(index)
        unread += losses
    return Reading(states, np.array(indexes, dtype=np.int64), rejects, unread)


def json_text(element: object) -> str:
    """Return *element* as JSON text, cut to what a dead letter can hold."""
    try:
        if isinstance(element, VesselState):
            return msgspec.json.encode(element).decode("utf-8")[:MAX_PAYLOAD]
        return json.dumps(element)[:MAX_PAYLOAD]
    except (ValueError, TypeError, RecursionError):
        return f"<{type(element).__name__} that cannot be written as JSON>"


def _unreadable(record: bytes, detail: str) -> Reading:
    payload = record[:MAX_PAYLOAD].decode("utf-8", "replace")[:MAX_PAYLOAD]
    return Reading((), np.arange(0), [Reject(None, "not-json", payload, detail)])


def _bounded_int(digits: str) -> int | float:
    # Turning thousands of digits into an int takes time in their square; a float says as well that it is too large.
    return int(digits) if len(digits) <= 20 else float(digits)
