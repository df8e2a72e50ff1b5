"""The WebSocket endpoint ``/ws``: one connection after another joined to the hub, watched and closed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from vesselflow import metrics
from vesselflow.web.connection import Connection
from vesselflow.web.hub import Close, Hub
from vesselflow.web.relay import Relay
from vesselflow.web.services import WebServices
from vesselflow.web.session import cookie_access, is_foreign, origin_is_ours

logger = logging.getLogger(__name__)


class Live:
    """Every socket of this process, and what feeds and watches them."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._hub = Hub()
        self._relay = Relay(self._hub, services.live, services.feed, services.times)
        self._connections: set[Connection] = set()
        self._tasks: list[asyncio.Task[None]] = []
        metrics.WEBSOCKET_CAPACITY.set(services.socket_capacity)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the relay and the watch going; on leaving, send every client elsewhere."""
        self._tasks = [asyncio.create_task(each) for each in (self._relay.listen(), self._relay.read(), self._watch())]
        for task in self._tasks:
            task.add_done_callback(_report)
        try:
            yield
        finally:
            for connection in tuple(self._connections):
                connection.close(Close.RESTART)
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

    def faults(self) -> list[str]:
        """Return why this process cannot deliver any more and should be started anew; none is the rule."""
        return ["the delivery of notifications has crashed"] if any(task.done() for task in self._tasks) else []

    def forget(self, token: str) -> None:
        """Close the sockets that *token* opened."""
        for connection in self._connections:
            if connection.token == token:
                connection.close(Close.UNAUTHORISED)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one socket until it closes."""
        if is_foreign(websocket, self._services):
            await _deny(websocket, 403, "expected a page of this server")
        elif len(self._connections) >= self._services.socket_capacity:
            await _deny(websocket, 503, "this instance is full; try again")
        else:
            # A cookie counts only on a page of ours: a browser attaches it whoever asks.
            ours = origin_is_ours(websocket, self._services)
            access = cookie_access(websocket, self._services) if ours else None
            connection = Connection(websocket, self._services, self._hub)
            self._connections.add(connection)
            metrics.WEBSOCKET_CONNECTIONS.set(len(self._connections))
            try:
                await connection.run(access)
            finally:
                self._connections.discard(connection)
                metrics.WEBSOCKET_CONNECTIONS.set(len(self._connections))

    async def _watch(self) -> None:
        # One task for all sockets: a task each would cost more memory than the sockets themselves.
        while True:
            await asyncio.sleep(self._services.times.tick_s)
            for connection in tuple(self._connections):
                connection.tick()


async def endpoint(websocket: WebSocket) -> None:
    """Serve ``/ws``."""
    live: Live = websocket.app.state.live
    await live.serve(websocket)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.critical("the delivery of notifications has crashed", exc_info=task.exception())


async def _deny(websocket: WebSocket, status: int, message: str) -> None:
    await websocket.send_denial_response(JSONResponse({"error": message}, status_code=status))
