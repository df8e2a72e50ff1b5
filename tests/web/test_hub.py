import json
from typing import Any

from vesselflow.web import frames
from vesselflow.web.hub import Close, Hub, Outbox, is_message


def message(client_id: str, notification_id: str, **more: Any) -> dict[str, Any]:
    return {"clientId": client_id, "notification": {"id": notification_id, **more}}


def joined(hub: Hub, client_id: str = "alpha", bound: int = 10) -> Outbox:
    outbox = Outbox(client_id, bound, wake=lambda: None)
    hub.join(outbox)
    return outbox


def ids(outbox: Outbox) -> list[str]:
    return [json.loads(frame)["notification"]["id"] for frame in outbox.take()]


def test_a_push_reaches_every_socket_of_its_client_and_no_other() -> None:
    hub = Hub()
    first, second, foreign = joined(hub), joined(hub), joined(hub, "beta")

    reached = hub.publish(message("alpha", "a"))

    assert (reached, ids(first), ids(second), ids(foreign)) == (2, ["a"], ["a"], [])


def test_rows_of_the_feed_reach_their_client_alone() -> None:
    hub = Hub()
    own, foreign = joined(hub), joined(hub, "beta")

    hub.deliver("alpha", [(1, message("alpha", "a"))])

    assert (ids(own), ids(foreign)) == (["a"], [])


def test_a_socket_that_left_gets_nothing() -> None:
    hub = Hub()
    outbox = joined(hub)
    hub.leave(outbox)
    hub.leave(outbox)

    assert (hub.publish(message("alpha", "a")), ids(outbox), len(hub)) == (0, [], 0)


def test_a_notification_pushed_and_read_is_put_once() -> None:
    hub = Hub()
    outbox = joined(hub)
    hub.publish(message("alpha", "a"))
    hub.deliver("alpha", [(1, message("alpha", "a")), (2, message("alpha", "b"))])
    hub.publish(message("alpha", "b"))

    assert ids(outbox) == ["a", "b"]


def test_the_memory_of_ids_has_a_bound() -> None:
    outbox = joined(Hub(), bound=10)
    for number in range(100):
        outbox.push(one := message("alpha", str(number)), frames.notification(one))
        outbox.take()

    assert len(outbox._seen) == 20


def test_a_full_outbox_closes_its_socket_alone_and_resumably() -> None:
    hub = Hub()
    slow, quick = joined(hub, bound=2), joined(hub, bound=2)
    for notification_id in "abc":
        hub.publish(message("alpha", notification_id))
        quick.take()

    assert (slow.closing, quick.closing) == (Close.RESUME, None)


def test_a_row_that_was_held_back_is_passed_without_being_sent() -> None:
    hub = Hub()
    outbox = joined(hub)

    hub.deliver("alpha", [(1, message("alpha", "a", pushed=False)), (2, message("alpha", "b", pushed=True))])

    assert (ids(outbox), outbox.cursor) == (["b"], 2)


def test_rows_at_or_below_the_cursor_are_not_sent_again() -> None:
    hub = Hub()
    outbox = joined(hub)
    outbox.cursor = 5

    hub.deliver("alpha", [(5, message("alpha", "a")), (6, message("alpha", "b"))])

    assert ids(outbox) == ["b"]


def test_what_was_missed_comes_before_what_is_pushed_meanwhile() -> None:
    #  feed  1:a 2:b 3:c      pushes  c (again), d
    hub = Hub()
    outbox = joined(hub)
    outbox.hold()
    hub.publish(message("alpha", "c"))
    hub.publish(message("alpha", "d"))
    outbox.replay([(1, message("alpha", "a")), (2, message("alpha", "b")), (3, message("alpha", "c"))])
    outbox.release()

    assert ids(outbox) == ["a", "b", "c", "d"]


def test_a_held_socket_takes_no_part_in_the_reading_of_the_others() -> None:
    hub = Hub()
    live, held = joined(hub), joined(hub)
    live.cursor, held.cursor = 7, 2
    held.hold()

    hub.deliver("alpha", [(8, message("alpha", "a"))])

    assert (hub.cursors(), ids(live), ids(held)) == ({"alpha": 8}, ["a"], [])


def test_a_client_is_read_from_the_smallest_cursor_of_its_sockets() -> None:
    hub = Hub()
    for cursor in (9, 4, 6):
        joined(hub).cursor = cursor
    joined(hub, "beta").cursor = 2

    assert hub.cursors() == {"alpha": 4, "beta": 2}


def test_only_the_newest_position_of_a_vessel_waits() -> None:
    outbox = joined(Hub())
    outbox.move(1, {"vessel": 1, "lon": 4.0})
    outbox.move(2, {"vessel": 2, "lon": 5.0})
    outbox.move(1, {"vessel": 1, "lon": 4.1})

    assert [json.loads(frame) for frame in outbox.take()] == [
        {"type": "positions", "vessels": [{"vessel": 1, "lon": 4.1}, {"vessel": 2, "lon": 5.0}]}
    ]


def test_the_first_reason_to_close_stays() -> None:
    outbox = joined(Hub())
    outbox.close(Close.RESTART)
    outbox.close(Close.RESUME)

    assert outbox.closing == Close.RESTART


def test_only_a_client_with_an_identified_notification_is_a_message() -> None:
    strays: list[object] = [
        "x",
        {},
        {"clientId": 1, "notification": {"id": "a"}},
        {"clientId": "a", "notification": {}},
    ]

    assert [is_message(each) for each in strays] == [False] * len(strays)
    assert is_message(message("alpha", "a"))
