"""Postgres' notifications of changes, heard on a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from vesselflow.adapters.pool import Database
from vesselflow.core.errors import Unavailable

CHANNEL: Final = "vesselflow_changes"
#: Seconds of silence after which the connection is tried: a network that went away says nothing by itself.
_TRY_AFTER_S: Final = 30.0


class PostgresChanges:
    """Fulfils `ChangeFeed`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def changes(self) -> AsyncIterator[None]:
        """Yield once it listens and after each change from then on; several at a time may be told as one."""
        async with self._database.own_connection() as connection:
            heard = asyncio.Event()
            connection.add_termination_listener(lambda *_: heard.set())
            await connection.add_listener(CHANNEL, lambda *_: heard.set())
            heard.set()
            while True:
                try:
                    await asyncio.wait_for(heard.wait(), _TRY_AFTER_S)
                except TimeoutError:
                    await connection.execute("SELECT 1")
                    continue
                heard.clear()
                if connection.is_closed():
                    raise Unavailable("Postgres: the connection that listens for changes was closed")
                yield
