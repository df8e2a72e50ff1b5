"""The table of fences as people work on it: list, export, change, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from vesselflow.adapters.fence_import import Imported, import_fences
from vesselflow.adapters.pool import BULK_TIMEOUT_S, Database
from vesselflow.core.errors import UsageError
from vesselflow.core.fence_files import NewFence, WholeFence, check_name

if TYPE_CHECKING:
    from datetime import datetime

_LIST: Final = """
    SELECT id::text, client_id, name, is_active, created_at, updated_at, ST_NPoints(polygon) AS vertices, rules::text
    FROM geofences
    WHERE $1::varchar IS NULL
        OR client_id = $1
    ORDER BY client_id, name, id
"""
_WHOLE: Final = """
    SELECT id::text, client_id, name, is_active, rules::text, ST_AsBinary(polygon) AS wkb
    FROM geofences
    WHERE client_id = $1
    ORDER BY name, id
"""
_SET: Final = """
    UPDATE geofences
    SET
        is_active = coalesce($2, is_active),
        name = coalesce($3, name),
        rules = coalesce($4::text::jsonb, rules)
    WHERE id = $1
    RETURNING id
"""
_DELETE: Final = """
    DELETE FROM geofences
    WHERE id = ANY($1::uuid[])
    RETURNING id
"""
_DELETE_ALL: Final = """
    WITH deleted AS (
        DELETE FROM geofences
        WHERE client_id = $1
        RETURNING id
    )
    SELECT count(*)
    FROM deleted
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
    rules: Mapping[str, Any]


class FenceTable:
    """What people do with fences. Every method raises `Unavailable` when Postgres cannot be reached."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert_fences(self, client_id: str, fences: Sequence[tuple[str, bytes]]) -> list[str]:
        """Insert ``(name, WKB)`` as active fences of a client, all or none; return their ids in that order.

        What is there already stays as it is.
        """
        new = [NewFence(name=name, wkb=wkb) for name, wkb in fences]
        return list((await self.import_fences(client_id, new)).ids)

    async def import_fences(
        self,
        client_id: str,
        fences: Sequence[NewFence],
        *,
        replaces: bool = False,
        advance: Callable[[int], None] = lambda count: None,
    ) -> Imported:
        """Make *fences* a client's, all or none; see `fence_import.import_fences`."""
        return await import_fences(self._database, client_id, fences, replaces=replaces, advance=advance)

    async def list_fences(self, client_id: str | None = None) -> list[FenceRow]:
        """Return the fences of a client, or of all, by client and name."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(_LIST, client_id, timeout=BULK_TIMEOUT_S)
        return [FenceRow(**{**row, "rules": msgspec.json.decode(row["rules"])}) for row in rows]

    async def whole_fences(self, client_id: str) -> list[WholeFence]:
        """Return the fences of a client with their shapes, by name."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(_WHOLE, client_id, timeout=BULK_TIMEOUT_S)
        return [WholeFence(**{**row, "rules": msgspec.json.decode(row["rules"])}) for row in rows]

    async def clients(self) -> list[str]:
        """Return every client that has a fence."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT DISTINCT client_id FROM geofences ORDER BY client_id")
            return [row["client_id"] for row in rows]

    async def set_fence(
        self, fence_id: str, *, is_active: bool | None = None, name: str | None = None, rules: str | None = None
    ) -> None:
        """Switch a fence on or off, rename it, give it other rules (JSON that was checked); None leaves as it is.

        Raises:
            UsageError: there is no such fence, or it cannot have that name.
        """
        if name is not None:
            check_name(name)
        async with self._database.connection() as connection:
            if await connection.fetchval(_SET, _uuid(fence_id), is_active, name, rules) is None:
                raise UsageError(f"expected the id of a fence, got {fence_id}, which no fence has")

    async def delete_fences(self, ids: Sequence[str]) -> int:
        """Delete fences by id, all or none; return how many.

        Raises:
            UsageError: one of them does not exist; the message names it.
        """
        wanted = list(map(_uuid, ids))
        async with self._database.transaction() as connection:
            deleted = {row["id"] for row in await connection.fetch(_DELETE, wanted, timeout=BULK_TIMEOUT_S)}
            unknown = [str(each) for each in wanted if each not in deleted]
            if unknown:
                raise UsageError(
                    f"expected ids of fences, got {', '.join(unknown)}, which no fence has; none was deleted"
                )
        return len(deleted)

    async def delete_all(self, client_id: str) -> int:
        """Delete every fence of a client; return how many."""
        async with self._database.transaction() as connection:
            return int(await connection.fetchval(_DELETE_ALL, client_id, timeout=BULK_TIMEOUT_S))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise UsageError(f"expected the id of a fence, a UUID, got {text!r}") from error
