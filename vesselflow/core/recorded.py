"""Vessel states of the past -> batches of positions that have a time, as ingest would have made them then.

There is no receipt to judge by: every position counts as received at its own time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import numpy as np

from vesselflow.core.model import Identity, PositionBatch, VesselState, concatenate
from vesselflow.core.normalise import Normalised, normalise
from vesselflow.core.states import VesselStates
from vesselflow.core.statics import new_statics

#: Positions that are judged together. Fewer cost more for each; with more, more vessels of a batch have to be walked.
BATCH: Final = 1000
#: No time lies in the future of a file.
_NO_LIMIT_MS: Final = 1 << 60
#: Counted beside rejects: states without a position that can be judged.
_WITHOUT_POSITION: Final = ("position-not-available", "not-a-ship")
#: Counted beside rejects: values that could not be read, in states that are used.
_VALUES: Final = ("bad-value", "bad-imo")


class RecordedPositions:
    """The positions in *states*, in their order; iterate once, then the counts tell what became of the states.

    ``records`` is how many there were, ``static_reports`` how many of them hold static data alone, which is joined to
    the positions after them. ``left_out`` counts those without use by reason, ``unread`` lesser values.
    """

    def __init__(self, states: Iterable[VesselState], *, identity: Identity) -> None:
        self.records = 0
        self.static_reports = 0
        self.left_out: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self._states = states
        self._identity = identity

    def __iter__(self) -> Iterator[PositionBatch]:
        """Yield the positions in batches of at most `BATCH`, none of them empty."""
        states, statics = iter(self._states), new_statics()
        while group := list(islice(states, BATCH)):
            batch = self._positions(group, statics)
            if len(batch):
                yield batch

    def _positions(self, group: Sequence[VesselState], statics: VesselStates) -> PositionBatch:
        found = normalise(
            group,
            statics,
            identity=self._identity,
            received_ms=0,
            source_partition=0,
            source_offset=0,
            future_limit_ms=_NO_LIMIT_MS,
        )
        statics.apply(found.detection)
        # What has no time of its own got that of its receipt, which is 0 here.
        timed = found.batch.take(found.batch.at_ms > 0)
        self._count(len(group), found, without_time=len(found.batch) - len(timed))
        return replace(timed, received_ms=timed.at_ms)

    def _count(self, records: int, found: Normalised, *, without_time: int) -> None:
        self.records += records
        self.static_reports += found.counts.get("static-only", 0)
        self.left_out.update(reject.reason for reject in found.rejects)
        self.left_out.update({reason: found.counts.get(reason, 0) for reason in _WITHOUT_POSITION})
        self.left_out["no-time"] += without_time
        self.unread.update({reason: found.counts.get(reason, 0) for reason in _VALUES})


def in_order_of_time(batches: Iterable[PositionBatch]) -> Iterator[PositionBatch]:
    """Yield the positions of *batches* in order of time; of equal times in the order they came in.

    All of them are held at once, at about 250 bytes each.
    """
    held = list(batches)
    if not held:
        return
    everything = concatenate(held)
    held.clear()
    order = np.argsort(everything.at_ms, kind="stable")
    for start in range(0, len(order), BATCH):
        yield everything.take(order[start : start + BATCH])
