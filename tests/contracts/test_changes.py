"""What every `ChangeFeed` does."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.contracts.conftest import empty
from tests.fakes.changes import MemoryChanges
from vesselflow.adapters.changes import PostgresChanges
from vesselflow.adapters.pool import Database
from vesselflow.core.errors import Unavailable
from vesselflow.ports import ChangeFeed

WITHIN_S = 20.0


class Rig:
    """A feed, and what a test does behind its back."""

    feed: ChangeFeed

    async def change(self) -> None:
        raise NotImplementedError

    async def break_connections(self) -> None:
        raise NotImplementedError


class MemoryRig(Rig):
    def __init__(self) -> None:
        self.feed = self.memory = MemoryChanges()

    async def change(self) -> None:
        self.memory.announce()

    async def break_connections(self) -> None:
        self.memory.break_connections()


class PostgresRig(Rig):
    def __init__(self, database: Database, admin: asyncpg.Connection) -> None:
        self.feed = PostgresChanges(database)
        self._admin = admin

    async def change(self) -> None:
        await self._admin.execute("SELECT bump_change_version('preferences')")

    async def break_connections(self) -> None:
        await self._admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'listener' AND datname = current_database()"
        )


@pytest.fixture
async def rig(postgres_url: str | None) -> AsyncIterator[Rig]:
    if postgres_url is None:
        yield MemoryRig()
        return
    admin = await asyncpg.connect(postgres_url)
    await empty(admin)
    yield PostgresRig(Database(postgres_url, name="listener"), admin)
    await admin.close()


async def following(changes: AsyncIterator[None]) -> None:
    await asyncio.wait_for(anext(changes), WITHIN_S)


async def test_it_tells_that_it_listens_and_then_each_change(rig: Rig) -> None:
    changes = rig.feed.changes()
    await following(changes)

    await rig.change()
    await following(changes)
    await rig.change()
    await following(changes)


async def test_two_may_listen(rig: Rig) -> None:
    first, second = rig.feed.changes(), rig.feed.changes()
    await following(first)
    await following(second)

    await rig.change()

    await following(first)
    await following(second)


async def test_a_connection_that_breaks_is_told(rig: Rig) -> None:
    changes = rig.feed.changes()
    await following(changes)

    await rig.break_connections()

    with pytest.raises(Unavailable):
        await following(changes)


async def test_one_can_listen_again(rig: Rig) -> None:
    changes = rig.feed.changes()
    await following(changes)
    await rig.break_connections()
    with pytest.raises(Unavailable):
        await following(changes)

    again = rig.feed.changes()
    await following(again)
    await rig.change()
    await following(again)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    changes = PostgresChanges(Database("postgresql://vesselflow@127.0.0.1:1/none")).changes()

    with pytest.raises(Unavailable):
        await following(changes)
