"""Notifications in Postgres: what the sink writes, in one statement, and what clients read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from vesselflow.adapters.pool import EPOCH, Database
from vesselflow.core.model import Notification, iso
from vesselflow.ports import SinkWrite, Written

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from vesselflow.adapters.pool import Connection

#: 'vfex' in ASCII: whoever deletes what has expired holds this advisory lock.
_EXPIRY_LOCK: Final = 0x76666578
_EXPIRY_TIMEOUT_S: Final = 300

_PROGRESS: Final = """
    SELECT next_offset
    FROM sink_progress
    WHERE app_id = $1
        AND partition = $2
"""

# Both wait for an old owner's transaction and then look at what it left. No row comes back: it is not ours to move.
_BEGIN_PROGRESS: Final = """
    INSERT INTO sink_progress (app_id, partition, next_offset)
    SELECT $1::varchar, $2::integer, $4::bigint
    WHERE $3::bigint IS NULL
    ON CONFLICT (app_id, partition) DO NOTHING
    RETURNING next_offset
"""
_MOVE_PROGRESS: Final = """
    UPDATE sink_progress
    SET next_offset = $4::bigint,
        updated_at = now()
    WHERE app_id = $1::varchar
        AND partition = $2::integer
        AND next_offset = $3::bigint
    RETURNING next_offset
"""

# One statement, so one transaction and one round trip: a worker that is cut off or paused in the middle of a write holds
# no lock. Every part depends on the one before: nothing happens when the progress did not move. The ordering makes
# Postgres finish with the events before the first notification takes the lock of the cursor.
_WRITE: Final = """
    WITH moved AS ({progress}),
    handled AS (
        INSERT INTO handled_events (event_id)
        SELECT event_id
        FROM moved, unnest($5::uuid[]) AS event_id
        ON CONFLICT (event_id) DO NOTHING
        RETURNING event_id
    ),
    inserted AS (
        INSERT INTO notifications
            (id, client_id, type, data, event_id, pushed, expires_at, source_app, source_partition)
        SELECT n.id, n.client_id, n.type, n.data::jsonb, n.event_id, n.pushed, now() + $6::interval, $1, $2
        FROM unnest($7::uuid[], $8::varchar[], $9::varchar[], $10::text[], $11::uuid[], $12::boolean[])
            WITH ORDINALITY AS n (id, client_id, type, data, event_id, pushed, place)
        JOIN handled USING (event_id)
        ORDER BY n.place
        ON CONFLICT DO NOTHING
        RETURNING id, seq
    )
    SELECT
        (SELECT count(*) FROM moved) AS moved,
        now() AS created_at,
        now() + $6::interval AS expires_at,
        (SELECT array_agg(id ORDER BY seq) FROM inserted) AS ids,
        (SELECT array_agg(seq ORDER BY seq) FROM inserted) AS seqs
"""
_BEGIN: Final = _WRITE.format(progress=_BEGIN_PROGRESS)
_MOVE: Final = _WRITE.format(progress=_MOVE_PROGRESS)

_COLUMNS: Final = "seq, id, client_id, type, data, is_read, created_at, expires_at, event_id, pushed"
_WRITTEN_SINCE: Final = f"""
    SELECT {_COLUMNS}
    FROM notifications
    WHERE created_at >= now() - $3::interval
        AND source_app = $1
        AND source_partition = $2
        AND pushed
    ORDER BY seq
"""
_AFTER: Final = f"""
    SELECT {_COLUMNS}
    FROM notifications
    WHERE client_id = $1
        AND seq > $2
    ORDER BY seq
    LIMIT $3
"""
# No index serves this: it is for a person who asks about one vessel.
_OF_VESSEL: Final = f"""
    SELECT {_COLUMNS}
    FROM notifications
    WHERE data ->> 'vesselId' = $1
    ORDER BY seq DESC
    LIMIT $2
"""
_MARK_READ: Final = """
    WITH mine AS (
        UPDATE notifications
        SET is_read = true
        WHERE client_id = $1
            AND id = ANY ($2::uuid[])
        RETURNING id
    )
    SELECT count(*)
    FROM mine
"""


class PostgresNotifications:
    """Fulfils `NotificationStore`."""

    def __init__(self, database: Database, *, ttl: timedelta = timedelta(days=7), handled_days: int = 8) -> None:
        self._database = database
        self._ttl = ttl
        self._handled_days = handled_days

    async def progress(self, app_id: str, partition: int) -> int | None:
        """Return the next offset the sink has to handle; None when it never did."""
        async with self._database.connection() as connection:
            return await _progress(connection, app_id, partition)

    async def write(self, write: SinkWrite) -> Written:
        """Write in one transaction that locks the progress first."""
        async with self._database.connection() as connection:
            place = (write.app_id, write.partition, write.expected_offset, write.next_offset)
            begins = write.expected_offset is None
            if not write.event_ids:
                row = await connection.fetchrow(_BEGIN_PROGRESS if begins else _MOVE_PROGRESS, *place)
                return Written() if row else await self._moved(connection, write)
            row = await connection.fetchrow(_BEGIN if begins else _MOVE, *place, *self._rows(write))
            if not row or not row["moved"]:
                return await self._moved(connection, write)
            return _written(row, write.notifications)

    async def written_since(self, app_id: str, partition: int, seconds: float) -> list[dict[str, Any]]:
        """Return what was inserted from that partition in the last *seconds* and not held back, oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_WRITTEN_SINCE, app_id, partition, timedelta(seconds=seconds))
            return [_message(row) for row in rows]

    async def delete_expired(self) -> bool:
        """Delete expired notifications and old handled events; False when another process is at it."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = '{_EXPIRY_TIMEOUT_S}s'")
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _EXPIRY_LOCK):
                return False
            await connection.execute("SELECT delete_expired_notifications()", timeout=_EXPIRY_TIMEOUT_S)
            await connection.execute(
                "SELECT delete_old_handled_events($1)", self._handled_days, timeout=_EXPIRY_TIMEOUT_S
            )
            return True

    def _rows(self, write: SinkWrite) -> tuple[object, ...]:
        notifications = write.notifications
        return (
            # Sorted, so that two writers of the same events wait for each other instead of deadlocking.
            sorted(map(UUID, write.event_ids)),
            self._ttl,
            [UUID(one.id) for one in notifications],
            [one.client_id for one in notifications],
            [one.type for one in notifications],
            [_json(one.data) for one in notifications],
            [UUID(one.event_id) for one in notifications],
            [one.pushed for one in notifications],
        )

    async def _moved(self, connection: Connection, write: SinkWrite) -> Written:
        return Written(moved_to=await _progress(connection, write.app_id, write.partition) or 0)


class PostgresFeed:
    """Fulfils `NotificationFeed`. The database numbers notifications in the order in which they become visible."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, client_id: str, cursor: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Return at most *limit* of the client's ``(cursor, {clientId, notification})`` after *cursor*, in order."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_AFTER, client_id, cursor, limit)
            return [(row["seq"], _message(row)) for row in rows]

    async def of_vessel(self, vessel_id: str, limit: int) -> list[dict[str, Any]]:
        """Return at most *limit* of a vessel's ``{clientId, notification}``, newest first. Reads the whole table."""
        async with self._database.connection() as connection:
            return [_message(row) for row in await connection.fetch(_OF_VESSEL, vessel_id, limit)]

    async def latest_cursor(self) -> int:
        """Return the cursor of the newest notification of anyone, 0 when there is none."""
        async with self._database.connection() as connection:
            return await connection.fetchval("SELECT max(seq) FROM notifications") or 0

    async def mark_read(self, client_id: str, ids: Sequence[str]) -> int:
        """Mark those of the client's notifications as read; return how many of *ids* are the client's."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(_MARK_READ, client_id, list(map(UUID, ids))))


async def _progress(connection: Connection, app_id: str, partition: int) -> int | None:
    found: int | None = await connection.fetchval(_PROGRESS, app_id, partition)
    return found


def _written(row: asyncpg.Record, notifications: Iterable[Notification]) -> Written:
    by_id = {one.id: one for one in notifications}
    created_at, expires_at = _iso(row["created_at"]), _iso(row["expires_at"])
    inserted = [(by_id[str(each)], seq) for each, seq in zip(row["ids"] or (), row["seqs"] or (), strict=True)]
    published = [
        {
            "clientId": one.client_id,
            "notification": {
                "seq": seq,
                "id": one.id,
                "client_id": one.client_id,
                "type": one.type,
                "data": one.data,
                "is_read": False,
                "created_at": created_at,
                "expires_at": expires_at,
                "event_id": one.event_id,
                "pushed": True,
            },
        }
        for one, seq in inserted
        if one.pushed
    ]
    return Written(published=published, inserted=len(inserted))


def _message(row: asyncpg.Record) -> dict[str, Any]:
    notification = dict(row)
    notification |= {
        "id": str(row["id"]),
        "data": msgspec.json.decode(row["data"]),
        "created_at": _iso(row["created_at"]),
        "expires_at": _iso(row["expires_at"]),
        "event_id": None if row["event_id"] is None else str(row["event_id"]),
    }
    return {"clientId": row["client_id"], "notification": notification}


def _iso(at: datetime) -> str:
    return iso((at - EPOCH) // timedelta(milliseconds=1))


def _json(data: Mapping[str, object]) -> str:
    text = msgspec.json.encode(data).decode()
    if "\\u0000" not in text:
        return text
    # A source's text may hold NUL, which Postgres cannot keep.
    return msgspec.json.encode({key: _without_nul(value) for key, value in data.items()}).decode()


def _without_nul(value: object) -> object:
    return value.replace("\0", "") if isinstance(value, str) else value
