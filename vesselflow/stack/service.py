"""What the stack must know of a service to run it."""

import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from vesselflow.core.errors import StackError
from vesselflow.settings import Settings


class Service(Protocol):
    """One service of the local stack; the process is the stack's, what it needs is the service's."""

    name: str
    stop_signal: signal.Signals

    def ports(self) -> tuple[int, ...]:
        """Return every port that it listens on."""
        ...

    def prepare(self) -> None:
        """Make its folder and configuration; nothing when they are there."""
        ...

    def command(self) -> list[str]:
        """Return the command that runs it in the foreground."""
        ...

    def environ(self) -> Mapping[str, str]:
        """Return the variables of its environment."""
        ...

    def finish(self) -> None:
        """Do what can only be done once it answers, such as making its database."""
        ...

    async def probe(self) -> None:
        """Return when it answers a real request.

        Raises: Unavailable
        """
        ...


def program(*names: str, mend: str) -> str:
    """Return the path of the first of *names* that is on the PATH.

    Raises: StackError
    """
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise StackError(f"expected {' or '.join(names)} on the PATH, found none: {mend}")


def folder(settings: Settings, name: str) -> Path:
    """Return the folder of the service *name*, made if it is missing."""
    path = settings.home / name
    path.mkdir(parents=True, exist_ok=True)
    return path
