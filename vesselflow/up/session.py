"""The whole system for a while: stack, schema, samples, worker, replays, and a client that counts what arrives."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import math
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from vesselflow.adapters.migrations import migrate
from vesselflow.core.errors import StackError, UsageError
from vesselflow.settings import SERVICES, Settings
from vesselflow.stack import Stack, ports
from vesselflow.up import samples
from vesselflow.up.child import Child, end_leftovers, environ_of
from vesselflow.up.listening import Listener
from vesselflow.up.numbers import Numbers, get, quantile_ms
from vesselflow.up.status import Status, status_line

READY_S: Final = 120.0
#: On two busy cores it takes 3 s; the stack takes 2 s more.
WORKER_STOP_S: Final = 5.0
DRAIN_S: Final = 5.0
#: The status line's latency is that of the notifications of so many seconds.
RECENT_S: Final = 30.0

Result = dict[str, int | float | None]


@dataclass(frozen=True)
class Plan:
    """What to run: ``seconds`` None is until told to stop; ``tokens`` and ``addresses`` are those of the sample clients."""

    url: str
    tokens: Mapping[str, str]
    addresses: Mapping[str, str]
    seconds: float | None = None
    with_replays: bool = True
    afresh: bool = False


def run(settings: Settings, plan: Plan) -> Result | None:
    """Run everything and stop what was started; return the counts, None when it was told to stop before its time.

    Raises:
        StackError: something cannot start or does not stay alive.
        UsageError: another one runs on the same home, or a fresh start is asked for of services that are not ours.
    """
    status = Status()
    with _alone(settings.home):
        end_leftovers(settings.home, status.say)
        if plan.afresh:
            _forget(settings, status.say)
        _check_port(settings)
        stack = Stack(settings, status.say)
        started = stack.start()
        try:
            return asyncio.run(_until_stopped(Session(settings, plan, status)))
        finally:
            # A second Ctrl-C shall not leave anything running.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            stack.stop(started)


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"expected no other `vesselflow up` on {home}: stop it, or set VESSELFLOW_HOME and VESSELFLOW_PORT_BASE"
            ) from None
        yield


def _forget(settings: Settings, say: Callable[[str], None]) -> None:
    """Delete the data of the local stack and the worker's state."""
    external = [name for name in SERVICES if settings.is_external(name)]
    if external:
        raise UsageError(f"expected services of the local stack alone with --fresh, got an address for {external[0]}")
    Stack(settings, say).stop()
    for path in ("kafka/data", "postgres/data", "redis", settings.app_id):
        shutil.rmtree(settings.home / path, ignore_errors=True)


def _check_port(settings: Settings) -> None:
    if not ports.is_free(settings.web_port):
        raise StackError(
            f"web: port {settings.web_port} is taken by {ports.holder(settings.web_port)}; end that, or set"
            f" VESSELFLOW_PORT_BASE to another base than {settings.port_base}"
        )


async def _until_stopped(session: Session) -> Result | None:
    """Run *session*; SIGINT and SIGTERM end it."""
    task = asyncio.create_task(session.run())
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, lambda: None)
        session.status.say("stopping")
        task.cancel()

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
    try:
        return await task
    except asyncio.CancelledError:
        return None


class Session:
    """The processes and listeners of one run."""

    def __init__(self, settings: Settings, plan: Plan, status: Status) -> None:
        self.status = status
        self._settings = settings
        self._plan = plan
        environ = environ_of(replace(settings, web_in_worker=True).to_env() | {"VESSELFLOW_WEB_IN_WORKER": "true"})
        worker = ["--loop", "uvloop", "worker", "-l", settings.log_level]
        self._worker = Child("worker", worker, environ, settings.home, status.say)
        self._replays = [
            Child(track.name, track.arguments(settings.alert_limit_s), environ, settings.home, status.say)
            for track in samples.TRACKS
            if plan.with_replays
        ]
        self._numbers = Numbers(plan.url)
        self._listeners = [Listener(f"ws{plan.url.removeprefix('http')}/ws", token) for token in plan.tokens.values()]

    async def run(self) -> Result:
        """Start everything, wait, stop everything.

        Raises:
            StackError: a process does not stay alive or does not become ready.
        """
        await self._prepare()
        try:
            async with asyncio.TaskGroup() as group:
                kept = [group.create_task(self._worker.keep())]
                await self._until_ready()
                kept += [group.create_task(listener.listen()) for listener in self._listeners]
                await asyncio.gather(*(listener.connected.wait() for listener in self._listeners))
                await self._numbers.refresh()
                self._tell_addresses()
                kept += [group.create_task(replay.keep()) for replay in self._replays]
                await self._watch()
                result = await self._settled()
                await self._stop()
                for task in kept:
                    task.cancel()
        except* StackError as errors:
            raise errors.exceptions[0] from None
        finally:
            self.status.finish()
            await self._stop()
        return result

    async def _prepare(self) -> None:
        applied = await migrate(self._settings.database_url)
        if applied:
            self.status.say(f"postgres: applied {len(applied)} migrations")
        fences = await samples.load(self._settings.database_url)
        self.status.say(f"samples: {fences} fences of {' and '.join(samples.fence_files())}")

    async def _until_ready(self) -> None:
        self.status.say("worker: starting")
        started = time.monotonic()
        reasons = "no answer"
        while time.monotonic() - started < READY_S:
            answer = await get(f"{self._plan.url}/readyz")
            if answer is not None:
                if answer[0] == 200:
                    self.status.say(f"worker: ready after {time.monotonic() - started:.1f} s")
                    return
                reasons = ", ".join(msgspec.json.decode(answer[1])["reasons"])
            await asyncio.sleep(0.2)
        raise StackError(f"expected the worker to be ready after {READY_S:.0f} s: {reasons}")

    def _tell_addresses(self) -> None:
        for client, address in self._plan.addresses.items():
            self.status.say(f"open as {client}: {address}")
        self.status.say(f"dashboard: {self._plan.url}/dashboard/vessels")
        self.status.say(f"metrics: {self._plan.url}/metrics")

    async def _watch(self) -> None:
        until = None if self._plan.seconds is None else time.monotonic() + self._plan.seconds
        while until is None or time.monotonic() < until:
            await asyncio.sleep(1.0 if until is None else max(0.0, min(1.0, until - time.monotonic())))
            if await self._numbers.refresh():
                self.status.show(status_line(self._numbers, self._times_ms(RECENT_S)))
            else:
                self.status.show("the worker does not answer")

    async def _settled(self) -> Result:
        """Stop the replays, wait until what was sent has arrived, and return the counts."""
        await asyncio.gather(*(replay.stop(WORKER_STOP_S) for replay in self._replays))
        until = time.monotonic() + DRAIN_S
        before: object = None
        while time.monotonic() < until:
            await self._numbers.refresh()
            now = (dict(self._numbers.totals), self._numbers.lag, self._received)
            if now == before and self._numbers.lag == 0:
                break
            before = now
            await asyncio.sleep(0.7)
        await self._numbers.refresh(with_stats=True)
        return self._result()

    def _result(self) -> Result:
        totals, times_ms = self._numbers.totals, self._times_ms()
        return {
            "positions": totals["positions"],
            "vessels": self._numbers.vessels,
            "events": totals["events"],
            "notifications": totals["notifications"],
            "published": totals["published"],
            "received_by_websocket": self._received,
            "dead_letters": totals["dead_letters"],
            "p50_ms": quantile_ms(times_ms, 0.5),
            "p99_ms": quantile_ms(times_ms, 0.99),
            "active_now": self._numbers.active_now,
        }

    @property
    def _received(self) -> int:
        return sum(listener.received for listener in self._listeners)

    def _times_ms(self, last_s: float = math.inf) -> list[float]:
        return [each for listener in self._listeners for each in listener.times_ms(last_s)]

    async def _stop(self) -> None:
        await asyncio.gather(*(child.stop(WORKER_STOP_S) for child in (*self._replays, self._worker)))
