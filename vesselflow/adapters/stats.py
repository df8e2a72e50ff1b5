"""The singleton row of activity statistics in Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from vesselflow.adapters.pool import Database

_COUNTS: Final = ("active_now", "active_last_hour", "active_last_24h", "total_vessels", "positions_last_hour")
_JSON: Final = ("vessel_types", "top_flags")

_WRITE: Final = """
    INSERT INTO vessel_activity_realtime
        (id, active_now, active_last_hour, active_last_24h, total_vessels, positions_last_hour, vessel_types, top_flags,
        speed_avg, updated_at)
    VALUES ('singleton', $1, $2, $3, $4, $5, $6::text::json, $7::text::json, $8, now())
    ON CONFLICT (id) DO UPDATE
    SET active_now = excluded.active_now,
        active_last_hour = excluded.active_last_hour,
        active_last_24h = excluded.active_last_24h,
        total_vessels = excluded.total_vessels,
        positions_last_hour = excluded.positions_last_hour,
        vessel_types = excluded.vessel_types,
        top_flags = excluded.top_flags,
        speed_avg = excluded.speed_avg,
        updated_at = excluded.updated_at
"""
_READ: Final = """
    SELECT active_now, active_last_hour, active_last_24h, total_vessels, positions_last_hour, vessel_types, top_flags,
        speed_avg, updated_at
    FROM vessel_activity_realtime
    WHERE id = 'singleton'
"""


class PostgresStats:
    """Fulfils `StatsStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write_stats(self, row: Mapping[str, Any]) -> None:
        """Write the row; ``updated_at`` becomes now."""
        values = [row[name] for name in _COUNTS]
        values += [msgspec.json.encode(row[name]).decode() for name in _JSON]
        async with self._database.connection() as connection:
            await connection.execute(_WRITE, *values, Decimal(str(row["speed_avg"])))

    async def read_stats(self) -> dict[str, Any] | None:
        """Return the row by its columns, None when it is missing; ``updated_at`` is an aware datetime."""
        async with self._database.connection() as connection:
            found = await connection.fetchrow(_READ)
        return None if found is None else dict(found) | {name: msgspec.json.decode(found[name]) for name in _JSON}
