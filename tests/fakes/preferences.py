from collections.abc import Iterable
from typing import Any

from tests.fakes.outage import Outage


class MemoryPreferences(Outage):
    """Fulfils `PreferenceStore`; *fence_clients* are those that have a fence."""

    def __init__(self) -> None:
        self._stored: dict[str, dict[str, Any]] = {}
        self._fence_clients: set[str] = set()
        self._version = 0

    async def preferences(self) -> dict[str, dict[str, Any]]:
        self.check()
        return {client_id: {} for client_id in self._fence_clients} | self._stored

    async def preferences_version(self) -> int:
        self.check()
        return self._version

    async def set_preferences(self, client_id: str, preferences: dict[str, Any]) -> None:
        self.check()
        self._version += 1
        self._stored[client_id] = preferences

    def fence_clients(self, clients: Iterable[str]) -> None:
        """Say who has a fence."""
        self._version += 1
        self._fence_clients = set(clients)
