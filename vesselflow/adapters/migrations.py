"""Brings a database to the schema of this release: the numbered files of `vesselflow.sql`, in order, each once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import asyncpg

from vesselflow.adapters.pool import CONNECT_TIMEOUT_S, translated_errors
from vesselflow.core.errors import VesselflowError

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

#: 'vfmg' in ASCII: whoever migrates holds this advisory lock.
_LOCK: Final = 0x76666D67
_LOCK_TIMEOUT: Final = "120s"
_FILE_NAME: Final = re.compile(r"(\d{3})_([a-z0-9_]+)\.sql")

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        number integer PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


class MigrationError(VesselflowError):
    """The database's migrations and those of this release do not agree, or one of them failed."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its file name, its statements."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def migrate(database_url: str, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """Apply what is missing, each migration in a transaction of its own; return what was applied now.

    Safe when several processes do it at once: the others wait, then find nothing left to do.

    Raises:
        MigrationError: an applied migration was changed since, is unknown here, or leaves a gap; or one fails.
        Unavailable: the database cannot be reached.
    """
    wanted = shipped() if migrations is None else list(migrations)
    _check_numbers(wanted)
    with translated_errors():
        connection = await asyncpg.connect(
            database_url,
            timeout=CONNECT_TIMEOUT_S,
            server_settings={"application_name": "vesselflow migrate", "lock_timeout": _LOCK_TIMEOUT},
        )
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
            return await _apply_missing(connection, wanted)
        finally:
            # Closing the session gives the lock back.
            await connection.close(timeout=CONNECT_TIMEOUT_S)


async def pending(database_url: str) -> list[Migration]:
    """Return what `migrate` would apply; changes nothing.

    Raises: as `migrate`.
    """
    with translated_errors():
        connection = await asyncpg.connect(database_url, timeout=CONNECT_TIMEOUT_S)
        try:
            return _missing(shipped(), await _applied(connection))
        finally:
            await connection.close(timeout=CONNECT_TIMEOUT_S)


def shipped() -> list[Migration]:
    """Return the migrations of this release, in order."""
    found = []
    for file in files("vesselflow.sql").iterdir():
        if matched := _FILE_NAME.fullmatch(file.name):
            found.append(Migration(int(matched[1]), file.name, file.read_text(encoding="utf-8")))
        elif file.name.endswith(".sql"):
            raise MigrationError(f"expected a migration to be called like 001_some_words.sql, got {file.name}")
    return sorted(found, key=lambda migration: migration.number)


def _check_numbers(migrations: Sequence[Migration]) -> None:
    for expected, migration in enumerate(migrations, start=1):
        if migration.number != expected:
            raise MigrationError(f"expected migration {expected:03} next, got {migration.name}")


async def _apply_missing(connection: Connection, wanted: Sequence[Migration]) -> list[Migration]:
    missing = _missing(wanted, await _applied(connection))
    if missing:
        await connection.execute(_TABLE)
    for migration in missing:
        await _apply(connection, migration)
    return missing


async def _applied(connection: Connection) -> dict[int, asyncpg.Record]:
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return {}
    rows = await connection.fetch("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
    return {row["number"]: row for row in rows}


def _missing(wanted: Sequence[Migration], applied: Mapping[int, asyncpg.Record]) -> list[Migration]:
    """Return the part of *wanted* after what is *applied*, which has to be its beginning."""
    for expected, (number, row) in enumerate(applied.items(), start=1):
        if number != expected:
            raise MigrationError(
                f"expected migration {expected:03} in schema_migrations before {row['name']}, got a gap"
            )
        if number > len(wanted):
            raise MigrationError(
                f"the database has migration {row['name']}, this release ends at {len(wanted):03}: use a newer release"
            )
        if row["checksum"] != wanted[number - 1].checksum:
            raise MigrationError(
                f"expected {wanted[number - 1].name} as it was applied ({row['checksum'][:12]}), got another text "
                f"({wanted[number - 1].checksum[:12]}): a released migration is never edited, write a new one"
            )
    return list(wanted[len(applied) :])


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
    except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.LockNotAvailableError):
        raise
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{migration.name} failed, nothing of it was kept: {error}") from error
