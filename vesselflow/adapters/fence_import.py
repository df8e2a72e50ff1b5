"""Fences from files -> rows of the table, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from vesselflow.adapters.pool import BULK_TIMEOUT_S, Database
from vesselflow.core.errors import UsageError
from vesselflow.core.fence_files import NewFence, check_name

if TYPE_CHECKING:
    from vesselflow.adapters.pool import Connection

_CHUNK: Final = 1000
#: The namespace of the ids of imported fences. Changing it would import every file a second time.
_IMPORTED: Final = UUID("c6a1b0de-4f3e-5f0a-9a35-0e4f5d8a7b21")

_OTHERS: Final = """
    SELECT id
    FROM geofences
    WHERE id = ANY($2::uuid[])
        AND client_id <> $1
"""
_INSERT: Final = """
    INSERT INTO geofences (id, client_id, name, polygon, rules, is_active)
    SELECT id, $1, name, ST_GeomFromWKB(polygon, 4326), coalesce(rules::jsonb, '{}'), coalesce(is_active, true)
    FROM unnest($2::uuid[], $3::varchar[], $4::bytea[], $5::text[], $6::boolean[])
        AS new (id, name, polygon, rules, is_active)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""
_UPDATE: Final = """
    UPDATE geofences AS g
    SET
        name = coalesce(new.name, g.name),
        polygon = coalesce(new.polygon, g.polygon),
        rules = coalesce(new.rules, g.rules),
        is_active = coalesce(new.is_active, g.is_active)
    FROM (
        SELECT id, name, ST_GeomFromWKB(polygon, 4326) AS polygon, rules::jsonb AS rules, is_active
        FROM unnest($2::uuid[], $3::varchar[], $4::bytea[], $5::text[], $6::boolean[])
            AS given (id, name, polygon, rules, is_active)
    ) AS new
    WHERE g.id = new.id
        AND g.client_id = $1
        AND (
            g.name <> new.name
            OR NOT g.polygon = new.polygon
            OR g.rules <> new.rules
            OR g.is_active <> new.is_active
        )
    RETURNING g.id
"""
#: Name, shape, rules and whether it is on; None: nothing is said of it.
_Row = tuple[str | None, bytes | None, str | None, bool | None]

_DELETE_OTHERS: Final = """
    WITH deleted AS (
        DELETE FROM geofences
        WHERE client_id = $1
            AND id NOT IN (SELECT unnest($2::uuid[]))
        RETURNING id
    )
    SELECT count(*)
    FROM deleted
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; ``ids`` are in the order of the fences given."""

    ids: Sequence[str]
    new: int
    changed: int
    deleted: int

    @property
    def same(self) -> int:
        """How many were there already, just so."""
        return len(set(self.ids)) - self.new - self.changed


async def import_fences(
    database: Database,
    client_id: str,
    fences: Sequence[NewFence],
    *,
    replaces: bool,
    advance: Callable[[int], None],
) -> Imported:
    """Insert what is new, change what the file says otherwise, and, if it *replaces*, delete the client's others.

    All or nothing. A repeated import, also one whose first outcome is unknown, changes nothing. *advance* is told of
    every chunk how many fences it had.

    Raises:
        UsageError: a name or the client is empty or too long, or an id stands for two different fences.
        Unavailable: Postgres cannot be reached.
    """
    for name in (client_id, *(fence.name for fence in fences)):
        check_name(name)
    # Before the transaction begins, since Postgres ends one that is idle for long.
    derived = [UUID(fence_id(client_id, fence.name, fence.wkb)) for fence in fences]
    async with database.transaction() as connection:
        ids = await _ids(connection, client_id, fences, derived)
        rows = _by_id(ids, fences)
        new = changed = 0
        for chunk in _chunks(list(rows.items())):
            inserted, updated = await _write(connection, client_id, chunk)
            new, changed = new + inserted, changed + updated
            advance(len(chunk))
        deleted = 0
        if replaces:
            deleted = await connection.fetchval(_DELETE_OTHERS, client_id, list(rows), timeout=BULK_TIMEOUT_S)
    return Imported(ids=list(map(str, ids)), new=new, changed=changed, deleted=deleted)


def fence_id(client_id: str, name: str, wkb: bytes) -> str:
    """Return the id that a fence gets whose file gives none."""
    return str(uuid5(_IMPORTED, f"{client_id}\0{name}\0{wkb.hex()}"))


async def _ids(
    connection: Connection, client_id: str, fences: Sequence[NewFence], derived: Sequence[UUID]
) -> list[UUID]:
    """Return each fence's id: the file's, unless it is another client's, as in an export that is to be copied."""
    given = [fence.id for fence in fences if fence.id]
    others = {row["id"] for row in await connection.fetch(_OTHERS, client_id, given)} if given else set()
    return [
        fence.id if fence.id and fence.id not in others else own for fence, own in zip(fences, derived, strict=True)
    ]


async def _write(connection: Connection, client_id: str, chunk: Sequence[tuple[UUID, NewFence]]) -> tuple[int, int]:
    """Insert or change some fences; return how many were inserted and how many changed."""
    whole = [(id_, (fence.name, fence.wkb, fence.rules, fence.is_active)) for id_, fence in chunk]
    inserted = {row["id"] for row in await connection.fetch(_INSERT, client_id, *_columns(whole))}
    there = [(id_, _known(id_, fence)) for id_, fence in chunk if id_ not in inserted]
    changed = await connection.fetch(_UPDATE, client_id, *_columns(there)) if there else []
    return len(inserted), len(changed)


def _by_id(ids: Sequence[UUID], fences: Sequence[NewFence]) -> dict[UUID, NewFence]:
    rows: dict[UUID, NewFence] = {}
    for id_, fence in zip(ids, fences, strict=True):
        if rows.setdefault(id_, fence) != fence:
            raise UsageError(f"expected one fence of id {id_}, got {rows[id_].name!r} and a different {fence.name!r}")
    return rows


def _chunks(rows: list[tuple[UUID, NewFence]]) -> Iterator[list[tuple[UUID, NewFence]]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def _known(id_: UUID, fence: NewFence) -> _Row:
    """Return what the file says of a fence that is there. One found by name and shape keeps those it has now."""
    named = fence.id == id_
    return fence.name if named else None, fence.wkb if named else None, fence.rules, fence.is_active


def _columns(rows: Sequence[tuple[UUID, _Row]]) -> list[list[object]]:
    return [[id_ for id_, _ in rows], *map(list, zip(*(row for _, row in rows), strict=True))]
