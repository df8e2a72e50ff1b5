"""The textbook Faust agent: one JSON position a record, a table write for each, Faust's own settings.

The peer of the throughput benchmark, and its app: ``faust -A bench.textbook worker``. It detects nothing, which is in its
favour.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Final

import faust

TOPIC: Final = "textbook.positions"
PARTITIONS: Final = 6
BROKERS: Final = "BENCH_BROKERS"
EXPECTED: Final = "BENCH_EXPECTED"
HOME: Final = "BENCH_HOME"
RESULT: Final = "textbook.json"

_home = Path(os.environ.get(HOME, "."))
_expected = int(os.environ.get(EXPECTED, "0"))

app = faust.App(
    "textbook",
    broker=f"kafka://{os.environ.get(BROKERS, 'localhost')}",
    store="rocksdb://",
    datadir=str(_home / "textbook"),
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
    consumer_auto_offset_reset="earliest",
    worker_redirect_stdouts=False,
)


class Position(faust.Record, serializer="json"):
    """One vessel state."""

    MMSI: int
    Latitude: float
    Longitude: float
    SpeedOverGround: float
    Timestamp: int


positions = app.topic(TOPIC, value_type=Position, partitions=PARTITIONS)
last = app.Table("last-positions", partitions=PARTITIONS)


@app.agent(positions)
async def remember(stream: Any) -> None:
    """Keep the last position of each vessel, and write down how long that took when all have come."""
    count, started = 0, 0.0
    async for position in stream:
        started = started or time.monotonic()
        last[str(position.MMSI)] = position.asdict()
        count += 1
        if count == _expected:
            result = {"positions": count, "seconds": time.monotonic() - started}
            (_home / RESULT).write_text(json.dumps(result))
