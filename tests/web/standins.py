"""Working stand-ins for the ports behind the web side, and the application on top of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from vesselflow.core.errors import Unavailable
from vesselflow.core.model import PositionBatch
from vesselflow.web.server import Times, WebServices
from vesselflow.web.tokens import make_token

SECRET = "a secret of the tests that is long enough"
ROW: dict[str, Any] = {
    "active_now": 1234,
    "active_last_hour": 2345,
    "active_last_24h": 3456,
    "total_vessels": 30567,
    "positions_last_hour": 45678,
    "vessel_types": {"Cargo": 8934, "Tanker": 6721},
    "top_flags": [{"flag": "US", "count": 3456}],
    "speed_avg": Decimal("12.50"),
    "updated_at": datetime(2024, 10, 28, 10, tzinfo=UTC),
}
#: Short enough for a test, long enough for a busy machine.
QUICK = Times(auth_s=0.3, ping_s=30, pong_s=30, close_s=0.5, tick_s=0.02, read_s=0.05, backoff_s=0.05)


class FixedClock:
    def __init__(self, now_ms: int = 1_767_225_600_000) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms


class Stats:
    def __init__(self, row: Mapping[str, Any] | None = None) -> None:
        self.row = row
        self.is_down = False

    async def write_stats(self, row: Mapping[str, Any]) -> None:
        self.row = row

    async def read_stats(self) -> Mapping[str, Any] | None:
        if self.is_down:
            raise Unavailable("Postgres is down")
        return self.row


class Feed:
    """The notifications of all clients; their cursors are their places, counted from 1."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.is_down = False

    def add(self, client_id: str, notification_id: str, **more: Any) -> dict[str, Any]:
        numbered = {"seq": len(self.messages) + 1, "id": notification_id, "type": "geofence_alert"}
        message = {"clientId": client_id, "notification": numbered | more}
        self.messages.append(message)
        return message

    async def after(self, client_id: str, cursor: int, limit: int) -> Sequence[tuple[int, dict[str, Any]]]:
        self._check()
        rows = enumerate(self.messages, start=1)
        return [row for row in rows if row[0] > cursor and row[1]["clientId"] == client_id][:limit]

    async def latest_cursor(self) -> int:
        self._check()
        return len(self.messages)

    async def mark_read(self, client_id: str, ids: Sequence[str]) -> int:
        raise NotImplementedError

    def _check(self) -> None:
        if self.is_down:
            raise Unavailable("Postgres is down")


class Pushes:
    """The channel; `cut` breaks every subscription."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self._again = asyncio.Event()

    async def publish(self, messages: Sequence[dict[str, Any]]) -> None:
        for queue in self._queues:
            for message in messages:
                queue.put_nowait(message)

    async def notifications(self) -> AsyncIterator[dict[str, Any]]:
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._queues.add(queue)
        self._again.set()
        try:
            while (message := await queue.get()) is not None:
                yield message
            raise Unavailable("Redis is down")
        finally:
            self._queues.discard(queue)

    def cut(self) -> None:
        self._again.clear()
        for queue in self._queues:
            queue.put_nowait(None)

    async def subscribed_again(self) -> None:
        async with asyncio.timeout(10):
            await self._again.wait()

    async def move(self, batch: PositionBatch) -> None:
        raise NotImplementedError

    async def sweep(self) -> int:
        raise NotImplementedError

    async def vessel(self, number: int) -> Mapping[str, str] | None:
        raise NotImplementedError


def services(**changes: Any) -> WebServices:
    plain = WebServices(
        stats=Stats(ROW), feed=Feed(), live=Pushes(), clock=FixedClock(), token_secret=SECRET, times=QUICK
    )
    return replace(plain, **changes)


def token(client_id: str = "alpha", ttl_s: float = 600) -> str:
    return make_token(SECRET, client_id, ttl_s)
