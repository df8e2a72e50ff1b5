"""A Faust table that knows whether the broker has everything it wrote."""

from __future__ import annotations

import asyncio
import weakref
from collections import Counter
from collections.abc import Iterable
from typing import Any

import faust
import faust.streams
from faust.types import EventT


class AcknowledgedTable(faust.Table[Any, bytes]):
    """A table of bytes by bytes whose writes are counted until the changelog has acknowledged them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sent: Counter[int] = Counter()
        self._acknowledged: Counter[int] = Counter()
        self._moved = asyncio.Event()

    def send_changelog(self, partition: int | None, *args: Any, **kwargs: Any) -> Any:
        """Send one change to the changelog, and count it."""
        if partition is not None:
            self._sent[partition] += 1
        return super().send_changelog(partition, *args, **kwargs)

    def _on_changelog_sent(self, fut: Any) -> None:
        super()._on_changelog_sent(fut)
        self._acknowledged[fut.result().partition] += 1
        self._moved.set()

    async def acknowledged(self, partition: int) -> None:
        """Wait until the broker has every change sent so far for *partition*."""
        target = self._sent[partition]
        while self._acknowledged[partition] < target:
            self._moved.clear()
            await self._moved.wait()

    def write(self, event: EventT[Any], rows: Iterable[tuple[Any, bytes | None]]) -> None:
        """Write *rows* into the partition of *event*; None deletes.

        Faust takes the partition of a write from the event being processed, so *event* is set as that one.
        """
        # Source: faust.streams.current_event, a context variable with a weak reference.
        token = faust.streams._current_event.set(weakref.ref(event))
        try:
            for key, value in rows:
                if value is None:
                    self.pop(key, None)
                else:
                    self[key] = value
        finally:
            faust.streams._current_event.reset(token)
