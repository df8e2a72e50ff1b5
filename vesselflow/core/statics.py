"""Static data of vessels: the last known row of each, joined to the states of a record in their order.

A static report at one place of a record counts for that vessel's states from this place on, never before, so the
result does not depend on how a stream is cut into records.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from vesselflow.core import ais
from vesselflow.core.fields import MAX_TEXT
from vesselflow.core.model import IntArray, VesselState
from vesselflow.core.states import Detection, Strings, VesselStates

#: What is remembered of a vessel. Numbers: 0 is unknown. Texts are numbers of the states' strings: -1 is unknown.
STATICS: Final = np.dtype(
    [
        ("vessel", "<i8"),
        ("imo", "<i4"),
        ("mmsi", "<i4"),
        ("name", "<i4"),
        ("call_sign", "<i4"),
        ("ship_type", "<i4"),
        ("flag", "<i4"),
        ("destination", "<i4"),
        ("eta", "<i4"),
        ("draught_m", "<f4"),
        ("length_m", "<f4"),
        ("width_m", "<f4"),
    ]
)
TEXTS: Final = ("name", "call_sign", "ship_type", "flag", "destination", "eta")

#: In a column of given texts: this state says nothing about it. -1 says that there is none (only a destination can).
NOT_GIVEN: Final = -2

#: A column of `STATICS`, one element a state.
Given = Mapping[str, Any]


def new_statics(*, buckets: int = 256) -> VesselStates:
    """Return an empty memory of static data."""
    return VesselStates(STATICS, text_fields=TEXTS, buckets=buckets)


def given_texts(columns: Mapping[str, Sequence[Any]], strings: Strings) -> dict[str, IntArray]:
    """Return a column of numbers of *strings* for each field of `TEXTS` of which *columns* holds something.

    Blank says nothing and overwrites nothing, with one exception: a blank destination says that none is set.
    """
    given = {}
    for name in TEXTS:
        values = columns[name]
        if values.count(None) < len(values):
            given[name] = _numbers(values, _CLEANERS[name], strings, blank=-1 if name == "destination" else NOT_GIVEN)
    return given


def _numbers(values: Sequence[Any], clean: Callable[[Any], str], strings: Strings, *, blank: int) -> IntArray:
    # Once for each text that occurs, not for each state.
    number_of: dict[Any, int] = {None: NOT_GIVEN}
    for value in {*values} - {None}:
        text = clean(value)
        number_of[value] = strings.number(text) if text else blank
    return np.array([number_of[value] for value in values], dtype=np.int64)


def join(statics: VesselStates, slots: IntArray, given: Given) -> tuple[dict[str, Any], Detection]:
    """Return what is known at each state, for every field of `STATICS`, and the rows that changed.

    *slots* names each state's row, in the order of the record; *given* holds only the columns in which any state
    says something.
    """
    rows = statics.rows
    known = {name: rows[name][slots] for name in _JOINED if name not in given}
    if not given or not len(slots):
        return known, Detection(slots[:0], rows[:0].copy())
    order = np.argsort(slots, kind="stable")
    sorted_slots = slots[order]
    starts = np.concatenate([[True], sorted_slots[1:] != sorted_slots[:-1]])
    ends = np.concatenate([starts[1:], [True]])
    changed_rows = rows[sorted_slots[ends]]
    changed = np.zeros(len(changed_rows), dtype=np.bool_)
    for name, values in given.items():
        filled = _fill(values[order], rows[name][sorted_slots], starts, NOT_GIVEN if name in TEXTS else 0)
        known[name] = np.empty_like(filled)
        known[name][order] = filled
        changed |= changed_rows[name] != filled[ends]
        changed_rows[name] = filled[ends]
    return known, Detection(sorted_slots[ends][changed], changed_rows[changed])


def _fill(values: Any, stored: Any, starts: Any, missing: int) -> Any:
    """Return for each state the last value given for its vessel up to here, else the stored one."""
    is_given = values != missing
    source = np.maximum.accumulate(np.where(starts | is_given, np.arange(len(values)), 0))
    return np.where(is_given, values, stored)[source]


def _clean(text: str) -> str:
    return ais.clean_text(text[:MAX_TEXT])


def _clean_type(value: int | str) -> str:
    if isinstance(value, str):
        text = _clean(value)
        if not (text.isascii() and text.isdecimal()):
            return text
        value = int(text)
    return ais.ship_type_name(value) or ""


def _clean_flag(text: str) -> str:
    flag = _clean(text)
    return flag.upper() if len(flag) == 2 else flag


def _clean_eta(text: str) -> str:
    eta = _clean(text)
    return "" if eta.startswith("00-") else eta


_CLEANERS: Final[dict[str, Callable[[Any], str]]] = {
    "name": _clean,
    "call_sign": _clean,
    "ship_type": _clean_type,
    "flag": _clean_flag,
    "destination": _clean,
    "eta": _clean_eta,
}
_JOINED: Final = ("imo", "mmsi", "name", "ship_type", "flag", "destination")

#: Field of `VesselState` behind each text.
TEXT_SOURCES: Final = {
    "name": "VesselName",
    "call_sign": "CallSign",
    "ship_type": "VesselType",
    "flag": "Flag",
    "destination": "AISDestination",
    "eta": "ETA",
}
assert set(TEXT_SOURCES.values()) <= set(VesselState.__struct_fields__)
