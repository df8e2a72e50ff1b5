"""Static data of vessels: the last known row of each, joined to the states of a record in their order.

A static report at one place of a record counts for that vessel's states from this place on, never before, so the
result does not depend on how a stream is cut into records.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from vesselflow.core import ais
from vesselflow.core.etas import normal_eta
from vesselflow.core.fields import MAX_TEXT
from vesselflow.core.model import BoolArray, IntArray
from vesselflow.core.states import Detection, Rows, Strings, VesselStates

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
    column = np.full(len(values), NOT_GIVEN, dtype=np.int64)
    places = [place for place, value in enumerate(values) if value is not None]
    texts = [values[place] for place in places]
    # Each text once, however many states give it.
    number_of = {value: strings.number(text) if (text := clean(value)) else blank for value in {*texts}}
    column[places] = [number_of[value] for value in texts]
    return column


def join(statics: VesselStates, slots: IntArray, given: Given) -> tuple[Rows, Detection]:
    """Return what is known at each state, as rows of `STATICS`, and the rows that changed.

    *slots* names each state's row, in the order of the record; *given* holds the columns in which any state says
    something.
    """
    rows = statics.rows
    known = rows.take(slots)  # sixteen times as fast as rows[slots]
    gives = np.zeros(len(slots), dtype=np.bool_)
    for name, values in given.items():
        gives |= values != _MISSING[name]
    if not gives.any():
        return known, Detection(slots[:0], known[:0])
    # Only the states of vessels that give something, vessel by vessel, in the order of the record.
    touched = np.flatnonzero(_among(slots, slots[gives], len(rows)))
    order = touched[np.argsort(slots[touched], kind="stable")]
    own_slots = slots[order]
    starts = np.concatenate([[True], own_slots[1:] != own_slots[:-1]])
    for name, values in given.items():
        known[name][order] = _fill(values[order], known[name][order], starts, _MISSING[name])
    ends = np.concatenate([starts[1:], [True]])
    last = known[order[ends]]
    changed = (_words(last) != _words(rows.take(own_slots[ends]))).any(axis=1)
    return known, Detection(own_slots[ends][changed], last[changed])


def _among(slots: IntArray, some: IntArray, count: int) -> BoolArray:
    """Tell which *slots*, all below *count*, are among *some*."""
    marks = np.zeros(count, dtype=np.bool_)
    marks[some] = True
    return marks[slots]


def _words(rows: Rows) -> Any:
    """Return *rows* as rows of 32-bit words, which compare faster than fields."""
    return rows.view((np.int32, STATICS.itemsize // 4))


def _fill(values: Any, stored: Any, starts: Any, missing: int) -> Any:
    """Return for each state the last value given for its vessel up to here, else the stored one."""
    is_given = values != missing
    source = np.maximum.accumulate(np.where(starts | is_given, np.arange(len(values)), 0))
    return np.where(is_given, values, stored)[source]


@lru_cache(maxsize=1 << 16)
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
    return normal_eta(_clean(text))


_CLEANERS: Final[dict[str, Callable[[Any], str]]] = {
    "name": _clean,
    "call_sign": _clean,
    "ship_type": _clean_type,
    "flag": _clean_flag,
    "destination": _clean,
    "eta": _clean_eta,
}
_MISSING: Final = {name: NOT_GIVEN if name in TEXTS else 0 for name in STATICS.names or ()}
