"""Migrations on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from tests.contracts.conftest import create_database
from vesselflow.adapters.migrations import Migration, MigrationError, migrate, pending, shipped
from vesselflow.core.errors import Unavailable
from vesselflow.core.matching import OTHER_TYPES
from vesselflow.settings import Settings

pytestmark = pytest.mark.integration

FIRST = Migration(1, "001_first.sql", "CREATE TABLE first (id integer)")
SECOND = Migration(2, "002_second.sql", "CREATE TABLE second (id integer); CREATE INDEX ON second (id)")


@pytest.fixture
async def url(stack: Settings) -> str:
    return await create_database(stack.database_url)


@pytest.fixture
async def admin(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def test_migrations_are_applied_in_order_and_once(url: str, admin: asyncpg.Connection) -> None:
    assert await migrate(url, [FIRST]) == [FIRST]
    assert await migrate(url, [FIRST, SECOND]) == [SECOND]
    assert await migrate(url, [FIRST, SECOND]) == []

    rows = await admin.fetch("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
    assert [tuple(row) for row in rows] == [(one.number, one.name, one.checksum) for one in (FIRST, SECOND)]


async def test_all_that_are_shipped_apply_when_two_migrate_at_once(url: str) -> None:
    assert await pending(url) == shipped()

    both = await asyncio.gather(migrate(url), migrate(url))

    assert sorted(map(len, both)) == [0, len(shipped())]
    assert await pending(url) == []


async def test_a_migration_that_was_edited_is_refused(url: str) -> None:
    await migrate(url, [FIRST])

    with pytest.raises(MigrationError, match=r"001_first\.sql as it was applied .* never edited"):
        await migrate(url, [replace(FIRST, sql=FIRST.sql + ";")])


async def test_a_database_of_a_newer_release_is_refused(url: str) -> None:
    await migrate(url, [FIRST, SECOND])

    with pytest.raises(MigrationError, match=r"has migration 002_second\.sql, this release ends at 001"):
        await migrate(url, [FIRST])


async def test_a_gap_in_the_files_is_refused(url: str) -> None:
    with pytest.raises(MigrationError, match=r"expected migration 002 next, got 003"):
        await migrate(url, [FIRST, Migration(3, "003_third.sql", "")])


async def test_a_gap_in_the_database_is_refused(url: str, admin: asyncpg.Connection) -> None:
    await migrate(url, [FIRST, SECOND])
    await admin.execute("DELETE FROM schema_migrations WHERE number = 1")

    with pytest.raises(MigrationError, match="expected migration 001"):
        await migrate(url, [FIRST, SECOND])


async def test_a_migration_that_fails_leaves_nothing(url: str, admin: asyncpg.Connection) -> None:
    broken = replace(SECOND, sql="CREATE TABLE second (id integer); SELECT 1 / 0")

    with pytest.raises(MigrationError, match=r"002_second\.sql failed, nothing of it was kept: division by zero"):
        await migrate(url, [FIRST, broken])

    assert await admin.fetchval("SELECT to_regclass('second')") is None
    assert await migrate(url, [FIRST, SECOND]) == [SECOND]


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await migrate("postgresql://vesselflow@127.0.0.1:1/vesselflow")


async def test_every_notification_type_is_named_and_on_where_the_preferences_have_it_on(
    url: str, admin: asyncpg.Connection
) -> None:
    await migrate(url)

    rows = await admin.fetch("SELECT type, enabled_by_default FROM notification_types")

    assert {row["type"]: row["enabled_by_default"] for row in rows} == {"geofence_alert": True} | dict.fromkeys(
        OTHER_TYPES, False
    )
