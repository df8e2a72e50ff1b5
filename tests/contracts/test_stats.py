"""What every `StatsStore` does."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.contracts.conftest import empty
from tests.fakes.clock import HeldClock
from tests.fakes.stats import MemoryStats
from vesselflow.adapters.pool import Database
from vesselflow.adapters.stats import PostgresStats
from vesselflow.ports import StatsStore

ROW: dict[str, Any] = {
    "active_now": 1234,
    "active_last_hour": 2345,
    "active_last_24h": 3456,
    "total_vessels": 30567,
    "positions_last_hour": 45678,
    "vessel_types": {"Tanker": 6721, "Cargo": 6721, "Unknown": 3},
    "top_flags": [{"flag": "US", "count": 3456}],
    "speed_avg": Decimal("12.50"),
}


class Rig:
    """A store, and what a test does behind its back."""

    store: StatsStore

    async def delete(self) -> None:
        raise NotImplementedError

    async def wait(self) -> None:
        """Let a moment go by."""
        raise NotImplementedError


class MemoryRig(Rig):
    def __init__(self) -> None:
        self.clock = HeldClock()
        self.store = self.memory = MemoryStats(self.clock)

    async def delete(self) -> None:
        self.memory.row = None

    async def wait(self) -> None:
        self.clock.advance(timedelta(seconds=10))


class PostgresRig(Rig):
    def __init__(self, database: Database, admin: asyncpg.Connection) -> None:
        self.store = PostgresStats(database)
        self._admin = admin

    async def delete(self) -> None:
        await self._admin.execute("DELETE FROM vessel_activity_realtime")

    async def wait(self) -> None:
        await self._admin.execute("UPDATE vessel_activity_realtime SET updated_at = updated_at - interval '10 s'")


@pytest.fixture
async def rig(postgres_url: str | None) -> AsyncIterator[Rig]:
    if postgres_url is None:
        yield MemoryRig()
        return
    database = Database(postgres_url)
    admin = await asyncpg.connect(postgres_url)
    await empty(admin)
    yield PostgresRig(database, admin)
    await admin.close()
    await database.close()


async def read(rig: Rig) -> tuple[dict[str, Any], datetime]:
    row = dict(await rig.store.read_stats() or {})
    return row, row.pop("updated_at")


async def test_the_row_is_there_from_the_start_with_zeros(rig: Rig) -> None:
    row, updated_at = await read(rig)

    assert row == dict.fromkeys(ROW, 0) | {"vessel_types": {}, "top_flags": []}
    assert updated_at.tzinfo is not None


async def test_what_is_written_is_read_in_its_order(rig: Rig) -> None:
    await rig.store.write_stats(ROW)

    row, _ = await read(rig)

    assert row == ROW
    assert list(row["vessel_types"]) == ["Tanker", "Cargo", "Unknown"]


async def test_a_write_is_dated_now(rig: Rig) -> None:
    _, before = await read(rig)
    await rig.wait()

    await rig.store.write_stats(ROW)

    assert (await read(rig))[1] >= before


async def test_a_row_that_is_missing_is_none_and_is_written_anew(rig: Rig) -> None:
    await rig.delete()
    assert await rig.store.read_stats() is None

    await rig.store.write_stats(ROW)

    assert (await read(rig))[0] == ROW
