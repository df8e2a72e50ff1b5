"""Turn commands into detached processes, and pid files back into the processes they mean.

A pid alone may by now belong to somebody else, so its file also holds when the process started; only the two together mean
a process of ours. Linux only: it reads /proc.
"""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Recorded:
    """What a pid file holds: *started* is in clock ticks since boot *boot*, so that a pid used again is told apart."""

    pid: int
    started: int
    boot: str

    def is_alive(self) -> bool:
        """Tell whether the very process that was recorded still runs.

        A child of ours counts until it could be reaped: its first thread is shown as a zombie while others still end.
        """
        return _identify(self.pid, is_ours=_is_unfinished_child(self.pid)) == self


def spawn(command: Sequence[str], log: Path, environ: Mapping[str, str]) -> int:
    """Start *command* in a session of its own, its output added to *log*, and return its pid.

    posix_spawn rather than `subprocess`: a Popen object complains when it is forgotten while its process runs on.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    to_log = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    return os.posix_spawn(
        command[0],
        list(command),
        environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            to_log,
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        # A shell's background job ignores SIGINT, Python ignores SIGPIPE; a service shall do neither.
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGPIPE],
    )


def record(pid: int, path: Path) -> Recorded:
    """Write the pid file *path* for the running process *pid*."""
    found = _identify(pid, is_ours=True) or Recorded(pid, 0, "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(found)) + "\n", encoding="ascii")
    return found


def recorded(path: Path) -> Recorded | None:
    """Return what the pid file *path* holds, None without one or when it is not whole."""
    try:
        return Recorded(**json.loads(path.read_text(encoding="ascii")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def end(processes: Mapping[Recorded, int], deadline_s: float) -> list[Recorded]:
    """Send each process its signal, wait up to *deadline_s* for all, kill the rest and return those that were killed."""
    for process, number in processes.items():
        _send(process, number)
    until = time.monotonic() + deadline_s
    left = list(processes)
    while left and time.monotonic() < until:
        time.sleep(0.02)
        left = [process for process in left if process.is_alive()]
    for process in left:
        _send(process, signal.SIGKILL)
    return left


def last_line(log: Path) -> str:
    """Return the last line of *log* that says something."""
    if not log.exists():
        return ""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _send(process: Recorded, number: int) -> None:
    """Send a signal to *process* if it is still the one that was recorded."""
    if process.is_alive():
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return


def _identify(pid: int, is_ours: bool) -> Recorded | None:
    """Return the identity of the process *pid*, None for one that ended; a zombie has ended unless it *is_ours* to reap.

    Source: proc(5), /proc/[pid]/stat: field 3 is the state, field 22 the start time in clock ticks since boot.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the name in brackets and may itself hold blanks and brackets.
    state, *rest = stat.rpartition(")")[2].split()
    has_ended = state in "ZX" and not is_ours
    return None if has_ended else Recorded(pid, int(rest[18]), BOOT_ID.read_text().strip())


def _is_unfinished_child(pid: int) -> bool:
    """Reap *pid* if it is a child of ours that ended; tell whether it is one that did not yet."""
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False
