"""A vessel -> its partition of ``vessel.state.changed``, as every Kafka client computes it from the record's key.

The key is the vessel's number as decimal text.

Source: Apache Kafka, clients, ``org.apache.kafka.common.utils.Utils.murmur2`` and ``toPositive`` (Apache-2.0).
"""

from functools import lru_cache
from typing import Any, Final

import numpy as np

from vesselflow.core.model import IntArray

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_ZERO: Final = ord("0")


@lru_cache(maxsize=1 << 17)
def partition_of(vessel: int, partitions: int) -> int:
    """Return the partition of one vessel."""
    return int(partitions_of(np.array([vessel], dtype=np.int64), partitions)[0])


def partitions_of(vessels: IntArray, partitions: int) -> IntArray:
    """Return the partition of each vessel, a positive number of at most 18 digits."""
    result = np.empty(len(vessels), dtype=np.int64)
    lengths = np.searchsorted(_POWERS, vessels, side="right")
    for length in np.unique(lengths).tolist():
        rows = lengths == length
        result[rows] = (_murmur2(_digits(vessels[rows], length)) & 0x7FFFFFFF) % partitions
    return result


_POWERS: Final = 10 ** np.arange(1, 19, dtype=np.int64)


def _digits(numbers: IntArray, length: int) -> Any:
    """Return the decimal text of each number, all of *length* + 1 digits, as rows of bytes."""
    powers = 10 ** np.arange(length, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + _ZERO).astype(np.uint32)


def _murmur2(data: Any) -> Any:
    """Return the hash of each row of bytes; in 32 bits, which wrap as Java's do."""
    length = data.shape[1]
    h: Any = np.full(len(data), _SEED ^ length, dtype=np.uint32)
    m = np.uint32(_M)
    for start in range(0, length - 3, 4):
        k = data[:, start] | data[:, start + 1] << 8 | data[:, start + 2] << 16 | data[:, start + 3] << 24
        k = k * m
        k = (k ^ k >> 24) * m
        h = h * m ^ k
    rest = length % 4
    if rest:
        for place in range(rest):
            h = h ^ data[:, length - rest + place] << (8 * place)
        h = h * m
    h = (h ^ h >> 13) * m
    return h ^ h >> 15
