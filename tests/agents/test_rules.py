"""Fences and preferences followed on memory."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
import shapely

from tests.fakes.changes import MemoryChanges
from tests.fakes.clock import HeldClock
from tests.fakes.fences import Fence, MemoryFences
from tests.fakes.live import MemoryLive
from tests.fakes.notifications import MemoryNotifications
from tests.fakes.preferences import MemoryPreferences
from tests.fakes.stats import MemoryStats
from vesselflow import outside
from vesselflow.outside import Outside
from vesselflow.rules import HISTORY_MS, WHOLE_EVERY_MS, Rules

SQUARE = shapely.box(4, 51, 5, 52).wkb
OTHER = shapely.box(4, 51, 6, 52).wkb
DELAY_MS = 1500
#: So long that no poll comes within a test.
NEVER_S = 3600.0
WITHIN_S = 20.0


@dataclass
class World:
    clock: HeldClock
    fences: MemoryFences
    preferences: MemoryPreferences
    changes: MemoryChanges
    rules: Rules

    def in_force(self) -> list[str]:
        """Return the names of the fences that judge a position received now."""
        return sorted(version.name for version in self.rules.fences.at(self.clock.now_ms()).versions)

    def let_count(self) -> None:
        """Let as much time pass as changes need to count."""
        self.clock.advance(timedelta(milliseconds=DELAY_MS + 10))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    clock, changes = HeldClock(), MemoryChanges()
    fences, preferences = MemoryFences(clock, delay_ms=DELAY_MS, changes=changes), MemoryPreferences()
    notifications = MemoryNotifications(clock)
    ports = Outside(
        notifications=notifications,
        feed=notifications,
        preferences=preferences,
        fences=fences,
        changes=changes,
        stats=MemoryStats(clock),
        live=MemoryLive(),
        clock=clock,
    )
    monkeypatch.setattr(outside, "_connected", ports)
    return World(clock, fences, preferences, changes, Rules())


@asynccontextmanager
async def kept(rules: Rules, poll_s: float = NEVER_S) -> AsyncIterator[None]:
    """Let *rules* follow the changes meanwhile."""
    task = asyncio.create_task(rules.keep(poll_s))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def eventually(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not is_true():
            await asyncio.sleep(0.005)


async def test_everything_is_loaded_once_and_then_what_changed(world: World) -> None:
    world.fences.put("a", Fence("ann", "Port", SQUARE))
    await world.rules.refresh()
    world.fences.put("b", Fence("ann", "Sea", OTHER))
    await world.rules.refresh()
    await world.rules.refresh()
    world.let_count()

    assert world.fences.loads == [None, 1]
    assert world.in_force() == ["Port", "Sea"]


async def test_each_kind_of_change_arrives(world: World) -> None:
    seen = []
    world.fences.put("a", Fence("ann", "Port", SQUARE))
    changes: list[Callable[[], None]] = [
        lambda: world.fences.change("a", name="Harbour"),
        lambda: world.fences.change("a", is_active=False),
        lambda: world.fences.change("a", is_active=True),
        lambda: world.fences.delete("a"),
        lambda: None,
    ]
    for change in changes:
        await world.rules.refresh()
        world.let_count()
        seen.append(world.in_force())
        change()

    assert seen == [["Port"], ["Harbour"], [], ["Harbour"], []]


async def test_until_a_change_counts_positions_are_judged_as_before(world: World) -> None:
    world.fences.put("a", Fence("ann", "Port", SQUARE))
    await world.rules.refresh()
    world.let_count()
    world.fences.change("a", name="Harbour")
    await world.rules.refresh()

    assert world.in_force() == ["Port"]
    world.let_count()
    assert world.in_force() == ["Harbour"]


async def test_a_version_that_went_back_loads_everything(world: World) -> None:
    world.fences.put("a", Fence("ann", "Port", SQUARE))
    world.fences.put("b", Fence("ann", "Sea", OTHER))
    await world.rules.refresh()
    world.fences.go_back()
    world.fences.put("c", Fence("ann", "Bay", OTHER))
    await world.rules.refresh()
    world.let_count()

    assert world.in_force() == ["Bay"]


async def test_everything_is_loaded_again_now_and_then(world: World) -> None:
    world.fences.put("a", Fence("ann", "Port", SQUARE))
    await world.rules.refresh()
    before = world.rules.fences

    world.clock.advance(timedelta(milliseconds=WHOLE_EVERY_MS))
    await world.rules.refresh()

    assert world.fences.loads == [None, None]
    assert world.rules.fences is before


async def test_states_that_ended_before_the_history_are_let_go(world: World) -> None:
    world.fences.put("a", Fence("ann", "Port", SQUARE))
    await world.rules.refresh()
    world.fences.change("a", name="Harbour")
    await world.rules.refresh()
    assert len(world.rules.fences.versions) == 2

    world.clock.advance(timedelta(milliseconds=HISTORY_MS + DELAY_MS + 1))
    world.fences.put("b", Fence("ann", "Sea", OTHER))
    await world.rules.refresh()

    assert [version.name for version in world.rules.fences.versions] == ["Harbour", "Sea"]


async def test_a_fence_with_bad_rules_has_the_defaults(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.fences.put("a", Fence("ann", "Port", SQUARE, rules='{"margin": 5}'))
    world.fences.put("b", Fence("ann", "Sea", OTHER, rules='{"margin_m": 5}'))

    with caplog.at_level(logging.ERROR):
        await world.rules.refresh()

    assert [version.rules for version in world.rules.fences.versions] == ["{}", '{"margin_m": 5}']
    assert "rules of 1 fences are not used, the defaults are; the first is fence a of ann (Port)" in caplog.text


async def test_preferences_are_followed(world: World) -> None:
    await world.rules.refresh()
    await world.preferences.set_preferences("ann", {"daily_limit": 5})
    await world.preferences.set_preferences("bob", {"daily_limit": -1})
    await world.rules.refresh()

    assert world.rules.clients.preferences_of("ann").daily_limit == 5
    assert world.rules.clients.preferences_of("bob").daily_limit is None


async def test_an_announced_change_is_loaded_without_a_poll(world: World) -> None:
    async with kept(world.rules):
        await eventually(world.rules.loaded.is_set)
        world.fences.put("a", Fence("ann", "Port", SQUARE))

        await eventually(lambda: len(world.rules.fences.versions) == 1)


async def test_a_change_that_nobody_announced_is_found(world: World) -> None:
    world.changes.is_down = True
    async with kept(world.rules, poll_s=0.01):
        await eventually(world.rules.loaded.is_set)
        world.fences.put("a", Fence("ann", "Port", SQUARE))

        await eventually(lambda: len(world.rules.fences.versions) == 1)


async def test_announcements_are_heard_again_after_a_break(world: World) -> None:
    async with kept(world.rules):
        await eventually(world.rules.loaded.is_set)
        world.changes.break_connections()
        world.fences.put("a", Fence("ann", "Port", SQUARE))

        await eventually(lambda: len(world.rules.fences.versions) == 1)


async def test_while_postgres_is_away_the_fences_stay(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vesselflow.rules.RETRY_S", 0.01)
    world.fences.put("a", Fence("ann", "Port", SQUARE))
    async with kept(world.rules, poll_s=0.01):
        await eventually(lambda: len(world.rules.fences.versions) == 1)
        world.fences.is_down = True
        world.fences.put("b", Fence("ann", "Sea", OTHER))
        loads = len(world.fences.loads)

        world.fences.is_down = False
        await eventually(lambda: len(world.rules.fences.versions) == 2)

    assert world.fences.loads[loads:] == [1]
