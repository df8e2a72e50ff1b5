"""A process of ours: started with its output in a log, started again when it dies, stopped within a limit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from vesselflow.core.errors import StackError
from vesselflow.stack import processes

#: A process that lived this long was well; one that dies sooner, so often in a row, never will be.
WELL_S: Final = 20.0
MOST_DEATHS: Final = 4
PAUSE_S: Final = 1.0


class Child:
    """One ``vesselflow`` command as a process in a session of its own, so that Ctrl-C reaches us alone."""

    def __init__(
        self, name: str, arguments: Sequence[str], environ: Mapping[str, str], home: Path, say: Callable[[str], None]
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-c", "from vesselflow.cli import main; main()", *arguments]
        self._environ = environ
        self._log = home / "logs" / f"{name}.log"
        self._pid_file = pid_file(home, name)
        self._say = say
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def keep(self) -> None:
        """Run the process for ever.

        Raises:
            StackError: it dies again and again soon after its start.
        """
        deaths = 0
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_bytes(b"")
        while True:
            started = time.monotonic()
            code = await self._run()
            if self._stopping:
                return
            deaths = 1 if time.monotonic() - started >= WELL_S else deaths + 1
            if deaths > MOST_DEATHS:
                last = processes.last_line(self._log)
                raise StackError(f"the {self.name} ended {deaths} times soon after its start: {last} (see {self._log})")
            self._say(f"the {self.name} ended with exit code {code}; starting it again (see {self._log})")
            await asyncio.sleep(PAUSE_S)

    async def stop(self, limit_s: float) -> None:
        """End the process: SIGTERM, and SIGKILL when it is still there after *limit_s*."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(limit_s):
                await process.wait()
        except TimeoutError:
            self._say(f"the {self.name} did not stop within {limit_s:.0f} s: killed")
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _run(self) -> int:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        processes.record(self._process.pid, self._pid_file)
        code = await self._process.wait()
        self._pid_file.unlink(missing_ok=True)
        return code


def pid_file(home: Path, name: str) -> Path:
    """Return the file that tells the next start of a process that outlived us."""
    return home / "run" / f"up-{name}.pid"


def end_leftovers(home: Path, say: Callable[[str], None]) -> None:
    """End the processes of an earlier start that was killed before it could end them."""
    left = {path: processes.recorded(path) for path in (home / "run").glob("up-*.pid")}
    alive = {process: int(signal.SIGTERM) for process in left.values() if process is not None and process.is_alive()}
    processes.end(alive, deadline_s=5.0)
    for path, process in left.items():
        path.unlink(missing_ok=True)
        if process in alive:
            say(f"ended pid {process.pid}, left over from an earlier start ({path.stem.removeprefix('up-')})")


def environ_of(settings_environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: ours, with the settings as they were read."""
    return {**os.environ, **settings_environ, "PYTHONUNBUFFERED": "1"}
