"""One WebSocket: who it belongs to, what it is sent, what it may say, when it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from vesselflow import metrics
from vesselflow.core.errors import InvalidToken, Unavailable
from vesselflow.web import frames
from vesselflow.web.hub import Close, Hub, Outbox, Row
from vesselflow.web.services import WebServices
from vesselflow.web.session import COOKIE
from vesselflow.web.tokens import Access, read_token

logger = logging.getLogger(__name__)

#: A client may send this many frames at once, and then one every second: twice what a map and its pongs need.
_BURST: Final = 60
_FRAMES_PER_S: Final = 1.0
#: Rows of the feed that a resuming client is given at a time.
_PAGE: Final = 200

_REASONS: Final = {
    Close.NORMAL: "normal",
    Close.POLICY: "flood",
    Close.RESTART: "restart",
    Close.LATER: "unavailable",
    Close.RESUME: "slow",
    Close.SILENT: "silent",
    Close.UNAUTHORISED: "unauthorised",
    Close.AUTH_TIMEOUT: "auth-timeout",
}
_EXPLAINED: Final = {
    Close.UNAUTHORISED: "expected a token that is still good; log in again",
    Close.AUTH_TIMEOUT: "expected an auth frame first, in time",
    Close.LATER: "notifications cannot be read for now; try again",
    Close.POLICY: "expected fewer frames",
}


class Connection:
    """A socket from the handshake to its close.

    Nothing is sent before the client is known. Whoever wants it closed says `close`; the socket itself is
    touched by `run` alone.
    """

    def __init__(self, websocket: WebSocket, services: WebServices, hub: Hub) -> None:
        self.token: str | None = None
        self._websocket = websocket
        self._services = services
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._closing: asyncio.Future[None] = self._loop.create_future()
        self._outbox = Outbox("", services.queue_bound, self._wake)
        self._until_s = float("inf")
        self._hello_cursor = 0
        self._catching_up: asyncio.Task[None] | None = None
        self._heard_s = self._pinged_s = self._counted_s = self._loop.time()
        self._allowance = float(_BURST)

    async def run(self, access: Access | None) -> None:
        """Serve the socket; *access* is what its cookie grants."""
        await self._websocket.accept()
        if access is not None:
            self.token = self._websocket.cookies[COOKIE]
        else:
            access = await self._first_frame()
        if access is not None:
            await self._serve(access)
        await self._end()

    def close(self, why: Close) -> None:
        """Close the socket soon; the first reason stays."""
        self._outbox.close(why)

    def tick(self) -> None:
        """Send the pings that are due; close what is silent or no longer allowed."""
        now_s = self._loop.time()
        times = self._services.times
        if self._services.clock.now_ms() >= self._until_s * 1000:
            self.close(Close.UNAUTHORISED)
        elif self._outbox.client_id and self._heard_s < self._pinged_s <= now_s - times.pong_s:
            self.close(Close.SILENT)
        elif self._outbox.client_id and now_s - self._pinged_s >= times.ping_s:
            self._pinged_s = now_s
            self._outbox.send(frames.ping(self._outbox.safe_cursor))

    async def _first_frame(self) -> Access | None:
        """Return what the token in the first frame grants; close without a good one in time."""
        try:
            async with asyncio.timeout(self._services.times.auth_s):
                frame = await self._frame()
        except TimeoutError:
            self.close(Close.AUTH_TIMEOUT)
            return None
        if isinstance(frame, frames.Auth):
            return self._admit(frame.token)
        self.close(Close.UNAUTHORISED)
        return None

    def _admit(self, token: str) -> Access | None:
        try:
            access = read_token(self._services.token_secret, token)
        except InvalidToken:
            self.close(Close.UNAUTHORISED)
            return None
        self.token = token
        return access

    async def _serve(self, access: Access) -> None:
        self._until_s = access.until_s
        self._outbox.client_id = access.client_id
        self._outbox.hold(0)
        self._hub.join(self._outbox)
        try:
            # In this order: what is pushed while the cursor is read waits behind the hello.
            self._hello_cursor = self._outbox.cursor = await self._services.feed.latest_cursor()
            self._outbox.send(frames.hello(access.client_id, self._hello_cursor))
            self._outbox.release()
            await _first_of(self._send(), self._receive(), self._closing)
        except Unavailable:
            self.close(Close.LATER)
        finally:
            self._hub.leave(self._outbox)
            if self._catching_up:
                self._catching_up.cancel()

    async def _send(self) -> None:
        counted = 0
        while True:
            await self._filled.wait()
            self._filled.clear()
            for frame in self._outbox.take():
                if not await self._transmit(frame):
                    return
            metrics.WEBSOCKET_SENT.inc(self._outbox.notified - counted)
            counted = self._outbox.notified
            self._emptied.set()

    async def _receive(self) -> None:
        while True:
            frame = await self._frame()
            if frame is None:
                return
            self._heard_s = self._loop.time()
            self._handle(frame)

    async def _frame(self) -> frames.ClientFrame | frames.Unreadable | None:
        """Return the client's next frame, None when it has gone or sends too many."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        if not self._allows_one():
            self.close(Close.POLICY)
            return None
        return frames.read_frame(message.get("text") or "")

    def _allows_one(self) -> bool:
        now_s = self._loop.time()
        self._allowance = min(_BURST, self._allowance + (now_s - self._counted_s) * _FRAMES_PER_S)
        self._counted_s = now_s
        self._allowance -= 1
        return self._allowance >= 0

    def _handle(self, frame: frames.ClientFrame | frames.Unreadable) -> None:
        match frame:
            case frames.Resume() if self._catching_up is None:
                self._catching_up = self._loop.create_task(self._catch_up(frame.cursor))
                self._catching_up.add_done_callback(self._caught_up)
            case frames.Resume():
                self._outbox.send(frames.error("resumed-already", "expected one resume for a socket"))
            case frames.Auth():
                self._prolong(frame.token)
            case frames.Subscribe():
                self._outbox.send(frames.error("not-supported", "positions are not served on this socket yet"))
            case frames.Unreadable():
                self._outbox.send(frames.error("bad-frame", frame.detail))
            case frames.Ack() | frames.Pong():
                pass

    def _prolong(self, token: str) -> None:
        """Go on until a newer token of the same client expires."""
        access = self._admit(token)
        if access is None or access.client_id != self._outbox.client_id:
            self.close(Close.UNAUTHORISED)
        else:
            self._until_s = access.until_s

    async def _catch_up(self, cursor: int) -> None:
        """Put what lies between *cursor* and the hello's into the outbox as fast as it empties.

        Everything after the hello comes by itself; a cursor at or after it asks for nothing.
        """
        self._outbox.hold(cursor)
        try:
            async for row in self._missed(cursor):
                self._outbox.replay(row)
                while not self._outbox.has_room:
                    self._emptied.clear()
                    await self._emptied.wait()
        except Unavailable:
            self.close(Close.LATER)
        self._outbox.release()

    async def _missed(self, cursor: int) -> AsyncIterator[Row]:
        while cursor < self._hello_cursor:
            rows = await self._services.feed.after(self._outbox.client_id, cursor, _PAGE)
            for cursor, message in rows:
                if cursor <= self._hello_cursor:
                    yield cursor, message
            if len(rows) < _PAGE:
                return

    def _caught_up(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("catching up has crashed", exc_info=error)
            self.close(Close.LATER)

    async def _transmit(self, frame: str) -> bool:
        """Send one frame; False when the other side has gone."""
        try:
            await self._websocket.send_text(frame)
        except (WebSocketDisconnect, RuntimeError):
            # uvicorn raises a RuntimeError between the client's close frame and the end of the connection.
            return False
        return True

    async def _end(self) -> None:
        """Say why, and close; give up on a client that does not even read that."""
        why = self._outbox.closing
        if why is None or self._websocket.client_state is not WebSocketState.CONNECTED:
            return
        metrics.WEBSOCKET_CLOSED.labels(_REASONS[why]).inc()
        try:
            async with asyncio.timeout(self._services.times.close_s):
                # To a client that is not known yet nothing is said but the code.
                if self._outbox.client_id and why in _EXPLAINED and await self._flush():
                    await self._transmit(frames.error(_REASONS[why], _EXPLAINED[why]))
                await self._websocket.close(why, _EXPLAINED.get(why, _REASONS[why]))
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            return

    async def _flush(self) -> bool:
        for frame in self._outbox.take():
            if not await self._transmit(frame):
                return False
        return True

    def _wake(self) -> None:
        self._filled.set()
        if self._outbox.closing and not self._closing.done():
            self._closing.set_result(None)


async def _first_of(*waits: Awaitable[None]) -> None:
    """Wait until the first of *waits* ends; cancel the others, raise what it raised."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()
