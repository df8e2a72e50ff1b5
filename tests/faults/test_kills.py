"""kill -9 while positions stream in: nothing is lost, nothing is doubled, the counts stay right."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.rig import Rig, WorkerProcess
from tests.stack_fixture import OFFSETS, local_environ
from vesselflow.adapters.migrations import migrate
from vesselflow.settings import Settings
from vesselflow.stack import Stack
from vesselflow.stack.ports import free_base

KILLS = int(os.environ.get("FAULTS_KILLS", "3"))
PLAIN = (sys.executable, "-m", "faust", "-A", "tests.faults.plain_loop", "worker", "-l", "info", "--without-web")

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def broken_stack() -> Iterator[Settings]:
    """A stack of its own: the counts are over the whole input topic."""
    home = Path(tempfile.mkdtemp(prefix="vesselflow-faults-"))
    settings = replace(Settings.from_env(local_environ(home, free_base(OFFSETS))), stats_every_s=1.0, plain_policy=True)
    stack = Stack(settings)
    stack.start()
    try:
        asyncio.run(migrate(settings.database_url))
        yield settings
    finally:
        stack.stop()
        shutil.rmtree(home, ignore_errors=True)


async def _kill_and_start(worker: WorkerProcess, chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0.5, 5.0))
    await worker.end(signal.SIGKILL)
    await worker.start()


async def one_worker(rig: Rig, chance: random.Random) -> None:
    """Kill the only worker, at times before it has recovered from the last time."""
    for _ in range(KILLS):
        await _kill_and_start(rig.workers[0], chance)


async def two_workers(rig: Rig, chance: random.Random) -> None:
    """Kill one, stop the other, and let the partitions move."""
    for number in range(KILLS):
        first, second = rig.workers[number % 2], rig.workers[1 - number % 2]
        await _kill_and_start(first, chance)
        await asyncio.sleep(chance.uniform(0.5, 3.0))
        await second.end(signal.SIGTERM)
        # Longer than the session: the group gives its partitions to the other.
        await asyncio.sleep(chance.choice((0.0, 11.0)))
        await second.start()


async def wiped_disk(rig: Rig, chance: random.Random) -> None:
    """Kill the worker, or stop it, and take its disk away."""
    for number in range(KILLS):
        await asyncio.sleep(chance.uniform(1.0, 5.0))
        await rig.workers[0].end(signal.SIGTERM if number % 3 == 2 else signal.SIGKILL)
        rig.workers[0].wipe()
        await rig.workers[0].start()


Scenario = Callable[[Rig, random.Random], Awaitable[None]]


# First, while the input is short: the plain loop is too slow to read what the other tests leave behind.
async def test_the_same_test_fails_without_the_loop(broken_stack: Settings) -> None:
    """A plain `async for` with Faust's own acknowledgement announces what never happened, or loses what did."""
    rig = Rig(broken_stack, "faults-plain", 235_004_000, lon_deg=40.0, command=PLAIN)
    try:
        await rig.prepare()
        wrong = ""
        for seed in range(4):
            async with rig.feeding():
                await one_worker(rig, random.Random(seed))
                await asyncio.sleep(3.0)
            # Being slow is no fault of it: it may go on for as long as anything comes.
            wrong = wrong or await rig.left_wrong()
            if wrong:
                break

        assert wrong
    finally:
        await rig.stop()


@pytest.mark.parametrize(
    ("scenario", "workers", "first_mmsi"),
    [(one_worker, 1, 235_001_000), (two_workers, 2, 235_002_000), (wiped_disk, 1, 235_003_000)],
)
async def test_a_killed_worker_loses_and_doubles_nothing(
    broken_stack: Settings, scenario: Scenario, workers: int, first_mmsi: int
) -> None:
    rig = Rig(broken_stack, f"faults-{scenario.__name__.replace('_', '-')}", first_mmsi, lon_deg=first_mmsi % 100 / 10)
    try:
        await rig.prepare(workers)
        async with rig.feeding():
            await scenario(rig, random.Random(first_mmsi))
            await asyncio.sleep(3.0)

        difference = await rig.settled()

        assert not difference
        assert await rig.doubled_ids() == 0
        expected, counted = await rig.positions_counted()
        assert counted == expected
    finally:
        await rig.stop()
