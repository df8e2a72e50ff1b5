"""The fences and preferences in force, held in this process and kept up to date.

Postgres has them. A fence counts from ``fence_delay_s`` after its change, by the received time of the
positions, and every process has seen the change by then: so all of them, and every replay, judge a position
by the same fences.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from vesselflow import metrics, outside
from vesselflow.core.errors import InvalidPreferences, Unavailable
from vesselflow.core.fence_states import FenceStates, are_same, coming, merged, with_good_rules
from vesselflow.core.fences import FenceHistory
from vesselflow.core.matching import Clients, Preferences, parse_preferences
from vesselflow.core.model import FenceVersion

logger = logging.getLogger(__name__)

#: Versions of fences that ended longer ago judge nothing that is still replayed.
HISTORY_MS = 25 * 3_600_000
#: All is loaded anew from time to time, whatever the versions say.
WHOLE_EVERY_MS = 600_000
#: Seconds before Postgres is tried again.
RETRY_S = 1.0
#: The same when it is to announce changes: first, and at most.
LISTEN_AGAIN_S = (0.5, 30.0)
#: Seconds in which changes gather after one was loaded; many small ones must not keep a process building trees.
GATHER_S = 0.1
#: Fence sets that are built ahead of their time; more are built when a position asks for them.
BUILT_AHEAD = 4
_NOTHING = -1


class Rules:
    """Fences and preferences, loaded once and then what changed."""

    def __init__(self) -> None:
        self.fences = FenceHistory()
        self.clients = Clients({})
        self.loaded = asyncio.Event()
        self._states: FenceStates = {}
        self._fences_version = _NOTHING
        self._preferences_version = _NOTHING
        self._whole_ms = 0

    async def keep(self, poll_s: float) -> None:
        """Follow the changes for ever: when they are announced, and by a look at the versions every *poll_s*."""
        changed = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_listen(changed))
            tasks.create_task(self._follow(changed, poll_s))

    async def refresh(self) -> bool:
        """Load what changed; tell whether anything did."""
        ports = outside.current()
        now_ms = ports.clock.now_ms()
        if now_ms - self._whole_ms >= WHOLE_EVERY_MS:
            self._fences_version = self._preferences_version = _NOTHING
        versions = (await ports.fences.fences_version(), await ports.preferences.preferences_version())
        if versions == (self._fences_version, self._preferences_version):
            return False
        await self._load_fences(versions[0], now_ms)
        await self._load_preferences(versions[1])
        self.loaded.set()
        return True

    async def _follow(self, changed: asyncio.Event, poll_s: float) -> None:
        while True:
            changed.clear()
            try:
                if await self.refresh():
                    await asyncio.sleep(GATHER_S)
            except Unavailable as error:
                logger.warning("fences and preferences stay as they are: %s", error)
                await asyncio.sleep(RETRY_S)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), poll_s)

    async def _load_fences(self, version: int, now_ms: int) -> None:
        if version == self._fences_version:
            return
        store, since_ms = outside.current().fences, now_ms - HISTORY_MS
        # A version that went back is that of a restored backup.
        is_whole = version < self._fences_version or self._fences_version == _NOTHING
        seen, loaded = await (store.fences(since_ms) if is_whole else store.fences_after(self._fences_version))
        held = {} if is_whole else self._states
        states = await asyncio.to_thread(_merged, held, loaded, since_ms)
        if not is_whole or not await asyncio.to_thread(are_same, self._states, states):
            # Building a tree of many fences takes a while; the stream goes on meanwhile with the old one.
            self.fences = await asyncio.to_thread(_built, states, self.fences, now_ms)
            self._states = states
        self._fences_version = seen
        if is_whole:
            self._whole_ms = now_ms

    async def _load_preferences(self, version: int) -> None:
        if version == self._preferences_version:
            return
        stored = await outside.current().preferences.preferences()
        self.clients = await asyncio.to_thread(lambda: Clients(_parsed(stored)))
        self._preferences_version = version


async def _listen(changed: asyncio.Event) -> None:
    """Set *changed* at each announcement, for good. While none can be heard, the look at the versions has to do."""
    least_s, most_s = LISTEN_AGAIN_S
    wait_s = least_s
    while True:
        try:
            async for _ in outside.current().changes.changes():
                changed.set()
                wait_s = least_s
        except Unavailable as error:
            log = logger.warning if wait_s == least_s else logger.debug
            log("changes of fences and preferences are not announced for now: %s", error)
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, most_s)


def _merged(held: FenceStates, loaded: Sequence[FenceVersion], since_ms: int) -> FenceStates:
    good, refused = with_good_rules(loaded)
    if refused:
        logger.error("rules of %d fences are not used, the defaults are; the first is %s", len(refused), refused[0])
    return merged(held, good, since_ms)


def _built(states: FenceStates, previous: FenceHistory, now_ms: int) -> FenceHistory:
    history = FenceHistory(states.values(), previous=previous)
    metrics.FENCES.set(sum(state.until_ms is None for state in states.values()))
    # Not only what counts now: a change counts in a moment, when the stream must not wait for its tree.
    for moment_ms in [now_ms, *coming(states.values(), now_ms)[:BUILT_AHEAD]]:
        history.at(moment_ms)
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
