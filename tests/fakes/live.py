import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.fakes.outage import Outage
from vesselflow.core.errors import Unavailable
from vesselflow.core.model import PositionBatch, iso

_MOVING = ("speed", "course", "heading", "status")


class MemoryLive(Outage):
    """Fulfils `LiveStore`: the hashes and the geo index by their keys. Nothing expires unless it is told to."""

    def __init__(self) -> None:
        self.hashes: dict[str, dict[str, str]] = {}
        self.geo: dict[str, tuple[float, float]] = {}
        self.published: list[dict[str, Any]] = []
        self._subscribers: set[asyncio.Queue[dict[str, Any] | None]] = set()

    async def move(self, batch: PositionBatch) -> None:
        self.check()
        for row in sorted(range(len(batch)), key=lambda row: int(batch.at_ms[row])):
            self._move(batch, row)

    async def publish(self, messages: Sequence[dict[str, Any]]) -> None:
        self.check()
        for message in messages:
            self.published.append(message)
            for queue in self._subscribers:
                queue.put_nowait(message)

    async def notifications(self) -> AsyncIterator[dict[str, Any]]:
        self.check()
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._subscribers.add(queue)
        try:
            while (message := await queue.get()) is not None:
                yield message
        finally:
            self._subscribers.discard(queue)
        raise Unavailable("MemoryLive was told to break its subscriptions")

    async def vessel(self, number: int) -> Mapping[str, str] | None:
        self.check()
        found = self.hashes.get(f"vessel:{number}") or self.hashes.get(f"vessel:mmsi-{number}")
        return found or next((one for one in self.hashes.values() if one.get("mmsi") == str(number)), None)

    async def sweep(self) -> int:
        self.check()
        gone = self.geo.keys() - self.hashes.keys()
        for key in gone:
            del self.geo[key]
        return len(gone)

    def subscribers(self) -> int:
        return len(self._subscribers)

    def break_subscriptions(self) -> None:
        for queue in self._subscribers:
            queue.put_nowait(None)

    def _move(self, batch: PositionBatch, row: int) -> None:
        fields = {name: value for name, value in _fields(batch, row).items() if value}
        imo, mmsi = fields.get("imo"), fields.get("mmsi")
        key, old = (f"vessel:{imo}", f"vessel:mmsi-{mmsi}") if imo else (f"vessel:mmsi-{mmsi}", "")
        stored = {**self.hashes.get(old, {}), **self.hashes.get(key, {})}
        if int(stored.get("at", "0")) > int(fields["at"]):
            return
        self.hashes.pop(old, None)
        self.geo.pop(old, None)
        before = {name: value for name, value in self.hashes.get(key, {}).items() if name not in _MOVING}
        self.hashes[key] = {"destination": "", **before, **fields}
        if abs(batch.lat_deg[row]) <= 85.05:
            self.geo[key] = (float(batch.lon_deg[row]), float(batch.lat_deg[row]))
        else:
            self.geo.pop(key, None)


def _fields(batch: PositionBatch, row: int) -> dict[str, str | None]:
    at_ms, vessel, status = int(batch.at_ms[row]), int(batch.vessel[row]), int(batch.nav_status[row])
    imo = int(batch.imo[row]) or (vessel if vessel < 10_000_000 else 0)
    return {
        "at": str(at_ms),
        "updatedAt": iso(at_ms),
        "latitude": _number(batch.lat_deg[row]),
        "longitude": _number(batch.lon_deg[row]),
        "speed": _number(batch.sog_kn[row], 3),
        "course": _number(batch.cog_deg[row], 3),
        "heading": _number(batch.heading_deg[row], 3),
        "status": str(status) if status >= 0 else None,
        "imo": str(imo) if imo else None,
        "mmsi": str(batch.mmsi[row]) if batch.mmsi[row] else None,
        "name": batch.text("name", row),
        "type": batch.text("ship_type", row),
        "flag": batch.text("flag", row),
        "destination": batch.text("destination", row),
    }


def _number(value: Any, decimals: int | None = None) -> str | None:
    """Return a number as JavaScript's String() writes one of this size."""
    number = float(value) if decimals is None else round(float(value), decimals)
    if math.isnan(number):
        return None
    if number == int(number):
        return str(int(number))
    return repr(number).replace("e-0", "e-") if abs(number) < 1e-6 else format(Decimal(repr(number)), "f")
