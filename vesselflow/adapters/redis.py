"""Last positions and the channel of notifications in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from hashlib import sha1
from typing import Any, Final

import msgspec
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from vesselflow.adapters.live_script import GEO_KEY, IMO_BY_MMSI_KEY, MOVE, encode_move
from vesselflow.core.errors import Unavailable
from vesselflow.core.model import PositionBatch, newest

CHANNEL: Final = "notifications"

_MOVE_SHA: Final = sha1(MOVE.encode(), usedforsecurity=False).hexdigest()
#: Vessels in one run of the script: Redis serves nobody else meanwhile, about 10 ms.
_MOVE_CHUNK: Final = 1000
_PUBLISH_CHUNK: Final = 500
_LAST_IMO: Final = 9_999_999
#: A subscription that is silent for so long is asked whether it still lives.
_SILENCE_S: Final = 5.0


class RedisLive:
    """Fulfils `LiveStore`. No call waits for longer than *timeout_s*; nothing connects before the first use.

    Needs one Redis, not a cluster: the script writes keys that it works out itself.
    """

    def __init__(self, url: str, *, retention: timedelta = timedelta(days=30), timeout_s: float = 1.0) -> None:
        self._url = url
        self._ttl_s = int(retention.total_seconds())
        self._timeout_s = timeout_s
        # One repetition, for a connection that Redis closed while it lay idle; every write bears to be repeated.
        self._client = self._connect(retries=1, socket_timeout_s=timeout_s)

    async def move(self, batch: PositionBatch) -> None:
        """Store the newest position of every vessel of *batch*; older ones than stored change nothing."""
        latest = newest(batch)
        for start in range(0, len(latest), _MOVE_CHUNK):
            argument = encode_move(latest.take(slice(start, start + _MOVE_CHUNK)), self._ttl_s)
            async with self._limited():
                try:
                    await self._call("EVALSHA", _MOVE_SHA, 0, argument)
                except exceptions.NoScriptError:
                    await self._call("EVAL", MOVE, 0, argument)

    async def publish(self, messages: Sequence[dict[str, Any]]) -> None:
        """Publish each ``{clientId, notification}`` on the channel ``notifications``."""
        for start in range(0, len(messages), _PUBLISH_CHUNK):
            async with self._limited(), self._client.pipeline(transaction=False) as pipeline:
                for message in messages[start : start + _PUBLISH_CHUNK]:
                    pipeline.publish(CHANNEL, msgspec.json.encode(message))
                await pipeline.execute()

    async def notifications(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what is published from now on; raises `Unavailable` when the connection breaks."""
        # A connection that mends itself would lose what was published meanwhile, and say nothing.
        client = self._connect(retries=0, socket_timeout_s=None)
        try:
            pubsub = client.pubsub()
            async with self._limited():
                await pubsub.subscribe(CHANNEL)
            async for payload in self._payloads(pubsub):
                yield payload
        finally:
            await client.aclose(close_connection_pool=True)

    async def vessel(self, number: int) -> Mapping[str, str] | None:
        """Return the live hash of a vessel by IMO number or MMSI."""
        async with self._limited():
            key = f"vessel:{number}" if number <= _LAST_IMO else f"vessel:mmsi-{number}"
            found = await self._call("HGETALL", key)
            if not found and number > _LAST_IMO:
                imo = await self._call("HGET", IMO_BY_MMSI_KEY, str(number))
                found = imo and await self._call("HGETALL", f"vessel:{imo.decode()}")
        return {name.decode(): value.decode() for name, value in found.items()} if found else None

    async def sweep(self) -> int:
        """Take vessels out of the geo index whose hash has expired; return how many."""
        cursor, swept = 0, 0
        while True:
            async with self._limited():
                cursor, members = await self._client.zscan(GEO_KEY, cursor, count=_MOVE_CHUNK)
                swept += await self._sweep([key for key, _ in members])
            if not cursor:
                return swept

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose(close_connection_pool=True)

    async def _call(self, *command: str | int | bytes) -> Any:
        return await self._client.execute_command(*command)  # type: ignore[no-untyped-call]

    async def _sweep(self, keys: Sequence[Any]) -> int:
        async with self._client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.exists(key)
            gone = [key for key, exists in zip(keys, await pipeline.execute(), strict=True) if not exists]
        return int(await self._client.zrem(GEO_KEY, *gone)) if gone else 0

    async def _payloads(self, pubsub: PubSub) -> AsyncIterator[dict[str, Any]]:
        is_asked = False
        while True:
            with _translated_errors():
                # The outer limit is for a read that never returns, whatever the client promises.
                async with asyncio.timeout(_SILENCE_S + self._timeout_s):
                    message = await pubsub.get_message(timeout=_SILENCE_S)
                if message is None:
                    if is_asked:
                        raise Unavailable(f"Redis: expected an answer within {_SILENCE_S:.0f} s, got none")
                    is_asked = True
                    await pubsub.ping()
                    continue
            is_asked = False
            if message["type"] == "message":
                payload = _decoded(message["data"])
                if payload is not None:
                    yield payload

    def _connect(self, *, retries: int, socket_timeout_s: float | None) -> Redis:
        return Redis.from_url(
            self._url,
            socket_timeout=socket_timeout_s,
            socket_connect_timeout=self._timeout_s,
            retry=Retry(NoBackoff(), retries),
            client_name="vesselflow",
        )

    @asynccontextmanager
    async def _limited(self) -> AsyncIterator[None]:
        with _translated_errors():
            async with asyncio.timeout(self._timeout_s):
                yield


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn what Redis or the network refuses into `Unavailable`; values that Redis cannot take are our bugs."""
    try:
        yield
    except exceptions.DataError:
        raise
    except TimeoutError as error:
        raise Unavailable("Redis: expected an answer, got none in time") from error
    except (exceptions.RedisError, OSError) as error:
        raise Unavailable(f"Redis: {(str(error) or type(error).__name__).splitlines()[0]}") from error


def _decoded(data: bytes) -> dict[str, Any] | None:
    """Return a message of the channel; None when it is not one of ours, for anyone may publish there."""
    try:
        payload = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return payload if isinstance(payload, dict) else None
