import json
from typing import Any

import pytest

from vesselflow.web import frames, hub
from vesselflow.web.hub import Close, Hub, Message, Outbox, Row, is_message


def message(client_id: str, seq: int, **more: Any) -> dict[str, Any]:
    return {"clientId": client_id, "notification": {"seq": seq, **more}}


def row(seq: int, **more: Any) -> Row:
    return seq, message("alpha", seq, **more)


def joined(rooms: Hub, client_id: str = "alpha", bound: int = 10) -> Outbox:
    outbox = Outbox(client_id, bound, wake=lambda: None)
    rooms.join(outbox)
    return outbox


def numbers(outbox: Outbox) -> list[int]:
    return [json.loads(frame)["notification"]["seq"] for frame in outbox.take()]


def push(outbox: Outbox, pushed: Message) -> None:
    outbox.push(pushed, frames.notification(pushed))


def test_a_push_reaches_every_socket_of_its_client_and_no_other() -> None:
    rooms = Hub()
    first, second, foreign = joined(rooms), joined(rooms), joined(rooms, "beta")

    reached = rooms.publish(message("alpha", 1))

    assert (reached, numbers(first), numbers(second), numbers(foreign)) == (2, [1], [1], [])


def test_rows_of_the_feed_reach_their_client_alone() -> None:
    rooms = Hub()
    own, foreign = joined(rooms), joined(rooms, "beta")

    rooms.deliver("alpha", [row(1)])

    assert (numbers(own), numbers(foreign)) == ([1], [])


def test_a_socket_that_left_gets_nothing() -> None:
    rooms = Hub()
    outbox = joined(rooms)
    rooms.leave(outbox)
    rooms.leave(outbox)

    assert (rooms.publish(message("alpha", 1)), numbers(outbox), len(rooms)) == (0, [], 0)


def test_a_notification_pushed_and_read_in_either_order_is_put_once() -> None:
    #  push 2 | feed 1 2 3 | push 3, and again 1 2 3
    rooms = Hub()
    outbox = joined(rooms)
    rooms.publish(message("alpha", 2))
    rooms.deliver("alpha", [row(1), row(2), row(3)])
    for seq in (3, 1, 2, 3):
        rooms.publish(message("alpha", seq))

    assert numbers(outbox) == [2, 1, 3]


def test_a_push_that_is_not_remembered_is_left_to_the_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MOST_PUSHED", 2)
    rooms = Hub()
    outbox = joined(rooms)
    for seq in (1, 2, 3):
        rooms.publish(message("alpha", seq))
    rooms.deliver("alpha", [row(1), row(2), row(3)])

    assert numbers(outbox) == [1, 2, 3]


def test_a_deleted_row_is_not_remembered_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MOST_PUSHED", 1)
    rooms = Hub()
    outbox = joined(rooms)
    rooms.publish(message("alpha", 1))
    rooms.deliver("alpha", [row(2)])
    rooms.publish(message("alpha", 3))

    assert numbers(outbox) == [1, 2, 3]


def test_a_full_outbox_closes_its_socket_alone_and_resumably() -> None:
    rooms = Hub()
    slow, quick = joined(rooms, bound=2), joined(rooms, bound=2)
    for seq in (1, 2, 3):
        rooms.publish(message("alpha", seq))
        quick.take()

    assert (slow.closing, quick.closing) == (Close.RESUME, None)


def test_a_row_that_was_held_back_is_passed_without_being_sent() -> None:
    rooms = Hub()
    outbox = joined(rooms)

    rooms.deliver("alpha", [row(1, pushed=False), row(2, pushed=True)])

    assert (numbers(outbox), outbox.cursor) == ([2], 2)


def test_rows_at_or_below_the_cursor_are_not_sent_again() -> None:
    rooms = Hub()
    outbox = joined(rooms)
    outbox.cursor = 5

    rooms.deliver("alpha", [row(5), row(6)])

    assert numbers(outbox) == [6]


def test_what_was_missed_comes_before_what_is_pushed_meanwhile() -> None:
    #  hello 3, resume from 1: missed 2 3, pushed meanwhile 3 (again) 4
    outbox = joined(Hub())
    outbox.cursor = 3
    outbox.hold(1)
    push(outbox, message("alpha", 3))
    push(outbox, message("alpha", 4))
    outbox.replay(row(2))
    outbox.replay(row(3))
    outbox.release()

    assert numbers(outbox) == [2, 3, 4]


def test_while_it_resumes_a_client_is_told_no_cursor_that_it_has_not_reached() -> None:
    outbox = joined(Hub())
    outbox.cursor = 9
    told = [outbox.safe_cursor]
    outbox.hold(1)
    told.append(outbox.safe_cursor)
    outbox.replay(row(4))
    told.append(outbox.safe_cursor)
    outbox.release()

    assert [*told, outbox.safe_cursor] == [9, 1, 4, 9]


def test_a_held_socket_takes_no_part_in_the_reading_of_the_others() -> None:
    rooms = Hub()
    live, held = joined(rooms), joined(rooms)
    live.cursor, held.cursor = 7, 2
    held.hold(0)

    rooms.deliver("alpha", [row(8)])

    assert (rooms.cursors(), numbers(live), numbers(held)) == ({"alpha": 8}, [8], [])


def test_a_client_is_read_from_the_smallest_cursor_of_its_sockets() -> None:
    rooms = Hub()
    for cursor in (9, 4, 6):
        joined(rooms).cursor = cursor
    joined(rooms, "beta").cursor = 2

    assert rooms.cursors() == {"alpha": 4, "beta": 2}


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


def test_only_a_client_with_a_numbered_notification_is_a_message() -> None:
    strays: list[object] = ["x", {}, {"clientId": 1, "notification": {"seq": 1}}, {"clientId": "a", "notification": {}}]

    assert [is_message(each) for each in strays] == [False] * len(strays)
    assert is_message(message("alpha", 1))
