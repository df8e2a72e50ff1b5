import numpy as np
import pytest
from aiokafka.partitioner import murmur2

from vesselflow.core.partition import _murmur2, partition_of, partitions_of


# Source: Apache Kafka, clients, UtilsTest.testMurmur2.
@pytest.mark.parametrize(
    ("text", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_kafkas(text: bytes, hashed: int) -> None:
    rows = np.frombuffer(text, dtype=np.uint8).astype(np.uint32)[None, :]

    assert _murmur2(rows).astype(np.int32).tolist() == [hashed]


def test_partitions_are_those_of_another_client_of_kafka() -> None:
    vessels = np.array([1, 9, 10, 99, 9074729, 9319545, 235012345, 244660000, 799999999, 10**12, 10**17])

    for count in (1, 6, 12):
        theirs = [(murmur2(str(vessel).encode()) & 0x7FFFFFFF) % count for vessel in vessels.tolist()]
        assert partitions_of(vessels, count).tolist() == theirs


def test_one_vessel_has_the_partition_it_has_among_others() -> None:
    assert (partition_of(9074729, 6), partition_of(235012345, 6), partition_of(244660000, 6)) == (0, 0, 3)
