"""The socket as its clients see it: real server, real clients, a loopback port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from prometheus_client import REGISTRY
from websockets.exceptions import InvalidStatus

from tests.web.sockets import PATIENCE_S, Instance, serving
from tests.web.standins import QUICK, Feed, FixedClock, services, token


@pytest.fixture
async def web() -> AsyncIterator[Instance]:
    async with serving(services()) as instance:
        yield instance


async def test_the_first_frame_says_whose_socket_it_is_and_the_newest_cursor(web: Instance) -> None:
    web.feed.add("beta", "b")
    async with web.client() as client:
        await client.say(type="auth", token=token("alpha"))

        assert await client.next() == {"type": "hello", "cursor": 1, "clientId": "alpha"}


async def test_a_notification_arrives_as_it_was_published(web: Instance) -> None:
    async with web.logged_in("alpha") as client:
        await web.notify("alpha", "a", data={"event": "entered"})

        assert await client.next() == {
            "type": "notification",
            "clientId": "alpha",
            "notification": {"seq": 1, "id": "a", "type": "geofence_alert", "data": {"event": "entered"}},
        }


async def test_nobody_gets_the_notifications_of_another_client(web: Instance) -> None:
    async with web.logged_in("alpha") as alpha, web.logged_in("beta") as beta:
        await alpha.say(type="resume", cursor=0)
        await web.notify("beta", "b1")
        web.feed.add("beta", "b2")

        assert sorted(await beta.ids(2)) == ["b1", "b2"]
        assert await alpha.silence()


async def test_nothing_is_sent_before_the_client_is_known(web: Instance) -> None:
    async with web.client() as client:
        await web.notify("alpha", "a")

        assert await client.closed() == 4408


async def test_a_socket_without_a_token_first_is_closed(web: Instance) -> None:
    async with web.client() as client:
        await client.say(type="resume", cursor=0)

        assert await client.closed() == 4401


@pytest.mark.parametrize("bad", [token(ttl_s=-1), token()[:-4] + "AAAA", "eyJhbGciOiJub25lIn0.e30.", ""])
async def test_a_bad_token_is_refused(web: Instance, bad: str) -> None:
    async with web.client() as client:
        await client.say(type="auth", token=bad)

        assert await client.closed() == 4401


async def test_a_page_of_ours_is_let_in_by_its_cookie(web: Instance) -> None:
    async with web.client(cookie=token("alpha"), origin=web.origin) as client:
        assert (await client.next())["clientId"] == "alpha"


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1", "null", "http://127.0.0.1:1.evil.example"]
)
async def test_a_page_of_another_origin_is_refused_at_the_handshake(web: Instance, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with web.client(cookie=token(), origin=origin):
            pass


async def test_a_cookie_without_an_origin_lets_nobody_in(web: Instance) -> None:
    async with web.client(cookie=token()) as client:
        assert await client.closed() == 4408


async def test_an_allowed_origin_is_let_in() -> None:
    given = services(allowed_origins=frozenset({"https://bridge.example"}))
    async with serving(given) as web, web.client(cookie=token(), origin="https://bridge.example") as client:
        assert await client.hello() == 0


async def test_resuming_brings_what_was_missed_once_and_in_order(web: Instance) -> None:
    for number in range(1, 2001):
        web.feed.add("alpha", str(number))
    async with web.logged_in() as client:
        await client.say(type="resume", cursor=500)
        await web.notify("alpha", "pushed before it, or while it goes on")
        received = await client.ids(1501)

        assert [each for each in received if each.isdigit()] == [str(number) for number in range(501, 2001)]
        assert len(set(received)) == 1501
        assert await client.silence()


async def test_a_resume_longer_than_the_queue_goes_through() -> None:
    async with serving(services(queue_bound=10)) as web:
        for number in range(1, 301):
            web.feed.add("alpha", str(number))
        async with web.logged_in() as client:
            await client.say(type="resume", cursor=0)

            assert await client.ids(300) == [str(number) for number in range(1, 301)]


async def test_a_second_resume_is_refused(web: Instance) -> None:
    async with web.logged_in() as client:
        await client.say(type="resume", cursor=0)
        await client.say(type="resume", cursor=0)

        assert (await client.next())["code"] == "resumed-already"


async def test_a_push_that_was_never_made_arrives_from_the_store_once(web: Instance) -> None:
    async with web.logged_in() as client:
        web.feed.add("alpha", "a")

        assert await client.ids(1) == ["a"]
        assert await client.silence()


async def test_when_redis_is_cut_nothing_is_lost_or_doubled(web: Instance) -> None:
    async with web.logged_in() as client:
        await web.notify("alpha", "1")
        web.pushes.cut()
        await web.notify("alpha", "2", "3")
        received = await client.ids(3)
        await web.pushes.subscribed_again()
        await web.notify("alpha", "4")

        assert [*received, *await client.ids(1)] == ["1", "2", "3", "4"]
        assert await client.silence()


async def test_what_postgres_kept_back_during_its_outage_arrives_after_it(web: Instance) -> None:
    async with web.logged_in() as client:
        web.feed.is_down = True
        web.feed.add("alpha", "a")
        assert await client.silence()

        web.feed.is_down = False
        assert await client.ids(1) == ["a"]


async def test_while_postgres_is_down_a_client_is_asked_to_come_back(web: Instance) -> None:
    web.feed.is_down = True
    async with web.client() as client:
        await client.say(type="auth", token=token())

        assert (await client.next())["code"] == "unavailable"
        assert await client.closed() == 1013


async def test_a_notification_that_was_held_back_is_not_pushed_later(web: Instance) -> None:
    async with web.logged_in() as client:
        web.feed.add("alpha", "quiet", pushed=False)
        web.feed.add("alpha", "loud", pushed=True)

        assert await client.ids(1) == ["loud"]


async def test_what_is_no_notification_on_the_channel_disturbs_nobody(web: Instance) -> None:
    async with web.logged_in() as client:
        await web.pushes.publish([{"clientId": "alpha"}, {"other": 1}])
        await web.notify("alpha", "a")

        assert await client.ids(1) == ["a"]


async def test_a_socket_that_cannot_keep_up_is_closed_resumably_and_alone() -> None:
    given = services(queue_bound=5, times=replace(QUICK, close_s=PATIENCE_S))
    closed_before = closed_as_slow()
    async with serving(given) as web, web.logged_in() as slow, web.logged_in() as quick:
        slow.connection.transport.pause_reading()
        async with asyncio.timeout(PATIENCE_S):
            while closed_as_slow() == closed_before:
                await web.notify("alpha", "more than the buffers between the two can hold", padding="x" * 100_000)
                await quick.ids(1)
        slow.connection.transport.resume_reading()

        assert await slow.closed() == 4000
        await web.notify("alpha", "next")
        assert await quick.ids(1) == ["next"]


def closed_as_slow() -> float:
    return REGISTRY.get_sample_value("vesselflow_websocket_closed_total", {"reason": "slow"}) or 0


async def test_a_position_subscription_is_answered_as_not_supported(web: Instance) -> None:
    async with web.logged_in() as client:
        await client.say(type="subscribe", bbox=[3.0, 51.0, 5.0, 53.0], zoom=9)

        assert (await client.next())["code"] == "not-supported"


async def test_a_frame_that_is_none_is_answered_with_an_error(web: Instance) -> None:
    async with web.logged_in() as client:
        await client.connection.send("{")

        assert (await client.next())["code"] == "bad-frame"


async def test_a_frame_that_is_too_large_closes_the_socket(web: Instance) -> None:
    async with web.logged_in() as client:
        await client.connection.send("x" * 9000)

        assert await client.closed() == 1009


async def test_a_flood_of_frames_closes_the_socket(web: Instance) -> None:
    async with web.logged_in() as client:
        for _ in range(80):
            await client.say(type="pong")

        assert await client.closed() == 1008


async def test_a_ping_tells_the_cursor_and_silence_closes_resumably() -> None:
    given = services(times=replace(QUICK, ping_s=0.1, pong_s=0.1))
    async with serving(given) as web, web.logged_in() as client:
        assert await client.next() == {"type": "ping", "cursor": 0}
        assert await client.closed() == 4001


async def test_a_client_that_answers_pings_stays() -> None:
    given = services(times=replace(QUICK, ping_s=0.1, pong_s=0.1))
    async with serving(given) as web, web.logged_in() as client:
        for _ in range(5):
            assert (await client.next())["type"] == "ping"
            await client.say(type="pong")


async def test_the_end_of_the_token_is_the_end_of_the_socket() -> None:
    clock = FixedClock()
    async with serving(services(clock=clock)) as web, web.logged_in() as client:
        clock.at_ms = 4_102_444_800_000

        assert (await client.next())["code"] == "unauthorised"
        assert await client.closed() == 4401


async def test_a_newer_token_of_the_same_client_prolongs_the_socket(web: Instance) -> None:
    async with web.logged_in("alpha") as client:
        await client.say(type="auth", token=token("alpha", ttl_s=9000))
        await web.notify("alpha", "a")
        assert await client.ids(1) == ["a"]

        await client.say(type="auth", token=token("beta"))
        assert await client.closed() == 4401


async def test_logging_out_closes_the_sockets_of_the_session_alone(web: Instance) -> None:
    mine = token("alpha", ttl_s=500)
    async with web.client(cookie=mine, origin=web.origin) as leaving, web.logged_in("alpha") as staying:
        await leaving.hello()
        async with httpx.AsyncClient(base_url=web.origin, cookies={"vesselflow_session": mine}) as browser:
            await browser.delete("/session")

        assert await leaving.closed() == 4401
        await web.notify("alpha", "a")
        assert await staying.ids(1) == ["a"]


async def test_a_full_instance_refuses_one_more() -> None:
    async with serving(services(socket_capacity=1)) as web, web.logged_in():
        with pytest.raises(InvalidStatus, match="503"):
            async with web.client():
                pass


async def test_when_the_server_stops_a_client_is_sent_elsewhere() -> None:
    async with contextlib.AsyncExitStack() as stack:
        instance = serving(services(feed=Feed()))
        web = await instance.__aenter__()
        client = await stack.enter_async_context(web.logged_in())
        await instance.__aexit__(None, None, None)

        assert await client.closed() == 1012
