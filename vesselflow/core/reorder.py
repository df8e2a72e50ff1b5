"""Fixes out of order -> fixes in order, as far as waiting can bring it about.

A fix waits until its vessel has sent one that is so much newer. One that arrives when that has happened already is too
late. Both follow from the vessel's own fixes alone, so that batches may be cut anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from vesselflow.core.model import POSITION_COLUMNS, STRING_COLUMNS, IntArray, PositionBatch
from vesselflow.core.states import VesselStates

#: One fix by the names of the columns, its texts spelt out: plain values that a table can hold.
Waiting = dict[str, Any]

#: More than any time in milliseconds, so that vessels can be told apart by adding a multiple of it.
_APART: Final = 1 << 43


def reordered(
    states: VesselStates, batch: PositionBatch, wait_ms: int
) -> tuple[PositionBatch, dict[int, list[Waiting]], int]:
    """Return the fixes whose wait is over, each vessel's in order of time, and the waiting ones of its slots.

    The number is of those that came too late to wait; they are gone.
    """
    slots = states.slots(batch.vessel)
    waiting = _waiting(states, np.unique(slots).tolist())
    fixes = [fix for held in waiting.values() for fix in held] + _fixes(batch)
    slot = np.concatenate([np.repeat(list(waiting), [len(held) for held in waiting.values()]), slots]).astype(np.int64)
    at_ms = np.array([fix["at_ms"] for fix in fixes], dtype=np.int64)
    newest_ms = _newest_before(slot, at_ms)
    is_late = newest_ms - at_ms >= wait_ms
    is_late[: len(fixes) - len(batch)] = False
    last_ms = _newest(slot, at_ms)
    is_due = ~is_late & (last_ms - at_ms >= wait_ms)
    order = np.lexsort((at_ms, slot))
    still: dict[int, list[Waiting]] = {each: [] for each in np.unique(slots).tolist()}
    for index in order[(~is_late & ~is_due)[order]].tolist():
        still[int(slot[index])].append(fixes[index])
    return _batch([fixes[index] for index in order[is_due[order]].tolist()]), still, int(np.count_nonzero(is_late))


def waiting_fixes(states: VesselStates) -> PositionBatch:
    """Return every fix that still waits, in order of time."""
    held = _waiting(states, list(states.notes))
    return _batch(sorted((fix for fixes in held.values() for fix in fixes), key=lambda fix: fix["at_ms"]))


def _waiting(states: VesselStates, slots: Sequence[int]) -> Mapping[int, list[Waiting]]:
    notes = {slot: states.notes[slot].get("held") for slot in slots if slot in states.notes}
    return {slot: held for slot, held in notes.items() if held}


def _newest(slot: IntArray, at_ms: IntArray) -> IntArray:
    newest = np.zeros(int(slot.max(initial=0)) + 1, dtype=np.int64)
    np.maximum.at(newest, slot, at_ms)
    found: IntArray = newest[slot]
    return found


def _newest_before(slot: IntArray, at_ms: IntArray) -> IntArray:
    """Return for each fix the newest time of its vessel before it arrived; its own for a first one."""
    order = np.argsort(slot, kind="stable")
    _, group = np.unique(slot[order], return_inverse=True)
    upto = np.maximum.accumulate(at_ms[order] + group * _APART) - group * _APART
    newest = np.empty_like(at_ms)
    newest[order] = upto
    return newest


def _fixes(batch: PositionBatch) -> list[Waiting]:
    columns = {name: getattr(batch, name).tolist() for name in POSITION_COLUMNS}
    for name in STRING_COLUMNS:
        columns[name] = [batch.strings[index] if index >= 0 else None for index in columns[name]]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _batch(fixes: Sequence[Waiting]) -> PositionBatch:
    strings: dict[str, int] = {}
    columns = {name: [fix.get(name) for fix in fixes] for name in POSITION_COLUMNS}
    for name in STRING_COLUMNS:
        columns[name] = [-1 if text is None else strings.setdefault(text, len(strings)) for text in columns[name]]
    typed = {name: np.array(columns[name], dtype=dtype) for name, dtype in POSITION_COLUMNS.items()}
    return PositionBatch(**typed, strings=tuple(strings))
