"""Real servers for the contract suites: a database and a Redis database of their own on the session's stack."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from vesselflow.adapters.migrations import migrate
from vesselflow.adapters.pool import Database
from vesselflow.settings import Settings

FAKE_AND_REAL = ["fake", pytest.param("real", marks=pytest.mark.integration)]

TABLES = (
    "geofences, geofence_versions, geofence_changes, notifications, user_preferences, sink_progress, handled_events, "
    "vessel_activity_realtime"
)


@pytest.fixture(scope="session")
def database_url(stack: Settings) -> str:
    """Return the address of a migrated database that only these tests use."""
    url = asyncio.run(create_database(stack.database_url))
    asyncio.run(migrate(url))
    return url


@pytest.fixture(scope="session")
def redis_url(stack: Settings) -> str:
    """Return the address of a Redis database that only these tests use."""
    return stack.redis_url.rpartition("/")[0] + "/9"


@pytest.fixture(params=FAKE_AND_REAL)
def postgres_url(request: pytest.FixtureRequest) -> str | None:
    """Return None for the stand-in, then the address of the real database."""
    return request.getfixturevalue("database_url") if request.param == "real" else None


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection of the test's own to the emptied database."""
    connection = await asyncpg.connect(database_url)
    await empty(connection)
    yield connection
    await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Yield the adapters' pool."""
    database = Database(database_url)
    yield database
    await database.close()


async def create_database(server_url: str) -> str:
    """Create an empty database on the server and return its address."""
    name = f"contracts_{uuid4().hex}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"{server_url.rpartition('/')[0]}/{name}"


async def empty(connection: asyncpg.Connection) -> None:
    """Bring the database to the state right after its migrations."""
    await connection.execute(f"TRUNCATE {TABLES}")
    # The truncation itself is a change of the fences.
    await connection.execute("TRUNCATE geofence_versions, geofence_changes")
    await connection.execute("INSERT INTO vessel_activity_realtime DEFAULT VALUES")
