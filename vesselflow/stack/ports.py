"""Turn a port into whether it is free, and if not into who holds it."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path

LISTENING = "0A"


def is_free(port: int) -> bool:
    """Tell whether a server could listen on *port* of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_base(offsets: Sequence[int], first: int = 20000, last: int = 32000, step: int = 100) -> int:
    """Return a port base from *first* on at which every one of *offsets* is free."""
    # Processes that look at the same time shall not look at the same place.
    turn = os.getpid() % ((last - first) // step)
    bases = list(range(first, last, step))
    for base in bases[turn:] + bases[:turn]:
        if all(is_free(base + offset) for offset in offsets):
            return base
    raise OSError(f"expected a free block of ports from {first} to {last}, found none")


def holder(port: int) -> str:
    """Return the process that listens on *port* in words, as far as this user may see it."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        if sockets and _holds(process, sockets):
            return f"pid {process.name} ({_command(process)})"
    return "a process of another user or container"


def _listening_inodes(port: int) -> list[str]:
    """Return the inodes of the sockets that listen on *port*.

    Source: Linux, Documentation/networking/proc_net_tcp.rst: column 2 is address:port in hexadecimal, 4 the state, 10 the inode.
    """
    rows = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(table).exists()
        for line in Path(table).read_text().splitlines()[1:]
    ]
    return [row[9] for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port]


def _holds(process: Path, sockets: set[str]) -> bool:
    try:
        return any(os.readlink(entry) in sockets for entry in (process / "fd").iterdir())
    except OSError:
        # It ended meanwhile, or it is another user's.
        return False


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "ended meanwhile"
    return b" ".join(words).decode(errors="replace").strip()[:80]
