"""The status line keeps to one line on a terminal and to one in ten seconds elsewhere."""

import io
from typing import Any

from vesselflow.up.numbers import Numbers
from vesselflow.up.status import Status, status_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_line_takes_the_place_of_the_one_before() -> None:
    out = Terminal()
    status = Status(out)

    status.show("one")
    status.show("two")
    status.say("something happened")

    assert out.getvalue() == "one\r\x1b[2Ktwo\r\x1b[2Ksomething happened\ntwo"


def test_elsewhere_a_line_comes_every_ten_seconds() -> None:
    now: list[float] = [0.0]
    out = io.StringIO()
    status = Status(out, clock=lambda: now[0])

    for at_s in range(0, 21, 4):
        now[0] = float(at_s)
        status.show(f"at {at_s}")

    assert out.getvalue().splitlines() == ["at 0", "at 12"]


def test_the_line_shows_every_number() -> None:
    numbers: Any = Numbers("http://127.0.0.1:1")
    numbers.totals.update(events=1200, notifications=1100)
    numbers.vessels, numbers.lag = 9057, 3

    line = status_line(numbers, [10.0, 20.0])

    assert line == "0 pos/s, 9,057 vessels, 1,200 events, 1,100 notifications, lag 3, p99 20 ms"
