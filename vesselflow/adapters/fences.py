"""Fences in Postgres -> their states over time, for the workers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vesselflow.adapters.fence_table import FenceTable
from vesselflow.adapters.pool import BULK_TIMEOUT_S, EPOCH, Database
from vesselflow.core.model import FenceVersion

if TYPE_CHECKING:
    import asyncpg

_PIECE: Final = 500

_VERSION: Final = """
    SELECT version
    FROM change_versions
    WHERE name = 'geofences'
"""
# One that a single transaction both began and ended never was.
_STATES: Final = """
    SELECT
        v.geofence_id::text,
        v.client_id,
        v.name,
        ST_AsBinary(v.polygon),
        v.rules::text,
        floor(extract(epoch FROM f.at) * 1000)::bigint,
        floor(extract(epoch FROM u.at) * 1000)::bigint
    FROM geofence_versions AS v
    JOIN geofence_changes AS f ON f.change = v.from_change
    LEFT JOIN geofence_changes AS u ON u.change = v.until_change
    WHERE v.until_change IS DISTINCT FROM v.from_change
"""
_IN_FORCE_SINCE: Final = f"""{_STATES}
        AND (v.until_change IS NULL OR u.at >= $1)
    ORDER BY v.version
"""
_CHANGED_AFTER: Final = f"""{_STATES}
        AND (v.from_change > $1 OR v.until_change > $1)
    ORDER BY v.version
"""


class PostgresFences(FenceTable):
    """Fulfils `FenceStore`.

    A state counts from *delay_ms* after its change until *delay_ms* after the change that ended it: every worker
    has read a change by then, so that all of them, and a replay, judge a position by the same fences.
    """

    def __init__(self, database: Database, *, delay_ms: int = 1500) -> None:
        super().__init__(database)
        self._delay_ms = delay_ms

    async def fences(self, since_ms: int) -> tuple[int, list[FenceVersion]]:
        """Return the version and every fence state in force at or after *since_ms*, oldest first."""
        return await self._states(_IN_FORCE_SINCE, EPOCH + timedelta(milliseconds=since_ms - self._delay_ms + 1))

    async def fences_after(self, version: int) -> tuple[int, list[FenceVersion]]:
        """Return the version, and every fence state that a change after *version* began or ended, oldest first."""
        return await self._states(_CHANGED_AFTER, version)

    async def fences_version(self) -> int:
        """Return a number that grows with every change of any fence."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(_VERSION))

    async def _states(self, query: str, argument: object) -> tuple[int, list[FenceVersion]]:
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(f"SET LOCAL statement_timeout = '{BULK_TIMEOUT_S}s'")
            version = await connection.fetchval(_VERSION)
            states: list[FenceVersion] = []
            # In pieces, so that neither reading nor collecting garbage holds up the stream for long.
            cursor = await connection.cursor(query, argument, timeout=BULK_TIMEOUT_S)
            while rows := await cursor.fetch(_PIECE):
                states += _versions(rows, self._delay_ms)
        return version, states


def _versions(rows: Sequence[asyncpg.Record], delay_ms: int) -> list[FenceVersion]:
    return [
        FenceVersion(
            id_, client_id, name, wkb, from_ms + delay_ms, None if until_ms is None else until_ms + delay_ms, rules
        )
        for id_, client_id, name, wkb, rules, from_ms, until_ms in rows
    ]
