"""Positions a second through the whole topology, beside a textbook Faust agent, and the time from produce to Postgres.

``docs/benchmarks.md`` describes the method.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from bench import rig, textbook
from bench.feeding import TOPIC, feed, fill
from bench.report import BenchError, Report, Result, environment, percentile
from bench.scene import FENCES, INTERVAL_MS, VESSELS, Fleet, make_fences
from bench.stores import Stores
from vesselflow.core.partition import partitions_of
from vesselflow.settings import Settings
from vesselflow.stack import Stack
from vesselflow.stack.kafka import find_libs

COUNTING: Final = ("ingest", "geofence", "destination", "activity")
RATES_PER_S: Final = (1_667, 16_670)
POLL_S: Final = 0.2
LIMIT_S: Final = 300.0
_BEGUN: Final = time.monotonic()

GOALS: Final = {"throughput": 20_000.0, "ratio to textbook": 10.0}


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    rounds: int
    textbook_positions: int
    latency_s: float
    warm_up_s: float


FULL: Final = Size(rounds=40, textbook_positions=30_000, latency_s=17.0, warm_up_s=2.0)
QUICK: Final = Size(rounds=4, textbook_positions=2_000, latency_s=3.0, warm_up_s=1.0)


@dataclass
class Drain:
    """How a worker worked off what stood in the topic: when it began and when each agent was through."""

    started: float = 0.0
    cpu_s: float = 0.0
    ended: dict[str, float] = field(default_factory=dict)
    cpu_used_s: float = 0.0
    most_memory_mb: float = 0.0

    def rate(self, agent: str, positions: int) -> float:
        """Return positions a second until *agent* was through."""
        return positions / (self.ended[agent] - self.started)


def run(*, is_quick: bool) -> Report:
    """Measure all phases on a fresh stack."""
    size = QUICK if is_quick else FULL
    about = environment()
    with rig.own_stack() as stack:
        return asyncio.run(_measure(stack, size, about))


async def _measure(stack: Stack, size: Size, about: dict[str, object]) -> Report:
    settings = stack.settings
    fences = make_fences()
    fleet = Fleet(fences, partitions=settings.source_partitions)
    _say("starting Kafka, Postgres and Redis")
    await rig.start(stack)
    await rig.insert_fences(settings, fences)
    start_ms, end_ms = await _fill(settings, fleet, size)
    async with Stores(settings) as stores, rig.worker(settings) as worker:
        drain = await _drain(settings, stores, worker, fleet, size.rounds * VESSELS, end_ms)
        written = await stores.notifications()
        latencies = [await _latencies(settings, stores, worker, fleet, rate, size, start_ms) for rate in RATES_PER_S]
    theirs = await _textbook(settings, size.textbook_positions)
    about |= {"kafka": _kafka_version(settings), "settings": rig.shown_settings(settings)}
    remarks = (
        f"{size.rounds * VESSELS:,} positions of {VESSELS:,} vessels against {FENCES:,} fences, {written:,} notifications",
        f"latencies over {len(latencies[0]):,} and {len(latencies[1]):,} notifications",
    )
    return report_of(drain, size.rounds * VESSELS, latencies, theirs, about, remarks)


async def _fill(settings: Settings, fleet: Fleet, size: Size) -> tuple[int, int]:
    """Fill the topic with positions that end now; return the moments of their begin and end."""
    _say(f"writing {size.rounds * VESSELS:,} positions to Kafka")
    end_ms = int(time.time() * 1000)
    await fill(settings.kafka_brokers, TOPIC, fleet.history(size.rounds, end_ms))
    return end_ms - size.rounds * INTERVAL_MS, end_ms


async def _drain(
    settings: Settings, stores: Stores, worker: rig.Program, fleet: Fleet, positions: int, end_ms: int
) -> Drain:
    _say("working them off")
    drain = Drain()
    until = time.monotonic() + LIMIT_S
    while len(drain.ended) < len(COUNTING):
        now, cpu_s = time.monotonic(), worker.cpu_s()
        counted = await rig.positions_by_agent(settings)
        if not counted.get("ingest"):
            # The last moment at which nothing had been consumed yet.
            drain.started, drain.cpu_s = now, cpu_s
        drain.ended |= {
            agent: time.monotonic()
            for agent in COUNTING
            if counted.get(agent, 0) >= positions and agent not in drain.ended
        }
        await _pause(worker, until, f"{positions:,} positions through every agent, got {counted}")
    sample = np.arange(0, VESSELS, 97)
    # The last report of a vessel is less than one interval older than the end.
    last_ms = [end_ms - INTERVAL_MS] * len(sample)
    vessels = fleet.mmsi[sample].tolist()

    async def live_is_through() -> bool:
        return await stores.live_is_at(vessels, last_ms)

    async def sink_is_through() -> bool:
        return await stores.sink_lag() == 0

    for agent, is_through in (("sink", sink_is_through), ("live", live_is_through)):
        drain.ended[agent] = await _until(is_through, worker, until)
    drain.cpu_used_s, drain.most_memory_mb = worker.cpu_s() - drain.cpu_s, worker.most_memory_mb()
    return drain


async def _latencies(
    settings: Settings, stores: Stores, worker: rig.Program, fleet: Fleet, rate: int, size: Size, start_ms: int
) -> list[float]:
    """Return the seconds from produce to commit of each notification at that rate, but those of the warm-up."""
    _say(f"feeding {rate:,} positions/s for {size.latency_s:.0f} s")
    since_ms = int((time.time() + size.warm_up_s) * 1000)
    got = await feed(settings.kafka_brokers, fleet, rate_per_s=rate, for_s=size.latency_s, start_ms=start_ms)
    if got < 0.97 * rate:
        raise BenchError(f"expected to feed {rate:,} positions/s, got {got:,.0f}: something else takes the processors")

    async def is_settled() -> bool:
        before = await stores.notifications()
        await asyncio.sleep(0.5)
        return await stores.sink_lag() == 0 and await stores.notifications() == before

    await _until(is_settled, worker, time.monotonic() + LIMIT_S)
    return await stores.seconds_to_commit(since_ms)


async def _textbook(settings: Settings, positions: int) -> float:
    """Return the positions a second of the textbook agent, over records that stood in its topic before."""
    _say(f"{positions:,} positions through the textbook agent")
    await rig.create_topic(settings, textbook.TOPIC, textbook.PARTITIONS)
    await fill(settings.kafka_brokers, textbook.TOPIC, _single_positions(positions))
    environ = {
        textbook.BROKERS: settings.kafka_brokers,
        textbook.EXPECTED: str(positions),
        textbook.HOME: str(settings.home),
    }
    command = (sys.executable, "-m", "faust", "-A", "bench.textbook", "worker", "-l", "warn", "--without-web")
    result = settings.home / textbook.RESULT

    async def is_done() -> bool:
        return await asyncio.to_thread(result.exists)

    async with rig.Program(command, settings.home / "logs" / "textbook.log", environ) as program:
        await _until(is_done, program, time.monotonic() + LIMIT_S)
    found = json.loads(result.read_text())
    return float(found["positions"] / found["seconds"])


def _single_positions(count: int) -> Iterator[tuple[int, bytes]]:
    mmsi = 200_000_000 + np.arange(count) % VESSELS
    for vessel, partition in zip(mmsi.tolist(), partitions_of(mmsi, textbook.PARTITIONS).tolist(), strict=True):
        state = {
            "MMSI": vessel,
            "Latitude": 51.9,
            "Longitude": 4.1,
            "SpeedOverGround": 12.3,
            "Timestamp": 1767225600000,
        }
        yield partition, msgspec.json.encode(state)


async def _until(is_done: Callable[[], Awaitable[bool]], program: rig.Program, until: float) -> float:
    """Return the moment at which *is_done* was found true."""
    while not await is_done():
        await _pause(program, until, "the end")
    return time.monotonic()


async def _pause(program: rig.Program, until: float, expected: str) -> None:
    program.check()
    if time.monotonic() > until:
        raise BenchError(f"expected {expected} within {LIMIT_S:.0f} s")
    await asyncio.sleep(POLL_S)


def report_of(
    drain: Drain,
    positions: int,
    latencies: list[list[float]],
    theirs: float,
    about: dict[str, object],
    remarks: tuple[str, ...],
) -> Report:
    ours = positions / (max(drain.ended.values()) - drain.started)
    results = [
        Result("throughput", ours, "positions/s", "higher"),
        *(
            Result(f"until {agent} is through", drain.rate(agent, positions), "positions/s", "higher")
            for agent in drain.ended
        ),
        Result("worker CPU", drain.cpu_used_s / positions * 1e6, "us/position", "lower"),
        Result("worker memory, most", drain.most_memory_mb, "MB", "lower"),
        Result("textbook agent", theirs, "positions/s", "higher"),
    ]
    for rate, seconds in zip(RATES_PER_S, latencies, strict=True):
        for share in (0.50, 0.99):
            name = f"produce to Postgres at {rate:,}/s, p{share * 100:.0f}"
            results.append(Result(name, percentile(seconds, share) * 1000, "ms", "lower"))
    return Report("throughput", results, {"textbook": ours / theirs}, about, GOALS, remarks)


def _kafka_version(settings: Settings) -> str:
    jars = sorted(find_libs(settings).glob("kafka-clients-*.jar"))
    return jars[0].stem.removeprefix("kafka-clients-") if jars else "unknown"


def _say(step: str) -> None:
    print(f"{time.monotonic() - _BEGUN:6.1f} s  {step}", file=sys.stderr, flush=True)
