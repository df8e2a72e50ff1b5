"""A sample client's WebSocket: counts the notifications that arrive, and how long each took."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from datetime import datetime
from typing import Any, Final

import msgspec
import websockets

_RETRY_S: Final = 1.0
_MOST_TIMES: Final = 200_000


class Listener:
    """Listens as one client from its first start on; what it missed while it was cut off, it asks for."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._since_ms = time.time() * 1000
        self._cursor: int | None = None
        self._ids: set[str] = set()
        self.connected = asyncio.Event()
        #: For each notification when it came (seconds UTC), and how many milliseconds after Kafka received its position.
        self.times: deque[tuple[float, float]] = deque(maxlen=_MOST_TIMES)

    @property
    def received(self) -> int:
        """Notifications received, each counted once."""
        return len(self._ids)

    def times_ms(self, last_s: float = math.inf) -> list[float]:
        """Return how long each notification of the *last_s* seconds took from its position's receipt by Kafka."""
        since = time.time() - last_s
        return [took_ms for at, took_ms in self.times if at >= since]

    async def listen(self) -> None:
        """Listen for ever, through restarts of the server."""
        # The library logs what we handle: a server that is not there for a moment.
        quiet = logging.getLogger("vesselflow.up.websockets")
        quiet.setLevel(logging.CRITICAL)
        while True:
            try:
                async with websockets.connect(self._url, logger=quiet, max_size=1 << 20) as socket:
                    await self._serve(socket)
            except (OSError, TimeoutError, websockets.WebSocketException):
                pass
            self.connected.clear()
            await asyncio.sleep(_RETRY_S)

    async def _serve(self, socket: websockets.ClientConnection) -> None:
        await socket.send(_frame(type="auth", token=self._token))
        async for text in socket:
            frame = msgspec.json.decode(text)
            match frame["type"]:
                case "hello":
                    if self._cursor is not None:
                        await socket.send(_frame(type="resume", cursor=self._cursor))
                    self._cursor = self._cursor or frame["cursor"]
                    self.connected.set()
                case "notification":
                    self._take(frame["notification"])
                case "ping":
                    await socket.send(_frame(type="pong"))
            # What a frame with a cursor says: everything up to it was sent on this socket.
            self._cursor = max(self._cursor or 0, frame.get("cursor") or 0)

    def _take(self, notification: dict[str, Any]) -> None:
        received_ms = datetime.fromisoformat(notification["data"]["receivedAt"]).timestamp() * 1000
        # A worker publishes again what it wrote just before its start; that is none of this session's.
        if notification["id"] not in self._ids and received_ms >= self._since_ms:
            self._ids.add(notification["id"])
            self.times.append((time.time(), time.time() * 1000 - received_ms))


def _frame(**fields: object) -> str:
    return msgspec.json.encode(fields).decode()
