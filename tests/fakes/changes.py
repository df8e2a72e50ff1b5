import asyncio
from collections.abc import AsyncIterator

from tests.fakes.outage import Outage
from vesselflow.core.errors import Unavailable


class MemoryChanges(Outage):
    """Fulfils `ChangeFeed`."""

    def __init__(self) -> None:
        self._listeners: list[asyncio.Event] = []
        self._breaks = 0

    async def changes(self) -> AsyncIterator[None]:
        self.check()
        heard, breaks = asyncio.Event(), self._breaks
        heard.set()
        self._listeners.append(heard)
        try:
            while await heard.wait():
                heard.clear()
                if breaks != self._breaks:
                    raise Unavailable("the connection was told to break")
                yield
        finally:
            self._listeners.remove(heard)

    def announce(self) -> None:
        """Tell every listener that something changed."""
        for heard in self._listeners:
            heard.set()

    def break_connections(self) -> None:
        """Cut off every listener."""
        self._breaks += 1
        self.announce()
