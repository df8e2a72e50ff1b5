"""The same worker with the textbook's loop: a plain `async for`, Faust's consumer, Faust's acknowledgement.

It writes its state after every record, as a textbook agent does, and goes on from what Faust committed. Its
sink is idempotent, but knows no progress. Only the tests run it, to show that they can fail.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar
from uuid import uuid4

from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, StreamT

from vesselflow import outside, streams
from vesselflow.agents.sink import SinkLoop
from vesselflow.app import app
from vesselflow.core import wire
from vesselflow.core.matching import match
from vesselflow.loop import Loop
from vesselflow.ports import SinkWrite
from vesselflow.rules import rules
from vesselflow.stage import Record


class PlainConsumer(driver.Consumer):
    """Faust's own consumer; what our loop would ask of ours has no effect."""

    def want(self, tp: TP, offset: int) -> None:
        """Seek nothing."""

    def in_hand(self, tp: TP) -> bool:
        """Miss nothing."""
        return True

    async def commit_hint(self, offsets: Any) -> None:
        """Leave the commit to Faust."""


class PlainTransport(driver.Transport):
    """Faust's own transport."""

    Consumer: ClassVar[type[Any]] = PlainConsumer


TRANSPORTS.aliases["vesselflow"] = "tests.faults.plain_loop:PlainTransport"
streams.app.conf.broker_commit_interval = 1.0

_checkpoints: set[asyncio.Future[None]] = set()


async def _plain_run(self: Loop, stream: StreamT[Any]) -> None:
    async for event in stream.events():
        message = event.message
        if message.partition not in self.parts:
            others = self.parts
            self.open({message.partition})
            self.parts = {**others, **self.parts}
        part = self.parts[message.partition]
        part.event, part.offset, part.until = event, message.offset + 1, 0
        value = message.value or b""
        record = Record(message.topic, message.partition, message.offset, round(message.timestamp * 1000), value)
        self._outbox.put(self._work(part, record), part.sent)
        _checkpoints.add(asyncio.ensure_future(self.checkpoint(part)))


async def _plain_sink(self: Loop, stream: StreamT[Any]) -> None:
    await rules.loaded.wait()
    async for event in stream.events():
        events = wire.decode_events(event.message.value or b"")
        write = SinkWrite(
            app_id=f"plain-{uuid4()}",
            partition=event.message.partition,
            expected_offset=None,
            next_offset=1,
            event_ids=[each.id for each in events],
            notifications=[found for each in events for found in match(each, rules.clients)],
        )
        await outside.current().notifications.write(write)


Loop.run = _plain_run  # type: ignore[method-assign]
SinkLoop.run = _plain_sink  # type: ignore[method-assign]

__all__ = ["app"]
