"""The same worker with the textbook's loop: a plain `async for`, Faust's consumer, Faust's acknowledgement.

It writes its state after every record, as a textbook agent does, and commits what Faust acknowledged. Only
the tests run it, to show that they can fail.
"""

from __future__ import annotations

import asyncio
from typing import Any

from faust.transport.drivers import TRANSPORTS
from faust.types import StreamT

from vesselflow import streams
from vesselflow.agents.sink import SinkLoop
from vesselflow.app import app
from vesselflow.loop import Loop, Record

TRANSPORTS.aliases["vesselflow"] = "faust.transport.drivers.aiokafka:Transport"
streams.app.conf.broker_commit_interval = 1.0


_checkpoints: set[asyncio.Future[None]] = set()


async def _plain_run(self: Loop, stream: StreamT[Any]) -> None:
    async for event in stream.events():
        message = event.message
        if message.partition not in self.parts:
            self.open({message.partition, *self.parts})
        part = self.parts[message.partition]
        part.event, part.offset = event, message.offset + 1
        record = Record(
            message.topic, message.partition, message.offset, round(message.timestamp * 1000), message.value
        )
        self._outbox.put(self._work(part, record), part.sent)
        part.until = 0
        _checkpoints.add(asyncio.ensure_future(self.checkpoint(part)))


async def _plain_sink(self: Loop, stream: StreamT[Any]) -> None:
    async for event in stream.events():
        if event.message.partition not in self.parts:
            self.open({event.message.partition, *self.parts})
        await self.take(event)


Loop.run = _plain_run  # type: ignore[method-assign]
SinkLoop.run = _plain_sink  # type: ignore[method-assign]

__all__ = ["app"]
