"""Connections to Postgres: opened when needed, limited in time, their failures one error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import asyncpg

from vesselflow.core.errors import Unavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]
    OwnConnection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CONNECT_TIMEOUT_S: Final = 5.0
#: The server gives up first, so that it says why; ours is for a server that no longer answers at all.
STATEMENT_TIMEOUT_S: Final = 10.0
COMMAND_TIMEOUT_S: Final = 15.0
#: 100,000 fences take seconds to read and to write.
BULK_TIMEOUT_S: Final = 120

_SERVER_SETTINGS: Final = {
    "statement_timeout": f"{STATEMENT_TIMEOUT_S:.0f}s",
    # A worker that is cut off inside a transaction must not hold its locks.
    "idle_in_transaction_session_timeout": "10s",
    "timezone": "UTC",
}


class Database:
    """A pool of connections to one database. Nothing connects before the first use."""

    def __init__(self, url: str, *, connections: int = 4, name: str = "vesselflow") -> None:
        self._url = url
        self._connections = connections
        self._settings = {**_SERVER_SETTINGS, "application_name": name}
        self._pool: Pool | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; one statement is one transaction, unless the caller begins one.

        Raises:
            Unavailable: the server cannot be reached or refuses. The outcome of a statement is then unknown, so
                every write must bear to be repeated.
        """
        with translated_errors():
            pool = self._pool or await self._open()
            async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection in a transaction whose statements the server gives `BULK_TIMEOUT_S`.

        Raises:
            Unavailable: as `connection`.
        """
        async with self.connection() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = '{BULK_TIMEOUT_S}s'")
            yield connection

    @asynccontextmanager
    async def own_connection(self) -> AsyncIterator[OwnConnection]:
        """Open a connection beside the pool, for who keeps it; close it in the end.

        Raises:
            Unavailable: as `connection`.
        """
        with translated_errors():
            connection = await asyncpg.connect(
                self._url, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S, server_settings=self._settings
            )
            try:
                yield connection
            finally:
                # Nothing is left to be said to the server, and one that does not answer would be waited for.
                connection.terminate()

    async def close(self) -> None:
        """Close every connection; those in use are cut after a moment."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(2):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def _open(self) -> Pool:
        pool = asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._connections,
            max_inactive_connection_lifetime=60,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings=self._settings,
            # asyncpg's own reset costs a round trip; no statement of ours leaves anything behind on a connection.
            reset=_leave_as_it_is,
        )
        # Set before the wait: with no connection to open it does not reach out, and two callers share one pool.
        self._pool = pool
        await pool
        return pool


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what Postgres or the network refuses into `Unavailable`.

    Errors about the values sent are our bugs and stay as they are. All others are the server's, a missing table or
    privilege included: the data are good, and must wait until someone has mended the server.
    """
    try:
        yield
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError):
        raise
    except asyncpg.PostgresError as error:
        raise Unavailable(f"Postgres: {_sentence(error)}") from error
    except asyncpg.InterfaceError as error:
        # Some of these are also ValueErrors: asyncpg could not encode an argument.
        if isinstance(error, ValueError | TypeError):
            raise
        raise Unavailable(f"Postgres: {_sentence(error)}") from error
    except TimeoutError as error:
        raise Unavailable("Postgres: expected an answer, got none in time") from error
    except (OSError, asyncpg.InternalClientError) as error:
        raise Unavailable(f"Postgres: {_sentence(error)}") from error


def _sentence(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


async def _leave_as_it_is(_connection: object) -> None:
    pass
