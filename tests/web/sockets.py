"""A web instance on a loopback port, and clients that speak to its socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.web.standins import Feed, Pushes, token
from vesselflow.web.server import WebServices, create_app
from vesselflow.web.service import WebService
from vesselflow.web.session import COOKIE

#: Longer than anything takes; reached only when something is wrong.
PATIENCE_S = 10.0
#: Long enough to notice what should not come.
MOMENT_S = 0.3


class Client:
    """One socket, and the frames that came."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **frame: Any) -> None:
        await self.connection.send(json.dumps(frame))

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            frame: dict[str, Any] = json.loads(await self.connection.recv())
            return frame

    async def hello(self) -> int:
        frame = await self.next()
        assert frame["type"] == "hello"
        cursor: int = frame["cursor"]
        return cursor

    async def ids(self, count: int) -> list[str]:
        """Return the ids of the next *count* notifications."""
        return [(await self.next())["notification"]["id"] for _ in range(count)]

    async def silence(self) -> bool:
        """Tell whether nothing comes for a moment."""
        try:
            async with asyncio.timeout(MOMENT_S):
                await self.connection.recv()
        except TimeoutError:
            return True
        return False

    async def closed(self) -> int | None:
        """Return the code the server closes with, whatever comes before."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await self.connection.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


class Instance:
    """One running web instance."""

    def __init__(self, given: WebServices, service: WebService) -> None:
        assert isinstance(given.feed, Feed)
        assert isinstance(given.live, Pushes)
        self.feed, self.pushes = given.feed, given.live
        self.service = service
        self.url = f"ws://127.0.0.1:{service.port}/ws"
        self.origin = f"http://127.0.0.1:{service.port}"

    @asynccontextmanager
    async def client(self, cookie: str | None = None, origin: str | None = None) -> AsyncIterator[Client]:
        """Connect as a program; with *cookie* and *origin* as a browser."""
        headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
        if origin:
            headers["Origin"] = origin
        async with connect(self.url, additional_headers=headers, compression=None) as connection:
            yield Client(connection)

    @asynccontextmanager
    async def logged_in(self, client_id: str = "alpha") -> AsyncIterator[Client]:
        """Connect with a token in the first frame, past the hello."""
        async with self.client() as client:
            await client.say(type="auth", token=token(client_id))
            await client.hello()
            yield client

    async def notify(self, client_id: str, *notification_ids: str, **more: Any) -> None:
        """Store notifications and publish them, as the sink does."""
        for notification_id in notification_ids:
            await self.pushes.publish([self.feed.add(client_id, notification_id, **more)])


@asynccontextmanager
async def serving(given: WebServices) -> AsyncIterator[Instance]:
    """Serve *given* on a free port."""
    async with WebService(create_app(given), "127.0.0.1", 0) as service:
        assert isinstance(service, WebService)
        yield Instance(given, service)
