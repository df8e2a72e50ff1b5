"""Everything the agents send, in order, through one task; and how much of it the broker has."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

from vesselflow.streams import EXIT_RESTART, App

logger = logging.getLogger(__name__)

#: Records that may wait for the producer before the agents wait with them. A record is up to 64 KB.
MOST_WAITING: Final = 500


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to be sent."""

    topic: str
    partition: int | None
    value: bytes
    key: bytes | None = None


@dataclass(slots=True)
class Sent:
    """What one partition of one agent gave to the outbox: how many records, and those the broker has not yet.

    The broker acknowledges partition by partition, so a later record may be through before an earlier one.
    """

    given: int = 0
    open: dict[int, None] = field(default_factory=dict)


class Outbox:
    """Sends in the order given. Concurrent sends overtake each other when a batch is full, so one task sends.

    A send that fails for good ends the process: whatever was not acknowledged is detected and sent again.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._waiting: deque[tuple[Outgoing, Sent, int]] = deque()
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._moved = asyncio.Event()
        self._room.set()

    def put(self, outgoing: list[Outgoing], sent: Sent) -> None:
        """Give *outgoing* to the outbox at once; wait for `room` before the next."""
        for each in outgoing:
            self._waiting.append((each, sent, sent.given))
            sent.open[sent.given] = None
            sent.given += 1
        if self._waiting:
            self._filled.set()
        if len(self._waiting) >= MOST_WAITING:
            self._room.clear()

    async def room(self) -> None:
        """Wait until the outbox is not full."""
        await self._room.wait()

    async def acknowledged(self, sent: Sent) -> None:
        """Wait until the broker has everything that was given on account of *sent* until now."""
        target = sent.given
        while next(iter(sent.open), target) < target:
            self._moved.clear()
            await self._moved.wait()

    async def run(self) -> None:
        """Send for ever."""
        producer = self._app.producer
        while True:
            while self._waiting:
                each, sent, number = self._waiting.popleft()
                # Faust declares less than it returns.
                delivery: asyncio.Future[Any] = cast(
                    Any, await producer.send(each.topic, each.key, each.value, each.partition, None, None)
                )
                delivery.add_done_callback(partial(self._on_delivered, sent, number, each.topic))
                if len(self._waiting) < MOST_WAITING // 2:
                    self._room.set()
            self._filled.clear()
            await self._filled.wait()

    def _on_delivered(self, sent: Sent, number: int, topic: str, delivery: asyncio.Future[Any]) -> None:
        if delivery.cancelled() or delivery.exception() is not None:
            error = None if delivery.cancelled() else delivery.exception()
            logger.critical("a record to %s could not be sent, the worker ends: %s", topic, error)
            os._exit(EXIT_RESTART)
        del sent.open[number]
        self._moved.set()
