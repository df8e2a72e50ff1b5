"""What people do with the table of fences."""

import json
from uuid import UUID, uuid4

import asyncpg
import pytest
import shapely

from vesselflow.adapters.fence_import import fence_id
from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.pool import Database
from vesselflow.core.errors import UsageError
from vesselflow.core.fence_files import NewFence

pytestmark = pytest.mark.integration

SQUARE = shapely.box(4, 51, 5, 52).wkb
OTHER = shapely.box(4, 51, 6, 52).wkb
ID = UUID("5f0c6a52-3a7e-4a0e-9d57-0f3a1f6f3b11")


@pytest.fixture
def table(database: Database, admin: asyncpg.Connection) -> PostgresFences:
    """Return the table, empty."""
    return PostgresFences(database)


async def names(table: PostgresFences, client_id: str | None = None) -> list[str]:
    return [row.name for row in await table.list_fences(client_id)]


async def test_fences_are_inserted_all_or_none(table: PostgresFences) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await table.insert_fences("ann", [("Port", SQUARE), ("Point", shapely.Point(1, 1).wkb)])
    with pytest.raises(UsageError, match="expected a name of 1 to 255 characters"):
        await table.insert_fences("ann", [("Port", SQUARE), ("x" * 256, OTHER)])

    assert await names(table) == []


async def test_a_repeated_import_changes_nothing(table: PostgresFences) -> None:
    ids = await table.insert_fences("ann", [("Port", SQUARE), ("Sea", OTHER), ("Port", SQUARE)])
    version = await table.fences_version()

    assert await table.insert_fences("ann", [("Port", SQUARE)]) == [fence_id("ann", "Port", SQUARE)] == [ids[2]]
    assert await table.fences_version() == version
    assert await names(table, "ann") == ["Port", "Sea"]
    assert await names(table, "bob") == []
    assert await table.clients() == ["ann"]


async def test_an_import_changes_rules_alone(table: PostgresFences) -> None:
    [id_] = await table.insert_fences("ann", [("Port", SQUARE)])
    await table.set_fence(id_, name="Harbour", is_active=False)

    done = await table.import_fences("ann", [NewFence("Port", SQUARE, rules='{"margin_m": 5}')])
    again = await table.import_fences("ann", [NewFence("Port", SQUARE, rules='{"margin_m":5}')])
    silent = await table.import_fences("ann", [NewFence("Port", SQUARE)])

    assert [(each.new, each.changed, each.same) for each in (done, again, silent)] == [(0, 1, 0), (0, 0, 1), (0, 0, 1)]
    [row] = await table.list_fences()
    assert (row.name, row.is_active, row.rules) == ("Harbour", False, {"margin_m": 5})


async def test_a_fence_of_a_given_id_becomes_what_the_file_says(table: PostgresFences) -> None:
    await table.import_fences("ann", [NewFence("Port", SQUARE, id=ID)])

    done = await table.import_fences("ann", [NewFence("Harbour", OTHER, id=ID, is_active=False)])

    assert (done.new, done.changed, done.same) == (0, 1, 0)
    [fence] = await table.whole_fences("ann")
    assert (fence.id, fence.name, fence.wkb, fence.is_active) == (str(ID), "Harbour", OTHER, False)


async def test_the_id_of_another_clients_fence_is_not_taken(table: PostgresFences) -> None:
    await table.import_fences("ann", [NewFence("Port", SQUARE, id=ID)])

    first = await table.import_fences("bob", [NewFence("Port", SQUARE, id=ID)])
    second = await table.import_fences("bob", [NewFence("Port", SQUARE, id=ID)])

    assert first.ids == second.ids == [fence_id("bob", "Port", SQUARE)]
    assert (first.new, second.new, second.same) == (1, 0, 1)
    assert [row.id for row in await table.list_fences("ann")] == [str(ID)]


async def test_one_id_for_two_fences_is_refused(table: PostgresFences) -> None:
    with pytest.raises(UsageError, match=f"expected one fence of id {ID}, got 'Port' and a different 'Sea'"):
        await table.import_fences("ann", [NewFence("Port", SQUARE, id=ID), NewFence("Sea", SQUARE, id=ID)])


async def test_an_import_may_replace_what_the_client_had(table: PostgresFences) -> None:
    await table.insert_fences("ann", [("Port", SQUARE), ("Sea", OTHER)])
    await table.insert_fences("bob", [("Port", SQUARE)])

    done = await table.import_fences("ann", [NewFence("Port", SQUARE), NewFence("Bay", OTHER)], replaces=True)

    assert (done.new, done.changed, done.same, done.deleted) == (1, 0, 1, 1)
    assert await names(table, "ann") == ["Bay", "Port"]
    assert await names(table, "bob") == ["Port"]


async def test_an_import_of_many_tells_how_far_it_is(table: PostgresFences) -> None:
    steps: list[int] = []

    done = await table.import_fences("ann", [NewFence(str(n), SQUARE) for n in range(2500)], advance=steps.append)

    assert done.new == sum(steps) == 2500
    assert len(steps) > 1
    assert len({state.from_ms for state in (await table.fences(0))[1]}) == 1


async def test_a_fence_is_switched_renamed_and_given_rules(table: PostgresFences) -> None:
    [id_] = await table.insert_fences("ann", [("Port", SQUARE)])

    await table.set_fence(id_, is_active=False)
    await table.set_fence(id_, name="Harbour")
    await table.set_fence(id_, rules=json.dumps({"events": ["exited"]}))

    [row] = await table.list_fences()
    assert (row.name, row.is_active, row.rules) == ("Harbour", False, {"events": ["exited"]})


async def test_fences_are_deleted_all_or_none(table: PostgresFences) -> None:
    port, sea = await table.insert_fences("ann", [("Port", SQUARE), ("Sea", OTHER)])
    nobodys = str(uuid4())

    with pytest.raises(UsageError, match=f"got {nobodys}, which no fence has"):
        await table.delete_fences([port, nobodys])
    assert await names(table) == ["Port", "Sea"]

    assert await table.delete_fences([port, sea, port]) == 2
    assert await names(table) == []


async def test_all_of_a_client_are_deleted(table: PostgresFences) -> None:
    await table.insert_fences("ann", [("Port", SQUARE), ("Sea", OTHER)])
    await table.insert_fences("bob", [("Port", SQUARE)])

    assert await table.delete_all("ann") == 2
    assert await names(table) == ["Port"]


async def test_an_unknown_fence_is_named(table: PostgresFences) -> None:
    with pytest.raises(UsageError, match="a UUID, got 'harbour'"):
        await table.delete_fences(["harbour"])
    with pytest.raises(UsageError, match=f"expected the id of a fence, got {ID}, which no fence has"):
        await table.set_fence(str(ID), name="Harbour")
