"""The texts in a batch's column -> the numbers by which a detector's state knows them."""

from __future__ import annotations

import numpy as np

from vesselflow.core.model import IntArray, PositionBatch
from vesselflow.core.states import Strings


def text_numbers(batch: PositionBatch, column: IntArray, strings: Strings) -> IntArray:
    """Return the number in *strings* of each position's text in *column*; -1 when it is missing or empty.

    Only texts of this column are given numbers: the batch's table also holds every name, which would fill
    *strings* with texts that no state needs.
    """
    numbers = np.full(len(batch.strings) + 1, -1, dtype=np.int64)
    for index in set(column.tolist()):
        if index >= 0 and batch.strings[index]:
            numbers[index] = strings.number(batch.strings[index])
    found: IntArray = numbers[column]
    return found
