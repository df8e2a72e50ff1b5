"""Positions and the fences in force for each -> in which fences each position lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vesselflow.core.fences import FenceHistory, FenceSet
from vesselflow.core.model import BoolArray, IntArray, PositionBatch

HashArray = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Part:
    """The positions judged by one set of fences (``rows`` None: all of them), and the pairs of position and fence."""

    fences: FenceSet
    rows: IntArray | None
    position: IntArray
    fence: IntArray


@dataclass(frozen=True, slots=True)
class Judged:
    """For each position the sum of its fences' hashes; for each set of fences its part."""

    hashes: HashArray
    parts: list[Part]

    def since_ms(self) -> Any:
        """Return the moment since which each position's set of fences is in force; one number when there is one set."""
        if len(self.parts) == 1:
            return self.parts[0].fences.from_ms
        since = np.zeros(len(self.hashes), dtype=np.int64)
        for part in self.parts:
            since[part.rows] = part.fences.from_ms
        return since

    def around(self, wanted: BoolArray) -> dict[int, list[int]]:
        """Return the indexes of the fences around each position that is *wanted*."""
        around: dict[int, list[int]] = {}
        for part in self.parts:
            kept = wanted[part.position]
            for row, index in zip(part.position[kept].tolist(), part.fence[kept].tolist(), strict=True):
                around.setdefault(row, []).append(index)
        return around

    def sets(self) -> dict[int, FenceSet]:
        """Return each position's set of fences when there are several sets."""
        if len(self.parts) == 1:
            return {}
        return {row: part.fences for part in self.parts if part.rows is not None for row in part.rows.tolist()}


def judge(batch: PositionBatch, history: FenceHistory) -> Judged:
    """Return in which fences each position of *batch* lies, by the fences in force when it was received."""
    judged = Judged(np.zeros(len(batch), dtype=np.uint64), [])
    for fences, rows in history.split(batch.received_ms):
        if rows is None:
            position, fence = fences.containing(batch.lon_deg, batch.lat_deg)
        else:
            position, fence = fences.containing(batch.lon_deg[rows], batch.lat_deg[rows])
            position = rows[position]
        np.add.at(judged.hashes, position, fences.hashes[fence])
        judged.parts.append(Part(fences, rows, position, fence))
    return judged
