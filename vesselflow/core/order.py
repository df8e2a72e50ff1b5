"""Fixes as they arrive -> those that are newer than all of their vessel before them; no other may move a state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vesselflow.core.model import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class Order:
    """Which fixes are newer than their vessel's last, and the index of the last such fix of each vessel, by slot."""

    newer: BoolArray
    last: IntArray

    def several(self, slots: IntArray) -> BoolArray:
        """Tell which fixes are of vessels with more than one newer fix; in most batches none is."""
        own = slots[self.newer]
        if len(own) == len(self.last):
            return np.zeros(len(slots), dtype=np.bool_)
        found, counts = np.unique(own, return_counts=True)
        return np.isin(slots, found[counts > 1])


def in_order(slots: IntArray, at_ms: IntArray, last_ms: IntArray) -> Order:
    """Return which fixes are newer, where *last_ms* is for each fix the newest of its vessel before the batch.

    A fix at the very time of the vessel's last one is not newer: it repeats it.
    """
    order = np.argsort(slots, kind="stable")
    own, times = slots[order], at_ms[order]
    newer = times > last_ms[order]
    starts = np.ones(len(own), dtype=np.bool_)
    starts[1:] = own[1:] != own[:-1]
    if not starts.all():
        newer &= starts | _climbs(starts, times)
    kept = order[newer]
    is_last = np.append(slots[kept][1:] != slots[kept][:-1], True)[: len(kept)]
    mask = np.zeros(len(own), dtype=np.bool_)
    mask[kept] = True
    return Order(mask, kept[is_last])


def _climbs(starts: BoolArray, times: IntArray) -> BoolArray:
    """Tell which times are above all before them of their run; *starts* marks where runs begin."""
    # Each run is lifted above the one before it, so that one running maximum serves them all.
    lifted = (np.cumsum(starts) - 1) * (times.max() - times.min() + 1) + (times - times.min())
    climbs = np.ones(len(times), dtype=np.bool_)
    climbs[1:] = lifted[1:] > np.maximum.accumulate(lifted)[:-1]
    return climbs
