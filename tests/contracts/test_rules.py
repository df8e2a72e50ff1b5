"""A change in Postgres is in force within 2 s in a process that follows."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import asyncpg
import pytest
import shapely

from tests.contracts.test_fences import insert
from tests.fakes.fences import Fence
from tests.fakes.live import MemoryLive
from tests.fakes.notifications import MemoryNotifications
from tests.fakes.stats import MemoryStats
from vesselflow import outside
from vesselflow.adapters.changes import PostgresChanges
from vesselflow.adapters.clock import SystemClock
from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.pool import Database
from vesselflow.adapters.preferences import PostgresPreferences
from vesselflow.outside import Outside
from vesselflow.rules import Rules
from vesselflow.settings import Settings

pytestmark = pytest.mark.integration

SQUARE = shapely.box(4, 51, 5, 52).wkb
OTHER = shapely.box(4, 51, 6, 52).wkb
#: Generous: a test says that it comes, the figure it prints says when.
WITHIN_S = 20.0


class Follower:
    """A process's rules, and somebody who changes fences."""

    def __init__(self, ports: Outside, rules: Rules, admin: asyncpg.Connection) -> None:
        self.ports, self.rules, self.admin = ports, rules, admin

    def in_force(self) -> list[tuple[str, bytes, str]]:
        """Return name, shape and rules of the fences that judge a position received now."""
        versions = self.rules.fences.at(self.ports.clock.now_ms()).versions
        return sorted((version.name, version.wkb, version.rules) for version in versions)

    async def seconds_until(self, expected: list[tuple[str, bytes, str]], change: Awaitable[object]) -> float:
        """Return how long after *change* the fences are as *expected*."""
        await change
        start_s = time.monotonic()
        await eventually(lambda: self.in_force() == expected)
        return time.monotonic() - start_s


async def eventually(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not is_true():
            await asyncio.sleep(0.005)


@pytest.fixture
async def follower(
    database: Database, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Follower]:
    settings, clock = Settings(), SystemClock()
    notifications = MemoryNotifications(clock)
    ports = Outside(
        notifications=notifications,
        feed=notifications,
        preferences=PostgresPreferences(database),
        fences=PostgresFences(database, delay_ms=round(settings.fence_delay_s * 1000)),
        changes=PostgresChanges(database),
        stats=MemoryStats(clock),
        live=MemoryLive(),
        clock=clock,
    )
    rules = Rules()
    monkeypatch.setattr(outside, "_connected", ports)
    task = asyncio.create_task(rules.keep(settings.fence_poll_s))
    async with asyncio.timeout(WITHIN_S):
        await rules.loaded.wait()
    yield Follower(ports, rules, admin)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_every_kind_of_change_is_in_force_within_two_seconds(follower: Follower) -> None:
    admin, until = follower.admin, follower.seconds_until
    port = ("Port", SQUARE, "{}")
    taken = [await until([port], insert(admin, Fence("ann", "Port", SQUARE)))]
    for sql, expected in (
        (f"SET polygon = ST_GeomFromWKB('\\x{OTHER.hex()}', 4326)", [("Port", OTHER, "{}")]),
        ("SET rules = '{\"margin_m\": 5}'", [("Port", OTHER, '{"margin_m": 5}')]),
        ("SET is_active = false", []),
        ("SET is_active = true", [("Port", OTHER, '{"margin_m": 5}')]),
    ):
        taken.append(await until(expected, admin.execute(f"UPDATE geofences {sql}")))
    taken.append(await until([], admin.execute("DELETE FROM geofences")))

    print("in force after", *(f"{seconds:.3f} s" for seconds in taken))
    assert len(taken) == 6


async def test_a_change_is_found_when_the_listening_connection_was_killed(follower: Follower) -> None:
    killed = await follower.admin.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    taken_s = await follower.seconds_until(
        [("Port", SQUARE, "{}")], insert(follower.admin, Fence("ann", "Port", SQUARE))
    )

    print(f"in force after {taken_s:.3f} s")
    assert killed == 1


async def test_a_change_is_seen_long_before_it_counts(follower: Follower) -> None:
    await insert(follower.admin, Fence("ann", "Port", SQUARE))
    start_s = time.monotonic()
    await eventually(lambda: len(follower.rules.fences.versions) == 1)

    print(f"seen after {time.monotonic() - start_s:.3f} s")
    assert follower.in_force() == []
