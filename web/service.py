"""The web application on a port: as a part of the worker, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from mode import Service
from starlette.types import ASGIApp

from vesselflow.core.errors import StackError
from vesselflow.web.server import create_app
from vesselflow.web.services import WebServices

logger = logging.getLogger(__name__)

#: No frame of a client is longer; a longer one closes the socket with 1009.
LARGEST_FRAME_BYTES: Final = 8192
_GRACE_S: Final = 3
#: A peer that takes nothing for so long is cut off by the kernel; else its unsent bytes would stay for good.
_UNSENT_MS: Final = 30_000


class WebServer(uvicorn.Server):
    """uvicorn on the loop that runs already; who runs it decides when it ends."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            loop="none",
            lifespan="on",
            ws="websockets-sansio",
            ws_max_size=LARGEST_FRAME_BYTES,
            # Frames are short, and a compressor for each of thousands of sockets is not.
            ws_per_message_deflate=False,
            # Our own pings are seen by the pages as well.
            ws_ping_interval=None,
            access_log=False,
            log_config=None,
            # Its lines about each start, stop and socket are steps, not events.
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield


class WebService(Service):
    """Serves an app within the worker, from before the tables recover until it stops.

    With port 0 the system chooses one; ``port`` tells which.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        super().__init__()
        self.host = host
        self.port = port
        self._server = WebServer(app)
        self._serving: asyncio.Future[None] | None = None

    async def on_start(self) -> None:
        """Listen; return when requests are answered.

        Raises:
            StackError: the port is taken or not ours to use.
        """
        listener = listen(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._serving = self.add_future(self._server.serve(sockets=[listener]))
        self._serving.add_done_callback(lambda _: self._server.listening.set())
        await self._server.listening.wait()
        logger.info("web on http://%s:%d", self.host, self.port)

    async def on_stop(self) -> None:
        """Close the sockets with 1012, finish what is being answered, stop listening."""
        self._server.should_exit = True
        if self._serving is not None:
            await asyncio.wait([self._serving], timeout=_GRACE_S + 2)


async def run(services: WebServices, host: str, port: int) -> None:
    """Serve the web side without a worker until SIGINT or SIGTERM.

    Raises:
        StackError: the port is taken or not ours to use.
    """
    service = WebService(create_app(services), host, port)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopped.set)
    try:
        async with service:
            await stopped.wait()
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *host* and *port*.

    Raises:
        StackError: the port is taken or not ours to use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # Python adds the address in brackets, which the sentence has already.
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise StackError(f"expected a free port {port} on {host} for the web server: {reason}") from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNSENT_MS)
    listener.setblocking(False)
    return listener
