"""Positions of many vessels, some of them late -> how far the source as a whole has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from vesselflow.core.model import IntArray, PositionBatch

#: The watermark is looked at where it passes a multiple of this, so that batches may be cut anywhere.
TICK_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Clock:
    """The newest event time that anybody reported, never ahead of its receipt; 0 before anything came.

    ``since_ms`` is from when on the source was heard without a break.
    """

    watermark_ms: int = 0
    since_ms: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """The clock at each position of a batch, and the positions at which it passes a multiple of `TICK_MS`."""

    watermark_ms: IntArray
    since_ms: IntArray
    ticks: IntArray
    end: Clock


def course(clock: Clock, batch: PositionBatch, break_ms: int) -> Course:
    """Return how *batch* moves *clock* on; a watermark that rises by more than *break_ms* at once ends a break."""
    reached = np.maximum.accumulate(np.minimum(batch.at_ms, batch.received_ms))
    watermark = np.maximum(reached, clock.watermark_ms)
    before = np.append(clock.watermark_ms, watermark)[: len(batch)]
    since = np.maximum.accumulate(np.where(watermark - before > break_ms, watermark, clock.since_ms))
    ticks = np.flatnonzero(watermark // TICK_MS > before // TICK_MS)
    end = Clock(int(watermark[-1]), int(since[-1])) if len(batch) else clock
    return Course(watermark, since, ticks, end)
