"""What every `FenceStore` does, and the database's history of fences."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
import shapely

from tests.contracts.conftest import empty
from tests.fakes.clock import HeldClock
from tests.fakes.fences import Fence, MemoryFences
from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.pool import EPOCH, Database
from vesselflow.core.model import FenceVersion
from vesselflow.ports import FenceStore

DELAY_MS = 2000
SQUARE = shapely.box(4, 51, 5, 52).wkb
OTHER = shapely.box(4, 51, 6, 52).wkb
RULES = '{"margin_m": 100}'
HALVES = shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1)]).wkb


class Rig:
    """A store, and what happens to its fences."""

    store: FenceStore

    async def insert(self, fence: Fence) -> str:
        raise NotImplementedError

    async def change(self, id_: str, **changes: str | bytes | bool) -> None:
        raise NotImplementedError

    async def delete(self, id_: str) -> None:
        raise NotImplementedError

    async def now_ms(self) -> int:
        """Return a moment after everything so far and before everything that follows."""
        raise NotImplementedError


class MemoryRig(Rig):
    def __init__(self) -> None:
        self.clock = HeldClock()
        self.store = self.memory = MemoryFences(self.clock, delay_ms=DELAY_MS)

    async def insert(self, fence: Fence) -> str:
        id_ = str(uuid4())
        self.memory.put(id_, fence)
        return id_

    async def change(self, id_: str, **changes: str | bytes | bool) -> None:
        self.memory.change(id_, **changes)

    async def delete(self, id_: str) -> None:
        self.memory.delete(id_)

    async def now_ms(self) -> int:
        self.clock.advance(timedelta(milliseconds=2))
        return self.clock.now_ms() - 1


class PostgresRig(Rig):
    def __init__(self, database: Database, admin: asyncpg.Connection) -> None:
        self.store = PostgresFences(database, delay_ms=DELAY_MS)
        self._admin = admin

    async def insert(self, fence: Fence) -> str:
        return await insert(self._admin, fence)

    async def change(self, id_: str, **changes: str | bytes | bool) -> None:
        given = {"wkb": "polygon = ST_GeomFromWKB($2, 4326)", "rules": "rules = $2::text::jsonb"}
        for name, value in changes.items():
            assignment = given.get(name, f"{name} = $2")
            await self._admin.execute(f"UPDATE geofences SET {assignment} WHERE id = $1", id_, value)

    async def delete(self, id_: str) -> None:
        await self._admin.execute("DELETE FROM geofences WHERE id = $1", id_)

    async def now_ms(self) -> int:
        await self._admin.execute("SELECT pg_sleep(0.002)")
        now = await self._admin.fetchval("SELECT clock_timestamp()")
        await self._admin.execute("SELECT pg_sleep(0.002)")
        return int((now - EPOCH) / timedelta(milliseconds=1))


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


async def insert(connection: asyncpg.Connection, fence: Fence) -> str:
    id_ = await connection.fetchval(
        "INSERT INTO geofences (client_id, name, polygon, is_active, rules)"
        " VALUES ($1, $2, ST_GeomFromWKB($3, 4326), $4, $5::text::jsonb) RETURNING id",
        fence.client_id,
        fence.name,
        fence.wkb,
        fence.is_active,
        fence.rules,
    )
    return str(id_)


async def states(store: FenceStore, since_ms: int = 0) -> list[FenceVersion]:
    return list((await store.fences(since_ms))[1])


async def test_a_new_fence_is_in_force_after_the_delay(rig: Rig) -> None:
    before_ms = await rig.now_ms()
    id_ = await rig.insert(Fence("ann", "Port", SQUARE))
    after_ms = await rig.now_ms()

    [state] = await states(rig.store)

    assert (state.id, state.client_id, state.name, state.until_ms) == (id_, "ann", "Port", None)
    assert before_ms + DELAY_MS < state.from_ms < after_ms + DELAY_MS
    assert shapely.from_wkb(state.wkb).equals(shapely.from_wkb(SQUARE))


async def test_a_fence_may_have_two_halves(rig: Rig) -> None:
    await rig.insert(Fence("ann", "Fiji", HALVES))

    [state] = await states(rig.store)

    assert shapely.from_wkb(state.wkb).geom_type == "MultiPolygon"


@pytest.mark.parametrize("change", [{"wkb": OTHER}, {"name": "Harbour"}, {"client_id": "bob"}, {"rules": RULES}])
async def test_an_edited_fence_has_two_states_that_meet(rig: Rig, change: dict[str, str | bytes]) -> None:
    id_ = await rig.insert(Fence("ann", "Port", SQUARE))
    await rig.now_ms()
    await rig.change(id_, **change)

    first, second = await states(rig.store)

    assert first.from_ms < second.from_ms
    assert first.until_ms == second.from_ms
    assert second.until_ms is None


async def test_a_fence_that_is_off_is_not_in_force(rig: Rig) -> None:
    id_ = await rig.insert(Fence("ann", "Port", SQUARE))
    await rig.now_ms()
    await rig.change(id_, is_active=False)
    await rig.change(id_, name="Harbour")
    await rig.now_ms()
    await rig.change(id_, is_active=True)

    first, second = await states(rig.store)

    assert first.until_ms is not None
    assert first.until_ms < second.from_ms
    assert (first.name, second.name, second.until_ms) == ("Port", "Harbour", None)


async def test_a_deleted_fence_keeps_its_past(rig: Rig) -> None:
    id_ = await rig.insert(Fence("ann", "Port", SQUARE))
    await rig.now_ms()
    await rig.delete(id_)

    [state] = await states(rig.store)

    assert state.until_ms is not None


async def test_an_inactive_fence_has_no_state(rig: Rig) -> None:
    await rig.insert(Fence("ann", "Port", SQUARE, is_active=False))

    assert await states(rig.store) == []


async def test_what_ended_earlier_is_left_out(rig: Rig) -> None:
    id_ = await rig.insert(Fence("ann", "Port", SQUARE))
    await rig.now_ms()
    await rig.delete(id_)
    until_ms = (await states(rig.store))[0].until_ms

    assert until_ms is not None
    assert len(await states(rig.store, until_ms - 1)) == 1
    assert await states(rig.store, until_ms) == []


async def test_the_version_grows_with_every_change(rig: Rig) -> None:
    versions = [await rig.store.fences_version()]
    id_ = await rig.insert(Fence("ann", "Port", SQUARE))
    versions.append(await rig.store.fences_version())
    await rig.change(id_, wkb=OTHER)
    versions.append(await rig.store.fences_version())
    await rig.delete(id_)
    versions.append(await rig.store.fences_version())

    assert versions == sorted(set(versions))
    assert (await rig.store.fences(0))[0] == versions[-1]


async def test_a_state_carries_its_rules(rig: Rig) -> None:
    id_ = await rig.insert(Fence("ann", "Port", SQUARE, rules=RULES))
    await rig.insert(Fence("ann", "Sea", OTHER))
    await rig.now_ms()
    await rig.change(id_, rules='{"events": ["exited"]}')

    assert [json.loads(state.rules) for state in await states(rig.store)] == [
        {"margin_m": 100},
        {},
        {"events": ["exited"]},
    ]


async def test_an_edit_that_changes_nothing_is_no_change(rig: Rig) -> None:
    id_ = await rig.insert(Fence("ann", "Port", SQUARE, rules=RULES))
    before = await rig.store.fences(0)

    await rig.change(id_, name="Port", wkb=SQUARE, is_active=True, rules=RULES)

    assert await rig.store.fences(0) == before


async def test_what_changed_after_a_version_is_loaded_alone(rig: Rig) -> None:
    kept, edited, deleted = [await rig.insert(Fence("ann", name, SQUARE)) for name in ("Port", "Sea", "Bay")]
    await rig.now_ms()
    version = await rig.store.fences_version()
    await rig.change(edited, name="Ocean")
    await rig.delete(deleted)
    new = await rig.insert(Fence("bob", "Lake", OTHER))

    seen, changed = await rig.store.fences_after(version)

    assert seen == await rig.store.fences_version()
    assert [(state.id, state.name, state.until_ms is None) for state in changed] == [
        (edited, "Sea", False),
        (deleted, "Bay", False),
        (edited, "Ocean", True),
        (new, "Lake", True),
    ]
    assert kept not in {state.id for state in changed}
    assert await rig.store.fences_after(seen) == (seen, [])


async def test_what_was_held_and_what_changed_make_the_whole(rig: Rig) -> None:
    ids = [await rig.insert(Fence("ann", str(number), SQUARE)) for number in range(3)]
    await rig.now_ms()
    version, held = await rig.store.fences(0)
    await rig.change(ids[0], is_active=False)
    await rig.now_ms()
    await rig.change(ids[0], is_active=True)
    await rig.delete(ids[1])

    _, changed = await rig.store.fences_after(version)

    both = {(state.id, state.from_ms): state for state in (*held, *changed)}
    assert sorted(both.values(), key=str) == sorted(await states(rig.store), key=str)


@pytest.mark.integration
async def test_a_change_counts_from_its_commit(database: Database, admin: asyncpg.Connection) -> None:
    async with admin.transaction():
        await insert(admin, Fence("ann", "Port", SQUARE))
        await admin.execute("SELECT pg_sleep(0.05)")
        just_before = await admin.fetchval("SELECT clock_timestamp()")

    [state] = await states(PostgresFences(database, delay_ms=0))

    assert EPOCH + timedelta(milliseconds=state.from_ms + 1) > just_before


@pytest.mark.integration
async def test_what_one_transaction_begins_and_ends_never_was(database: Database, admin: asyncpg.Connection) -> None:
    async with admin.transaction():
        id_ = await insert(admin, Fence("ann", "Port", SQUARE))
        await admin.execute("UPDATE geofences SET name = 'Harbour' WHERE id = $1", id_)
        gone = await insert(admin, Fence("ann", "Sea", OTHER))
        await admin.execute("DELETE FROM geofences WHERE id = $1", gone)

    assert [state.name for state in await states(PostgresFences(database))] == ["Harbour"]
    assert [state.name for state in (await PostgresFences(database).fences_after(0))[1]] == ["Harbour"]


@pytest.mark.integration
async def test_a_savepoint_takes_its_change_back(database: Database, admin: asyncpg.Connection) -> None:
    async with admin.transaction():
        savepoint = admin.transaction()
        await savepoint.start()
        await insert(admin, Fence("ann", "Port", SQUARE))
        await savepoint.rollback()
        await insert(admin, Fence("ann", "Sea", OTHER))

    assert [state.name for state in await states(PostgresFences(database))] == ["Sea"]


@pytest.mark.integration
async def test_emptying_the_table_ends_every_state(database: Database, admin: asyncpg.Connection) -> None:
    await insert(admin, Fence("ann", "Port", SQUARE))

    await admin.execute("TRUNCATE geofences")

    assert [state.until_ms is None for state in await states(PostgresFences(database))] == [False]


@pytest.mark.integration
async def test_a_change_is_announced(database: Database, admin: asyncpg.Connection) -> None:
    heard: list[object] = []
    await admin.add_listener("vesselflow_changes", lambda *args: heard.append(args[-1]))

    await insert(admin, Fence("ann", "Port", SQUARE))
    await admin.execute("SELECT 1")

    assert set(heard) == {"geofences", "preferences"}


@pytest.mark.integration
async def test_the_history_shows_the_rules(database: Database, admin: asyncpg.Connection) -> None:
    await insert(admin, Fence("ann", "Port", SQUARE, rules=RULES))

    assert await admin.fetchval("SELECT rules ->> 'margin_m' FROM geofence_history") == "100"


@pytest.mark.integration
async def test_rules_that_are_no_object_are_refused(admin: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await insert(admin, Fence("ann", "Port", SQUARE, rules="[]"))
