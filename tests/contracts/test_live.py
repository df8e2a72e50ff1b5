"""What every `LiveStore` does."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from tests.contracts.conftest import FAKE_AND_REAL
from tests.fakes.live import MemoryLive
from vesselflow.adapters.redis import RedisLive
from vesselflow.core.errors import Unavailable
from vesselflow.core.model import POSITION_COLUMNS, PositionBatch, concatenate, empty_batch
from vesselflow.ports import LiveStore

IMO, MMSI = 9074729, 235012345
NOON_MS = 1_704_110_400_000  # 2024-01-01T12:00:00Z


class Rig:
    """A store, and what a test does and sees behind its back."""

    store: LiveStore

    async def geo(self) -> set[str]:
        """Return the keys in the geo index."""
        raise NotImplementedError

    async def expire(self, key: str) -> None:
        """Let the hash of a vessel expire."""
        raise NotImplementedError

    async def subscribers(self) -> int:
        raise NotImplementedError

    async def break_subscriptions(self) -> None:
        raise NotImplementedError


class MemoryRig(Rig):
    def __init__(self) -> None:
        self.store = self.memory = MemoryLive()

    async def geo(self) -> set[str]:
        return set(self.memory.geo)

    async def expire(self, key: str) -> None:
        del self.memory.hashes[key]

    async def subscribers(self) -> int:
        return self.memory.subscribers()

    async def break_subscriptions(self) -> None:
        self.memory.break_subscriptions()


class RedisRig(Rig):
    def __init__(self, store: RedisLive, admin: Redis) -> None:
        self.store = store
        self.admin = admin

    async def geo(self) -> set[str]:
        keys: Any = await self.admin.zrange("vessels:geo", 0, -1)
        return {key.decode() for key in keys}

    async def expire(self, key: str) -> None:
        await self.admin.delete(key)

    async def subscribers(self) -> int:
        [(_, count)] = await self.admin.pubsub_numsub("notifications")
        return int(count)

    async def break_subscriptions(self) -> None:
        await self.admin.client_kill_filter(_type="pubsub")


@pytest.fixture(params=FAKE_AND_REAL)
def live_url(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("redis_url") if request.param == "real" else None


@pytest.fixture
async def rig(live_url: str | None) -> AsyncIterator[Rig]:
    if live_url is None:
        yield MemoryRig()
        return
    async with redis_rig(live_url) as rig:
        yield rig


@pytest.fixture
async def real(redis_url: str) -> AsyncIterator[RedisRig]:
    async with redis_rig(redis_url) as rig:
        yield rig


class redis_rig:  # noqa: N801 - it is used like a function
    """A rig on an emptied Redis database."""

    def __init__(self, url: str) -> None:
        self._store = RedisLive(url, retention=timedelta(days=30))
        self._admin = Redis.from_url(url)

    async def __aenter__(self) -> RedisRig:
        await self._admin.flushdb()
        return RedisRig(self._store, self._admin)

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()
        await self._admin.aclose()


def position(number: int = MMSI, **values: Any) -> PositionBatch:
    """Return one position; what is not given is not available."""
    absent: dict[str, float] = {"nav_status": -1, "name": -1, "ship_type": -1, "flag": -1, "destination": -1}
    absent |= {"eta": -1} | dict.fromkeys(("sog_kn", "cog_deg", "heading_deg", "draught_m"), math.nan)
    own = {"vessel": number, "imo": number if number < 10_000_000 else 0, "mmsi": number if number >= 10_000_000 else 0}
    given = {"at_ms": NOON_MS, "lon_deg": 4.0, "lat_deg": 52.0} | absent | own
    strings: list[str] = []
    for name, value in values.items():
        given[name] = value
        if isinstance(value, str):
            given[name] = len(strings)
            strings.append(value)
    columns = {name: np.array([given.get(name, 0)], dtype) for name, dtype in POSITION_COLUMNS.items()}
    return PositionBatch(**columns, strings=tuple(strings))


async def test_a_position_is_stored_as_text(rig: Rig) -> None:
    await rig.store.move(
        position(
            imo=IMO,
            lon_deg=-0.00001,
            lat_deg=52.0,
            sog_kn=12.3,
            cog_deg=359.9,
            heading_deg=0.0,
            nav_status=0,
            name="NØRD",
            ship_type="Cargo",
            flag="NL",
            destination="NLRTM",
        )
    )

    assert await rig.store.vessel(IMO) == {
        "latitude": "52",
        "longitude": "-0.00001",
        "destination": "NLRTM",
        "updatedAt": "2024-01-01T12:00:00.000Z",
        "at": str(NOON_MS),
        "name": "NØRD",
        "type": "Cargo",
        "flag": "NL",
        "speed": "12.3",
        "course": "359.9",
        "heading": "0",
        "status": "0",
        "imo": str(IMO),
        "mmsi": str(MMSI),
    }


async def test_what_is_not_available_is_not_stored(rig: Rig) -> None:
    await rig.store.move(position())

    assert await rig.store.vessel(MMSI) == {
        "latitude": "52",
        "longitude": "4",
        "destination": "",
        "updatedAt": "2024-01-01T12:00:00.000Z",
        "at": str(NOON_MS),
        "mmsi": str(MMSI),
    }


async def test_an_unknown_vessel_is_none(rig: Rig) -> None:
    assert await rig.store.vessel(MMSI) is None
    assert await rig.store.vessel(IMO) is None


async def test_an_empty_batch_changes_nothing(rig: Rig) -> None:
    await rig.store.move(empty_batch())

    assert await rig.geo() == set()


async def test_an_older_position_changes_nothing(rig: Rig) -> None:
    await rig.store.move(position(lat_deg=52.0))
    await rig.store.move(position(lat_deg=51.0, at_ms=NOON_MS - 1))

    assert (await rig.store.vessel(MMSI) or {})["latitude"] == "52"


async def test_the_newest_of_a_batch_counts_whatever_its_place(rig: Rig) -> None:
    late, early = position(lat_deg=52.0), position(lat_deg=51.0, at_ms=NOON_MS - 1)

    await rig.store.move(concatenate([late, early]))

    assert (await rig.store.vessel(MMSI) or {})["latitude"] == "52"


async def test_of_equal_times_the_last_counts(rig: Rig) -> None:
    await rig.store.move(concatenate([position(lat_deg=51.0), position(lat_deg=52.0)]))
    await rig.store.move(position(lat_deg=53.0))

    assert (await rig.store.vessel(MMSI) or {})["latitude"] == "53"


async def test_motion_that_is_no_longer_known_goes_and_static_data_stay(rig: Rig) -> None:
    await rig.store.move(position(sog_kn=12.0, heading_deg=90.0, name="NORD", destination="NLRTM"))
    await rig.store.move(position(at_ms=NOON_MS + 1000, heading_deg=91.0))

    vessel = await rig.store.vessel(MMSI) or {}

    assert "speed" not in vessel
    assert (vessel["heading"], vessel["name"], vessel["destination"]) == ("91", "NORD", "NLRTM")


async def test_a_vessel_is_found_by_both_of_its_numbers(rig: Rig) -> None:
    await rig.store.move(position(imo=IMO))

    assert await rig.store.vessel(IMO) == await rig.store.vessel(MMSI) is not None


async def test_a_vessel_gets_the_key_of_its_imo_number_when_it_is_known(rig: Rig) -> None:
    await rig.store.move(position())
    assert await rig.geo() == {f"vessel:mmsi-{MMSI}"}

    await rig.store.move(position(imo=IMO, at_ms=NOON_MS + 1000))

    assert await rig.geo() == {f"vessel:{IMO}"}
    assert (await rig.store.vessel(MMSI) or {})["imo"] == str(IMO)


async def test_an_older_position_does_not_change_the_key(rig: Rig) -> None:
    await rig.store.move(position(lat_deg=52.0))
    await rig.store.move(position(lat_deg=51.0, imo=IMO, at_ms=NOON_MS - 1))

    assert await rig.geo() == {f"vessel:mmsi-{MMSI}"}
    assert (await rig.store.vessel(MMSI) or {})["latitude"] == "52"


async def test_a_vessel_may_be_known_by_its_imo_number_alone(rig: Rig) -> None:
    await rig.store.move(position(IMO))

    assert (await rig.store.vessel(IMO) or {})["imo"] == str(IMO)


@pytest.mark.parametrize("lat_deg", [85.06, -90.0])
async def test_near_the_poles_a_vessel_leaves_the_geo_index(rig: Rig, lat_deg: float) -> None:
    await rig.store.move(position(lat_deg=85.05))
    assert await rig.geo() == {f"vessel:mmsi-{MMSI}"}

    await rig.store.move(position(lat_deg=lat_deg, at_ms=NOON_MS + 1000))

    assert await rig.geo() == set()
    assert await rig.store.vessel(MMSI) is not None


async def test_many_vessels_move_at_once(rig: Rig) -> None:
    await rig.store.move(concatenate([position(MMSI + n, lat_deg=86.0 if n % 4 == 0 else 50.0) for n in range(2500)]))

    assert len(await rig.geo()) == 1875
    assert await rig.store.vessel(MMSI + 2499) is not None


async def test_expired_vessels_are_swept_from_the_geo_index(rig: Rig) -> None:
    await rig.store.move(concatenate([position(MMSI), position(MMSI + 1)]))
    await rig.expire(f"vessel:mmsi-{MMSI}")

    assert await rig.store.sweep() == 1
    assert await rig.geo() == {f"vessel:mmsi-{MMSI + 1}"}


async def test_every_subscriber_hears_what_is_published_in_order(rig: Rig) -> None:
    messages = [{"clientId": "ann", "notification": {"id": str(number), "data": {"é": None}}} for number in range(700)]

    async def hear() -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = []
        async with aclosing(rig.store.notifications()) as stream:  # type: ignore[type-var]
            async for message in stream:
                heard.append(message)
                if len(heard) == len(messages):
                    break
        return heard

    tasks = [asyncio.create_task(hear()), asyncio.create_task(hear())]
    await until_subscribed(rig, 2)
    await rig.store.publish(messages)

    async with asyncio.timeout(5):
        assert await asyncio.gather(*tasks) == [messages, messages]


async def test_nothing_is_published_without_messages(rig: Rig) -> None:
    await rig.store.publish([])


async def test_a_subscription_that_breaks_is_unavailable(rig: Rig) -> None:
    async def hear() -> None:
        async for _ in rig.store.notifications():
            pass

    task = asyncio.create_task(hear())
    await until_subscribed(rig, 1)
    await rig.break_subscriptions()

    with pytest.raises(Unavailable):
        async with asyncio.timeout(5):
            await task


@pytest.mark.integration
async def test_a_vessel_is_forgotten_after_its_retention(real: RedisRig) -> None:
    await real.store.move(position())

    assert 30 * 86400 - 5 <= await real.admin.ttl(f"vessel:mmsi-{MMSI}") <= 30 * 86400


@pytest.mark.integration
async def test_a_vessel_that_lost_its_imo_number_keeps_one_key_when_it_comes_back(real: RedisRig) -> None:
    await real.store.move(position(imo=IMO))
    await real.store.move(position(at_ms=NOON_MS + 1000))
    await real.store.move(position(imo=IMO, at_ms=NOON_MS + 2000))

    assert await real.geo() == {f"vessel:{IMO}"}
    assert await real.admin.exists(f"vessel:mmsi-{MMSI}") == 0


@pytest.mark.integration
async def test_other_messages_on_the_channel_do_not_break_the_subscription(real: RedisRig) -> None:
    async with aclosing(real.store.notifications()) as stream:  # type: ignore[type-var]
        heard = asyncio.ensure_future(anext(stream))
        await until_subscribed(real, 1)
        await real.admin.publish("notifications", b"no JSON")
        await real.admin.publish("notifications", b"[]")
        await real.store.publish([{"clientId": "ann"}])

        async with asyncio.timeout(5):
            assert await heard == {"clientId": "ann"}


@pytest.mark.integration
async def test_the_script_is_sent_again_when_redis_has_forgotten_it(real: RedisRig) -> None:
    await real.store.move(position())
    await real.admin.script_flush()

    await real.store.move(position(at_ms=NOON_MS + 1000))

    assert (await real.store.vessel(MMSI) or {})["at"] == str(NOON_MS + 1000)


@pytest.mark.integration
async def test_a_connection_that_was_closed_while_idle_is_replaced(real: RedisRig) -> None:
    await real.store.move(position())
    await real.admin.client_kill_filter(_type="normal", skipme=True)

    await real.store.publish([{"clientId": "ann"}])


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    store = RedisLive("redis://127.0.0.1:1/0")

    with pytest.raises(Unavailable):
        await store.move(position())
    with pytest.raises(Unavailable):
        await anext(aiter(store.notifications()))

    await store.close()


async def test_a_server_that_does_not_answer_is_unavailable_within_the_limit() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = RedisLive(f"redis://127.0.0.1:{port}/0", timeout_s=0.2)
    began_s = time.monotonic()

    with pytest.raises(Unavailable):
        await store.publish([{"clientId": "ann"}])

    assert time.monotonic() - began_s < 1
    await store.close()
    server.close()


async def until_subscribed(rig: Rig, count: int) -> None:
    async with asyncio.timeout(5):
        while await rig.subscribers() < count:
            await asyncio.sleep(0.005)
