"""What every `PreferenceStore` does."""

from collections.abc import AsyncIterator, Iterable

import asyncpg
import pytest
import shapely

from tests.contracts.conftest import empty
from tests.fakes.preferences import MemoryPreferences
from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.pool import Database
from vesselflow.adapters.preferences import PostgresPreferences

SQUARE = shapely.box(4, 51, 5, 52).wkb


class Rig:
    """A store, and who has fences."""

    store: MemoryPreferences | PostgresPreferences

    async def fence_clients(self, clients: Iterable[str]) -> None:
        raise NotImplementedError


class MemoryRig(Rig):
    def __init__(self) -> None:
        self.store = self.memory = MemoryPreferences()

    async def fence_clients(self, clients: Iterable[str]) -> None:
        self.memory.fence_clients(clients)


class PostgresRig(Rig):
    def __init__(self, database: Database, admin: asyncpg.Connection) -> None:
        self.store = PostgresPreferences(database)
        self._fences = PostgresFences(database)
        self._admin = admin

    async def fence_clients(self, clients: Iterable[str]) -> None:
        await self._admin.execute("DELETE FROM geofences")
        for client_id in clients:
            await self._fences.insert_fences(client_id, [("Port", SQUARE)])


@pytest.fixture
async def rig(postgres_url: str | None) -> AsyncIterator[Rig]:
    if postgres_url is None:
        yield MemoryRig()
        return
    database = Database(postgres_url)
    admin = await asyncpg.connect(postgres_url)
    await empty(admin)
    yield PostgresRig(database, admin)
    await admin.close()
    await database.close()


async def test_a_client_has_the_preferences_it_stored(rig: Rig) -> None:
    await rig.store.set_preferences("ann", {"daily_limit": 5})
    await rig.store.set_preferences("ann", {"geofence_alert": {"events": ["entered"]}})

    assert await rig.store.preferences() == {"ann": {"geofence_alert": {"events": ["entered"]}}}


async def test_a_client_with_a_fence_alone_has_empty_preferences(rig: Rig) -> None:
    await rig.store.set_preferences("ann", {"daily_limit": 5})
    await rig.fence_clients(["ann", "bob"])

    assert await rig.store.preferences() == {"ann": {"daily_limit": 5}, "bob": {}}


async def test_the_version_grows_with_preferences_and_clients(rig: Rig) -> None:
    versions = [await rig.store.preferences_version()]
    await rig.store.set_preferences("ann", {"daily_limit": 5})
    versions.append(await rig.store.preferences_version())
    await rig.fence_clients(["bob"])
    versions.append(await rig.store.preferences_version())
    await rig.fence_clients([])
    versions.append(await rig.store.preferences_version())

    assert versions == sorted(set(versions))


@pytest.mark.integration
async def test_a_fence_that_changes_its_client_grows_the_version(database: Database, admin: asyncpg.Connection) -> None:
    store = PostgresPreferences(database)
    await PostgresFences(database).insert_fences("ann", [("Port", SQUARE)])
    before = await store.preferences_version()

    await admin.execute("UPDATE geofences SET name = 'Harbour'")
    assert await store.preferences_version() == before
    await admin.execute("UPDATE geofences SET client_id = 'bob'")
    assert await store.preferences_version() > before


@pytest.mark.integration
async def test_preferences_that_are_no_object_are_refused(admin: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await admin.execute("INSERT INTO user_preferences (client_id, preferences) VALUES ('ann', '[]')")
