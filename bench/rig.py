"""A local stack of its own for one benchmark, a worker on it, and what can be read of both from outside."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.report import BenchError
from bench.scene import CLIENTS, Fences
from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.migrations import migrate
from vesselflow.adapters.pool import Database
from vesselflow.adapters.topics import TopicSpec, create_topics
from vesselflow.settings import PLAIN_NAMES, PREFIX, Settings
from vesselflow.stack import Stack
from vesselflow.stack.ports import free_base
from vesselflow.stack.postgres import Postgres

ROOT: Final = Path(__file__).parents[1]
_OFFSETS: Final = (32, 66, 79, 80, 92, 93)
_KEPT: Final = PREFIX + "KAFKA_LIBS"
#: Fences count at once: a benchmark need not wait for workers that have not heard of them.
_OWN: Final = {PREFIX + "FENCE_DELAY_S": "0"}
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_SAMPLE: Final = re.compile(r'^vesselflow_positions_total\{agent="(\w+)"\} (\S+)$', re.MULTILINE)


@contextmanager
def own_stack() -> Iterator[Stack]:
    """Yield a stack with free ports and a home of its own, not started yet; whatever happens, it is stopped in the end."""
    home = Path(tempfile.mkdtemp(prefix="vesselflow-bench-"))
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack = Stack(_settings(home))
    try:
        yield stack
    finally:
        # Being told twice to end shall not leave a Kafka behind.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stack.stop()
        signal.signal(signal.SIGTERM, before)
        shutil.rmtree(home, ignore_errors=True)


def _settings(home: Path) -> Settings:
    # What the caller's environment names as services is not ours to load.
    for name in [name for name in os.environ if name.startswith(PREFIX) or name.lower() in PLAIN_NAMES]:
        if name != _KEPT:
            del os.environ[name]
    own = {PREFIX + "HOME": str(home), PREFIX + "PORT_BASE": str(free_base(_OFFSETS)), **_OWN}
    os.environ.update(own)
    return Settings.from_env(os.environ)


async def start(stack: Stack) -> None:
    """Start *stack*, with the moments of commits recorded in Postgres, and prepare tables and topics."""
    postgres = Postgres(stack.settings)
    await asyncio.to_thread(postgres.prepare)
    with (postgres.data / "postgresql.conf").open("a") as configuration:
        configuration.write("\ntrack_commit_timestamp = on\n")
    starting = asyncio.create_task(asyncio.to_thread(stack.start))
    # Imported meanwhile: it takes a second, and reads the environment, which has to be ours by now.
    app = await asyncio.to_thread(importlib.import_module, "vesselflow.app")
    await starting
    await migrate(stack.settings.database_url)
    await create_topics(stack.settings.kafka_brokers, app.topic_specs(stack.settings))


async def create_topic(settings: Settings, name: str, partitions: int) -> None:
    """Create one more topic."""
    await create_topics(settings.kafka_brokers, [TopicSpec(name, partitions, 1, {})])


async def insert_fences(settings: Settings, fences: Fences) -> None:
    """Give each client its fences. Preferences stay the default ones."""
    database = Database(settings.database_url)
    try:
        store = PostgresFences(database)
        for client in range(CLIENTS):
            await store.insert_fences(f"client-{client}", fences.of_client(client))
    finally:
        await database.close()


@dataclass
class Program:
    """One process of the benchmark and its log."""

    command: tuple[str, ...]
    log: Path
    environ: dict[str, str]
    process: asyncio.subprocess.Process | None = field(default=None, init=False)

    async def __aenter__(self) -> Program:
        """Start it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, env={**os.environ, **self.environ}, cwd=ROOT, stdout=output, stderr=output
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Kill it: what it would put away when it is asked to stop goes with the stack."""
        if self.process is not None:
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()

    @property
    def pid(self) -> int:
        """The process."""
        assert self.process is not None
        return self.process.pid

    def check(self) -> None:
        """Raise BenchError when it has ended."""
        if self.process is not None and self.process.returncode is not None:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
            raise BenchError(f"{' '.join(self.command[1:])} ended with {self.process.returncode}:\n{last}")

    def cpu_s(self) -> float:
        """Return the processor time it has used, all threads together."""
        # Source: proc(5), /proc/pid/stat, fields 14 and 15; the name in field 2 may hold blanks.
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def most_memory_mb(self) -> float:
        """Return the most memory it ever had resident."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def worker(settings: Settings) -> Program:
    """Return a worker with web, so that its metrics can be read."""
    faust = (sys.executable, "-m", "faust", "-A", "vesselflow.app", "--loop", "uvloop")
    command = (*faust, "worker", "-l", "info", "--without-web")
    return Program(command, settings.home / "logs" / "worker.log", settings.to_env())


async def positions_by_agent(settings: Settings) -> dict[str, int]:
    """Return how many positions each agent of the worker has worked off; empty while it does not answer."""
    return await asyncio.to_thread(_scraped, f"http://127.0.0.1:{settings.web_port}/metrics")


def _scraped(url: str) -> dict[str, int]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    return {agent: int(float(value)) for agent, value in _SAMPLE.findall(text)}


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that the values depend on."""
    names = ("source_partitions", "position_partitions", "batch_positions", "coalesce_ms", "checkpoint_s")
    return {name: getattr(settings, name) for name in names}
