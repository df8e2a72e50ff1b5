"""Fences in Postgres: their states over time for the workers, and what the command line does with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from vesselflow.adapters.pool import EPOCH, Database
from vesselflow.core.errors import UsageError
from vesselflow.core.model import FenceVersion

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

#: 100,000 fences take seconds to read and to write.
_BULK_TIMEOUT_S: Final = 120
_MAX_NAME: Final = 255
#: The namespace of the ids of imported fences. Changing it would import every file a second time.
_IMPORTED: Final = UUID("c6a1b0de-4f3e-5f0a-9a35-0e4f5d8a7b21")

_VERSION: Final = """
    SELECT version
    FROM change_versions
    WHERE name = 'geofences'
"""
_CHANGES: Final = """
    SELECT change, at
    FROM geofence_changes
"""
# Without a moment that ended it, or ended late enough; one that a single transaction both began and ended never was.
_STATES: Final = """
    SELECT v.geofence_id::text, v.client_id, v.name, ST_AsBinary(v.polygon), v.from_change, v.until_change
    FROM geofence_versions AS v
    WHERE v.until_change IS NULL
        OR v.until_change <> v.from_change
        AND v.until_change IN (SELECT change FROM geofence_changes WHERE at >= $1)
    ORDER BY v.version
"""
_INSERT: Final = """
    INSERT INTO geofences (id, client_id, name, polygon)
    SELECT id, $1, name, ST_GeomFromWKB(polygon, 4326)
    FROM unnest($2::uuid[], $3::varchar[], $4::bytea[]) AS new (id, name, polygon)
    ON CONFLICT (id) DO NOTHING
"""
_LIST: Final = """
    SELECT id::text, client_id, name, is_active, created_at, updated_at, ST_NPoints(polygon) AS vertices
    FROM geofences
    WHERE $1::varchar IS NULL
        OR client_id = $1
    ORDER BY client_id, name, id
"""


@dataclass(frozen=True, slots=True)
class FenceRow:
    """One fence as it is now, without its shape."""

    id: str
    client_id: str
    name: str
    is_active: bool
    created_at: datetime
    updated_at: datetime
    vertices: int


class PostgresFences:
    """Fulfils `FenceStore`.

    A state counts from *delay_ms* after its change until *delay_ms* after the change that ended it: every worker
    has read a change by then, so that all of them, and a replay, judge a position by the same fences.
    """

    def __init__(self, database: Database, *, delay_ms: int = 2000) -> None:
        self._database = database
        self._delay_ms = delay_ms

    async def fences(self, since_ms: int) -> tuple[int, list[FenceVersion]]:
        """Return the version and every fence state in force at or after *since_ms*, oldest first."""
        since = EPOCH + timedelta(milliseconds=since_ms - self._delay_ms + 1)
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(f"SET LOCAL statement_timeout = '{_BULK_TIMEOUT_S}s'")
            version = await connection.fetchval(_VERSION)
            changes = await connection.fetch(_CHANGES)
            rows = await connection.fetch(_STATES, since, timeout=_BULK_TIMEOUT_S)
        moments = {change: (at - EPOCH) // timedelta(milliseconds=1) + self._delay_ms for change, at in changes}
        return version, _states(rows, moments)

    async def fences_version(self) -> int:
        """Return a number that grows with every change of any fence."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(_VERSION))

    async def insert_fences(self, client_id: str, fences: Sequence[tuple[str, bytes]]) -> list[str]:
        """Insert ``(name, WKB)`` as active fences of a client, all or none; return their ids in that order.

        An id follows from client, name and shape: what is there already stays as it is, so a repeated import,
        also one whose first outcome is unknown, changes nothing.

        Raises:
            UsageError: a name or the client is empty or too long.
            Unavailable: Postgres cannot be reached.
        """
        for name in (client_id, *(name for name, _ in fences)):
            if not name or len(name) > _MAX_NAME or "\0" in name:
                raise UsageError(f"expected a name of 1 to {_MAX_NAME} characters, got {name[:40]!r} of {len(name)}")
        ids = [fence_id(client_id, name, wkb) for name, wkb in fences]
        new = dict(zip(ids, fences, strict=True))
        columns = ([*map(UUID, new)], [name for name, _ in new.values()], [wkb for _, wkb in new.values()])
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = '{_BULK_TIMEOUT_S}s'")
            await connection.execute(_INSERT, client_id, *columns, timeout=_BULK_TIMEOUT_S)
        return ids

    async def list_fences(self, client_id: str | None = None) -> list[FenceRow]:
        """Return the fences of a client, or of all, by client and name."""
        async with self._database.connection() as connection:
            return [FenceRow(**row) for row in await connection.fetch(_LIST, client_id)]

    async def clients(self) -> list[str]:
        """Return every client that has a fence."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT DISTINCT client_id FROM geofences ORDER BY client_id")
            return [row["client_id"] for row in rows]


def fence_id(client_id: str, name: str, wkb: bytes) -> str:
    """Return the id that an imported fence gets."""
    return str(uuid5(_IMPORTED, f"{client_id}\0{name}\0{wkb.hex()}"))


def _states(rows: Sequence[asyncpg.Record], moments: Mapping[int, int]) -> list[FenceVersion]:
    return [
        FenceVersion(id_, client_id, name, wkb, moments[from_change], moments.get(until_change))
        for id_, client_id, name, wkb, from_change, until_change in rows
    ]
