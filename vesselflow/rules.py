"""The fences and preferences in force, held in this process and kept up to date.

Postgres has them. A fence counts from ``fence_delay_s`` after its change, by the received time of the
positions, and every process looks for changes more often than that: so all of them, and every replay, judge
a position by the same fences.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from vesselflow import metrics, outside
from vesselflow.core.errors import InvalidPreferences, Unavailable
from vesselflow.core.geofence import FenceHistory
from vesselflow.core.matching import Clients, Preferences, parse_preferences

logger = logging.getLogger(__name__)

#: Versions of fences that ended longer ago judge nothing that is still replayed.
HISTORY_MS = 25 * 3_600_000
#: Seconds before Postgres is tried again.
RETRY_S = 1.0


class Rules:
    """Fences and preferences, loaded once and then again after each change."""

    def __init__(self) -> None:
        self.fences = FenceHistory()
        self.clients = Clients({})
        self.loaded = asyncio.Event()
        self._versions = (-1, -1)

    async def keep(self, poll_s: float) -> None:
        """Look for changes for ever."""
        while True:
            try:
                await self.refresh()
                await asyncio.sleep(poll_s)
            except Unavailable as error:
                logger.warning("fences and preferences stay as they are: %s", error)
                await asyncio.sleep(RETRY_S)

    async def refresh(self) -> None:
        """Load what changed."""
        ports = outside.current()
        versions = (await ports.fences.fences_version(), await ports.preferences.preferences_version())
        if versions[0] != self._versions[0]:
            await self._load_fences(ports.clock.now_ms())
        if versions != self._versions:
            # A new fence can bring a new client, who has the default preferences.
            self.clients = Clients(_parsed(await ports.preferences.preferences()))
        self._versions = versions
        self.loaded.set()

    async def _load_fences(self, now_ms: int) -> None:
        _, versions = await outside.current().fences.fences(now_ms - HISTORY_MS)
        # Building a tree of many fences takes a while; the stream goes on meanwhile with the old one.
        history = await asyncio.to_thread(_built, versions, self.fences, now_ms)
        self.fences = history
        metrics.FENCES.set(sum(version.until_ms is None for version in versions))


def _built(versions: Any, previous: FenceHistory, now_ms: int) -> FenceHistory:
    history = FenceHistory(versions, previous=previous)
    history.at(now_ms)
    return history


def _parsed(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Preferences]:
    parsed = {}
    for client_id, document in stored.items():
        try:
            parsed[client_id] = parse_preferences(document)
        except InvalidPreferences as error:
            # Another program wrote that row; its client gets the defaults rather than nothing.
            logger.error("preferences of %s are not used: %s", client_id, error)
            parsed[client_id] = parse_preferences({})
    return parsed


rules = Rules()
