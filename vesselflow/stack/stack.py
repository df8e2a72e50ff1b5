"""Turn settings into running services: start those of the local stack, wait until they answer, end them again."""

import asyncio
import fcntl
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vesselflow.core.errors import StackError, Unavailable
from vesselflow.settings import Settings
from vesselflow.stack import ports, processes
from vesselflow.stack.kafka import Kafka
from vesselflow.stack.postgres import Postgres
from vesselflow.stack.redis import RedisServer
from vesselflow.stack.service import Service

READY_S = 90.0
STOP_S = 6.0


@dataclass(frozen=True)
class ServiceStatus:
    """How one service stands: *state* is running, stopped, stale or external; *problem* says why it does not answer."""

    name: str
    state: str
    address: str
    pid: int | None = None
    problem: str = ""


class Stack:
    """Kafka, Postgres and Redis under one home. `start` and `stop` may be called at any time, from any process."""

    def __init__(self, settings: Settings, say: Callable[[str], None] = lambda _: None) -> None:
        self.settings = settings
        self.say = say
        # Kafka takes longest to start, so it is started first.
        self.services: list[Service] = [Kafka(settings), Postgres(settings), RedisServer(settings)]

    def start(self) -> list[str]:
        """Start every service that is ours and does not run; return their names when all of them answer.

        When it fails or is interrupted, what it started is stopped again.

        Raises: StackError for a taken port, a missing program and a service that ends or does not answer.
        """
        with self._alone():
            wanted = [service for service in self.services if self._is_wanted(service)]
            self._check_ports(wanted)
            started: list[Service] = []
            try:
                for service in wanted:
                    service.prepare()
                    started.append(service)
                    self._spawn(service)
                for service in started:
                    self._await_answer(service)
                    service.finish()
                    self.say(f"{service.name}: ready at {self._shown(service)}")
            except BaseException:
                self._end(started)
                raise
        return [service.name for service in started]

    def stop(self, names: Collection[str] | None = None) -> None:
        """End the processes that the pid files name and that are still ours, or those of *names* alone."""
        with self._alone():
            self._end([service for service in self.services if names is None or service.name in names])

    def status(self) -> list[ServiceStatus]:
        """Return how each service stands, and whether it answers."""
        return [self._status(service) for service in self.services]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time change the stack of this home."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        with (self.settings.home / "stack.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _is_wanted(self, service: Service) -> bool:
        if self.settings.is_external(service.name):
            self.say(f"{service.name}: external, not started")
            return False
        running = self._running(service)
        if running:
            self.say(f"{service.name}: already running (pid {running.pid})")
        return running is None

    def _running(self, service: Service) -> processes.Recorded | None:
        """Return the process of *service*; a pid file whose process is gone is removed, with a word."""
        found = processes.recorded(self._pid_file(service))
        if found and not found.is_alive():
            self.say(
                f"{service.name}: pid {found.pid} in {self._pid_file(service)} is no longer ours; removed the file"
            )
            self._pid_file(service).unlink(missing_ok=True)
            return None
        return found

    def _check_ports(self, services: list[Service]) -> None:
        for service in services:
            for port in service.ports():
                if not ports.is_free(port):
                    raise StackError(
                        f"{service.name}: port {port} is taken by {ports.holder(port)}; end that, or set"
                        f" VESSELFLOW_PORT_BASE to another base than {self.settings.port_base}"
                    )

    def _spawn(self, service: Service) -> None:
        pid = processes.spawn(service.command(), self._log(service), service.environ())
        processes.record(pid, self._pid_file(service))

    def _await_answer(self, service: Service) -> None:
        until = time.monotonic() + READY_S
        while (problem := _ask(service)) is not None:
            if self._has_ended(service):
                last = processes.last_line(self._log(service))
                raise StackError(f"{service.name} ended while it started: {last} (see {self._log(service)})")
            if time.monotonic() > until:
                raise StackError(
                    f"{service.name} does not answer after {READY_S:.0f} s: {problem} (see {self._log(service)})"
                )
            time.sleep(0.1)

    def _has_ended(self, service: Service) -> bool:
        found = processes.recorded(self._pid_file(service))
        return found is None or not found.is_alive()

    def _end(self, services: list[Service]) -> None:
        running = {service.name: self._running(service) for service in services}
        signals = {
            process: int(service.stop_signal) for service in services if (process := running[service.name]) is not None
        }
        killed = processes.end(signals, STOP_S)
        for service in services:
            process = running[service.name]
            if process:
                self.say(f"{service.name}: {'killed' if process in killed else 'stopped'} (pid {process.pid})")
                self._pid_file(service).unlink(missing_ok=True)

    def _status(self, service: Service) -> ServiceStatus:
        found = processes.recorded(self._pid_file(service))
        state, pid = "stopped", None
        if self.settings.is_external(service.name):
            state = "external"
        elif found:
            state, pid = ("running", found.pid) if found.is_alive() else ("stale", found.pid)
        problem = _ask(service) if state in ("running", "external") else ""
        return ServiceStatus(service.name, state, self._shown(service), pid, problem or "")

    def _shown(self, service: Service) -> str:
        """Return the address without user and password."""
        return self.settings.address(service.name).rpartition("@")[2].removeprefix("redis://")

    def _pid_file(self, service: Service) -> Path:
        return self.settings.home / "run" / f"{service.name}.pid"

    def _log(self, service: Service) -> Path:
        return self.settings.home / "logs" / f"{service.name}.log"


def _ask(service: Service) -> str | None:
    """Return why *service* does not answer, None when it does."""
    try:
        asyncio.run(service.probe())
    except Unavailable as error:
        return str(error)
    return None
