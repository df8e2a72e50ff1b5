"""The outside in memory, for agents that talk to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from tests.fakes.changes import MemoryChanges
from tests.fakes.clock import HeldClock
from tests.fakes.fences import MemoryFences
from tests.fakes.live import MemoryLive
from tests.fakes.notifications import MemoryNotifications
from tests.fakes.preferences import MemoryPreferences
from tests.fakes.stats import MemoryStats
from vesselflow import outside
from vesselflow.core.geofence import FenceHistory
from vesselflow.core.matching import Clients
from vesselflow.outside import Outside
from vesselflow.rules import rules


@dataclass
class Memory:
    """The stand-ins behind the ports."""

    clock: HeldClock
    notifications: MemoryNotifications
    live: MemoryLive
    stats: MemoryStats


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    clock = HeldClock()
    made = Memory(clock, MemoryNotifications(clock), MemoryLive(), MemoryStats(clock))
    ports = Outside(
        notifications=made.notifications,
        feed=made.notifications,
        preferences=MemoryPreferences(),
        fences=MemoryFences(clock),
        changes=MemoryChanges(),
        stats=made.stats,
        live=made.live,
        clock=clock,
    )
    monkeypatch.setattr(outside, "_connected", ports)
    monkeypatch.setattr(rules, "fences", FenceHistory())
    monkeypatch.setattr(rules, "clients", Clients({}))
    monkeypatch.setattr(rules, "loaded", asyncio.Event())
    rules.loaded.set()
    return made
