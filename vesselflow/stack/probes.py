"""Ask a service something real: Kafka for its topics, Postgres for SELECT 1, Redis for PONG."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from vesselflow.core.errors import Unavailable


async def topics(brokers: str, timeout_s: float = 5.0) -> set[str]:
    """Return the names of the topics that the Kafka at *brokers* has.

    Raises: Unavailable
    """
    await _someone_listens(brokers, timeout_s)
    client = AIOKafkaAdminClient(bootstrap_servers=brokers, request_timeout_ms=round(timeout_s * 1000))
    try:
        with _silent("aiokafka"):
            async with asyncio.timeout(timeout_s):
                await client.start()
                return set(await client.list_topics())
    except (KafkaError, OSError) as error:
        raise Unavailable(f"expected Kafka to answer at {brokers}, got {_why(error)}") from error
    finally:
        await client.close()


@asynccontextmanager
async def database(url: str, timeout_s: float = 5.0) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Hold a connection to the Postgres at *url*; errors of connecting and asking become `Unavailable`."""
    try:
        connection = await asyncpg.connect(url, timeout=timeout_s, command_timeout=timeout_s)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        # The address may hold a password, so it is not shown.
        raise Unavailable(f"expected Postgres to answer, got {_why(error)}") from error
    try:
        yield connection
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise Unavailable(f"expected Postgres to answer, got {_why(error)}") from error
    finally:
        await connection.close(timeout=timeout_s)


async def ping_redis(url: str, timeout_s: float = 5.0) -> None:
    """Return when the Redis at *url* answers PING.

    Raises: Unavailable
    """
    try:
        async with Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s) as client:
            await client.ping()
    except (RedisError, OSError, ValueError) as error:
        raise Unavailable(f"expected Redis to answer PING, got {_why(error)}") from error


async def _someone_listens(brokers: str, timeout_s: float) -> None:
    """Return when one broker accepts a connection; aiokafka takes long to find out and logs each try."""
    why: Exception | None = None
    for broker in brokers.split(","):
        host, _, port = broker.strip().rpartition(":")
        try:
            async with asyncio.timeout(timeout_s):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except (OSError, ValueError) as error:
            why = error
            continue
        writer.close()
        return
    raise Unavailable(f"expected Kafka to listen at {brokers}, got {_why(why)}")


@contextmanager
def _silent(logger: str) -> Iterator[None]:
    """Keep what *logger* says below CRITICAL to itself: that a service does not answer yet is no news."""
    found = logging.getLogger(logger)
    before = found.level
    found.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        found.setLevel(before)


def _why(error: Exception | None) -> str:
    return f"{error}".splitlines()[0] if f"{error}" else type(error).__name__
