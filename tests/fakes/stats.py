from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.fakes.outage import Outage
from vesselflow.ports import Clock


class MemoryStats(Outage):
    """Fulfils `StatsStore`."""

    def __init__(self, clock: Clock) -> None:
        self.row: dict[str, Any] | None = {
            "active_now": 0,
            "active_last_hour": 0,
            "active_last_24h": 0,
            "total_vessels": 0,
            "positions_last_hour": 0,
            "vessel_types": {},
            "top_flags": [],
            "speed_avg": 0,
            "updated_at": datetime.fromtimestamp(clock.now_ms() / 1000, UTC),
        }
        self._clock = clock

    async def write_stats(self, row: Mapping[str, Any]) -> None:
        self.check()
        self.row = {**row, "updated_at": datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)}

    async def read_stats(self) -> Mapping[str, Any] | None:
        self.check()
        return self.row
