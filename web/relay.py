"""Redis pushes and Postgres rows -> the hub, for as long as the process lives."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Final

from vesselflow import metrics
from vesselflow.core.errors import Unavailable
from vesselflow.ports import LiveStore, NotificationFeed
from vesselflow.web.hub import Hub, is_message
from vesselflow.web.services import Times

logger = logging.getLogger(__name__)

#: Rows of the feed that are read at a time.
PAGE: Final = 200


class Relay:
    """Feeds a hub from the one subscription of this process and from the feed.

    A push is quick and may get lost; the feed is read on from every socket's cursor, always, and so brings what
    was lost. What comes twice is put once.
    """

    def __init__(self, hub: Hub, live: LiveStore, feed: NotificationFeed, times: Times) -> None:
        self._hub = hub
        self._live = live
        self._feed = feed
        self._times = times

    async def listen(self) -> None:
        """Hand on what is published, for good; subscribe again, with backoff, when the connection breaks."""
        shortest_s = self._times.backoff_s / 16
        wait_s = 0.0
        while True:
            started_s = asyncio.get_running_loop().time()
            metrics.PUSH_SUBSCRIBED.set(1)
            why = "the subscription ended"
            try:
                await self._hand_on()
            except Unavailable as error:
                why = str(error)
            metrics.PUSH_SUBSCRIBED.set(0)
            # One that lasted has worked; this is a new outage, told once.
            if wait_s == 0 or asyncio.get_running_loop().time() - started_s > self._times.backoff_s:
                logger.warning("no pushes for now, reading from Postgres alone: %s", why)
                wait_s = shortest_s
            await asyncio.sleep(wait_s * random.uniform(0.5, 1))
            wait_s = min(wait_s * 2, self._times.backoff_s)

    async def _hand_on(self) -> None:
        async for message in self._live.notifications():
            if is_message(message):
                self._hub.publish(message)
            else:
                metrics.PUSHES_UNREADABLE.inc()

    async def read(self) -> None:
        """Read on from the cursors of all clients here, for good."""
        is_down = False
        while True:
            await asyncio.sleep(self._times.read_s)
            try:
                for client_id, cursor in self._hub.cursors().items():
                    await self._read_client(client_id, cursor)
            except Unavailable as error:
                if not is_down:
                    logger.warning("notifications cannot be read from Postgres for now: %s", error)
                is_down = True
            else:
                is_down = False

    async def _read_client(self, client_id: str, cursor: int) -> None:
        rows = await self._feed.after(client_id, cursor, PAGE)
        self._hub.deliver(client_id, rows)
        while len(rows) == PAGE:
            rows = await self._feed.after(client_id, rows[-1][0], PAGE)
            self._hub.deliver(client_id, rows)
