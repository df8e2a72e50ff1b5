"""What every `NotificationStore` and `NotificationFeed` does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import NAMESPACE_OID, uuid5

import asyncpg
import pytest

from tests.contracts.conftest import empty
from tests.fakes.clock import HeldClock
from tests.fakes.notifications import MemoryNotifications
from vesselflow.adapters.notifications import PostgresFeed, PostgresNotifications
from vesselflow.adapters.pool import Database
from vesselflow.core.errors import Unavailable
from vesselflow.core.model import Notification
from vesselflow.ports import NotificationFeed, NotificationStore, SinkWrite, Written

APP = "test-app"


class Rig:
    """A store, its feed, and what a test does behind their backs."""

    store: NotificationStore
    feed: NotificationFeed

    async def age(self, by: timedelta) -> None:
        """Let that much time go by."""
        raise NotImplementedError

    async def delete(self, notification_id: str) -> None:
        raise NotImplementedError


class MemoryRig(Rig):
    def __init__(self) -> None:
        self.clock = HeldClock()
        self.store = self.feed = self.memory = MemoryNotifications(self.clock)

    async def age(self, by: timedelta) -> None:
        self.clock.advance(by)

    async def delete(self, notification_id: str) -> None:
        del self.memory.rows[notification_id]


class PostgresRig(Rig):
    def __init__(self, database: Database, admin: asyncpg.Connection) -> None:
        self.store = PostgresNotifications(database)
        self.feed = PostgresFeed(database)
        self._admin = admin

    async def age(self, by: timedelta) -> None:
        await self._admin.execute(
            "UPDATE notifications SET created_at = created_at - $1::interval, expires_at = expires_at - $1::interval",
            by,
        )
        await self._admin.execute("UPDATE handled_events SET handled_at = handled_at - $1::interval", by)

    async def delete(self, notification_id: str) -> None:
        await self._admin.execute("DELETE FROM notifications WHERE id = $1", notification_id)


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


def event(number: int) -> str:
    return str(uuid5(NAMESPACE_OID, f"event {number}"))


def notification(number: int, client_id: str = "ann", *, pushed: bool = True) -> Notification:
    return Notification(
        id=str(uuid5(NAMESPACE_OID, f"notification {number} {client_id}")),
        client_id=client_id,
        type="geofence_alert",
        data={"type": "geofence_alert", "vesselIMO": 9074729, "number": number},
        event_id=event(number),
        pushed=pushed,
    )


def write(expected: int | None, following: int, *notifications: Notification, partition: int = 0) -> SinkWrite:
    events = list(dict.fromkeys(one.event_id for one in notifications))
    return SinkWrite(APP, partition, expected, following, events, notifications)


def numbers(written: Written) -> list[object]:
    return [message["notification"]["data"]["number"] for message in written.published]


async def kept(rig: Rig, client_id: str = "ann") -> list[object]:
    return [message["notification"]["data"]["number"] for _, message in await rig.feed.after(client_id, 0, 1000)]


async def test_a_partition_has_no_progress_before_its_first_write(rig: Rig) -> None:
    assert await rig.store.progress(APP, 0) is None


async def test_a_write_moves_the_progress_of_its_partition_alone(rig: Rig) -> None:
    await rig.store.write(write(None, 5))
    await rig.store.write(write(5, 9))

    assert await rig.store.progress(APP, 0) == 9
    assert await rig.store.progress(APP, 1) is None
    assert await rig.store.progress("another-app", 0) is None


async def test_a_write_returns_what_it_inserted_in_order(rig: Rig) -> None:
    written = await rig.store.write(write(None, 5, notification(2), notification(1), notification(3)))

    assert numbers(written) == [2, 1, 3]
    assert written.inserted == 3
    assert written.moved_to is None


async def test_what_is_published_is_what_the_feed_returns(rig: Rig) -> None:
    written = await rig.store.write(write(None, 5, notification(1), notification(1, "bob")))

    assert [written.published[0]] == [message for _, message in await rig.feed.after("ann", 0, 10)]
    assert [written.published[1]] == [message for _, message in await rig.feed.after("bob", 0, 10)]
    assert written.published[0]["clientId"] == "ann"
    assert {"id", "client_id", "type", "data", "is_read", "created_at", "expires_at"} <= set(
        written.published[0]["notification"]
    )


async def test_a_repeated_write_is_kept_once(rig: Rig) -> None:
    first = write(None, 5, notification(1))
    await rig.store.write(first)

    again = await rig.store.write(first)

    assert again == Written(moved_to=5)
    assert await kept(rig) == [1]


async def test_a_repeated_event_is_kept_once(rig: Rig) -> None:
    await rig.store.write(write(None, 5, notification(1)))

    again = await rig.store.write(write(5, 6, notification(1), notification(2)))

    assert numbers(again) == [2]
    assert await kept(rig) == [1, 2]


async def test_an_event_twice_in_one_write_is_kept_once(rig: Rig) -> None:
    written = await rig.store.write(write(None, 5, notification(1), notification(1)))

    assert numbers(written) == [1]


async def test_a_deleted_notification_does_not_come_back_with_its_event(rig: Rig) -> None:
    await rig.store.write(write(None, 5, notification(1)))
    await rig.delete(notification(1).id)

    again = await rig.store.write(write(5, 6, notification(1)))

    assert (again.inserted, await kept(rig)) == (0, [])


async def test_an_event_that_nobody_wanted_stays_handled_when_someone_does(rig: Rig) -> None:
    await rig.store.write(replace(write(None, 5), event_ids=[event(1)]))

    again = await rig.store.write(write(5, 6, notification(1)))

    assert (again.inserted, await kept(rig)) == (0, [])


@pytest.mark.parametrize("expected", [None, 4, 6])
async def test_a_write_from_another_offset_changes_nothing(rig: Rig, expected: int | None) -> None:
    await rig.store.write(write(None, 5))

    refused = await rig.store.write(write(expected, 8, notification(1)))
    refused_empty = await rig.store.write(write(expected, 8))

    assert refused == refused_empty == Written(moved_to=5)
    assert numbers(await rig.store.write(write(5, 6, notification(1)))) == [1]


async def test_a_progress_that_was_lost_starts_from_nothing(rig: Rig) -> None:
    assert await rig.store.write(write(7, 8, notification(1))) == Written(moved_to=0)
    assert await kept(rig) == []


async def test_of_two_first_writes_at_once_one_goes_on(rig: Rig) -> None:
    both = await asyncio.gather(
        rig.store.write(write(None, 5, notification(1))), rig.store.write(write(None, 6, notification(2)))
    )

    assert sorted(written.inserted for written in both) == [0, 1]
    assert sum(written.moved_to is not None for written in both) == 1


async def test_what_is_held_back_is_kept_but_not_published(rig: Rig) -> None:
    written = await rig.store.write(write(None, 5, notification(1, pushed=False), notification(2)))

    assert (numbers(written), written.inserted) == ([2], 2)
    assert await kept(rig) == [1, 2]
    assert [message["notification"]["data"]["number"] for message in await rig.store.written_since(APP, 0, 30)] == [2]


async def test_text_that_postgres_cannot_keep_does_not_stop_a_write(rig: Rig) -> None:
    odd = notification(1)
    odd.data["name"] = "A\0B \\u0000"

    written = await rig.store.write(write(None, 5, odd))

    assert written.inserted == 1


async def test_what_was_written_lately_is_found_by_its_partition(rig: Rig) -> None:
    await rig.store.write(write(None, 5, notification(1)))
    await rig.age(timedelta(seconds=40))
    written = await rig.store.write(write(5, 6, notification(2)))
    await rig.store.write(write(None, 9, notification(3), partition=1))

    assert await rig.store.written_since(APP, 0, 30) == written.published
    assert await rig.store.written_since("another-app", 0, 30) == []


async def test_a_notification_goes_after_seven_days(rig: Rig) -> None:
    await rig.store.write(write(None, 5, notification(1)))
    await rig.age(timedelta(days=6, hours=23))
    assert await rig.store.delete_expired()
    assert await kept(rig) == [1]

    await rig.age(timedelta(hours=2))
    assert await rig.store.delete_expired()
    assert await kept(rig) == []


async def test_a_handled_event_is_forgotten_after_eight_days(rig: Rig) -> None:
    await rig.store.write(write(None, 5, notification(1)))
    await rig.age(timedelta(days=7, hours=1))
    await rig.store.delete_expired()
    assert (await rig.store.write(write(5, 6, notification(1)))).inserted == 0

    await rig.age(timedelta(days=1))
    await rig.store.delete_expired()
    assert (await rig.store.write(write(6, 7, notification(1)))).inserted == 1


async def test_a_client_reads_on_from_its_cursor(rig: Rig) -> None:
    await rig.store.write(write(None, 5, notification(1), notification(1, "bob"), notification(2), notification(3)))

    first = await rig.feed.after("ann", 0, 2)
    rest = await rig.feed.after("ann", first[-1][0], 2)

    assert [message["notification"]["data"]["number"] for _, message in [*first, *rest]] == [1, 2, 3]
    assert [cursor for cursor, _ in first] == [message["notification"]["seq"] for _, message in first]


async def test_the_latest_cursor_is_the_newest_notification_of_anyone(rig: Rig) -> None:
    assert await rig.feed.latest_cursor() == 0
    await rig.store.write(write(None, 5, notification(1), notification(1, "bob")))

    latest = await rig.feed.latest_cursor()

    assert [cursor for cursor, _ in await rig.feed.after("bob", 0, 10)] == [latest]
    assert await rig.feed.after("bob", latest, 10) == []


async def test_a_client_marks_only_its_own_as_read(rig: Rig) -> None:
    await rig.store.write(write(None, 5, notification(1), notification(2), notification(1, "bob")))

    marked = await rig.feed.mark_read("ann", [notification(1).id, notification(1, "bob").id])

    assert marked == 1
    assert [message["notification"]["is_read"] for _, message in await rig.feed.after("ann", 0, 9)] == [True, False]
    assert [message["notification"]["is_read"] for _, message in await rig.feed.after("bob", 0, 9)] == [False]


@pytest.mark.integration
async def test_the_late_commit_of_an_old_owner_is_waited_for(database: Database, admin: asyncpg.Connection) -> None:
    store = PostgresNotifications(database)
    await store.write(write(None, 5))
    # The old owner has written 5 to 8 and not committed; its partition has moved on meanwhile.
    late = admin.transaction()
    await late.start()
    await admin.execute("UPDATE sink_progress SET next_offset = 8 WHERE app_id = $1", APP)

    new_owner = asyncio.create_task(store.write(write(5, 6, notification(1))))
    await until_one_waits(admin)
    await late.commit()

    assert await new_owner == Written(moved_to=8)
    assert await PostgresFeed(database).after("ann", 0, 10) == []


@pytest.mark.integration
async def test_an_old_owner_that_is_rolled_back_does_not_matter(database: Database, admin: asyncpg.Connection) -> None:
    store = PostgresNotifications(database)
    await store.write(write(None, 5))
    late = admin.transaction()
    await late.start()
    await admin.execute("UPDATE sink_progress SET next_offset = 8 WHERE app_id = $1", APP)

    new_owner = asyncio.create_task(store.write(write(5, 6, notification(1))))
    await until_one_waits(admin)
    await late.rollback()

    assert numbers(await new_owner) == [1]


@pytest.mark.integration
async def test_a_cursor_never_overtakes_a_transaction_that_is_open(
    database: Database, admin: asyncpg.Connection
) -> None:
    store, feed = PostgresNotifications(database), PostgresFeed(database)
    early = admin.transaction()
    await early.start()
    await admin.execute(
        "INSERT INTO notifications (client_id, type, data) VALUES ('ann', 'geofence_alert', '{\"number\": 1}')"
    )

    later = asyncio.create_task(store.write(write(None, 5, notification(2))))
    await until_one_waits(admin)
    assert await feed.after("ann", 0, 10) == []
    await early.commit()
    await later

    assert [message["notification"]["data"]["number"] for _, message in await feed.after("ann", 0, 10)] == [1, 2]


@pytest.mark.integration
async def test_only_one_process_deletes_at_a_time(database: Database, admin: asyncpg.Connection) -> None:
    store = PostgresNotifications(database)

    async with admin.transaction():
        await admin.execute("SELECT pg_advisory_xact_lock($1)", 0x76666578)
        assert not await store.delete_expired()

    assert await store.delete_expired()


@pytest.mark.integration
async def test_a_connection_that_is_cut_is_unavailable_and_then_replaced(
    database: Database, admin: asyncpg.Connection
) -> None:
    store = PostgresNotifications(database)
    async with admin.transaction():
        await admin.execute("LOCK TABLE sink_progress")
        waiting = asyncio.create_task(store.write(write(None, 5, notification(1))))
        await until_one_waits(admin)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vesselflow'"
            " AND datname = current_database()"
        )

    with pytest.raises(Unavailable):
        await waiting
    assert numbers(await store.write(write(None, 5, notification(1)))) == [1]


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = Database("postgresql://vesselflow@127.0.0.1:1/vesselflow")

    with pytest.raises(Unavailable):
        await PostgresNotifications(database).progress(APP, 0)

    await database.close()


async def until_one_waits(admin: asyncpg.Connection) -> None:
    """Return when a statement of the adapters waits for a lock."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(5):
        while not await admin.fetchval(waiting):
            await asyncio.sleep(0.01)
