"""Hours of the week in a time zone -> whether a moment lies in them."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_HOURS: Final = re.compile(
    r"(?P<first>[a-z]{3})(-(?P<last>[a-z]{3}))? (?P<since>\d\d:[0-5]\d)-(?P<until>\d\d:[0-5]\d)", re.IGNORECASE
)


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours of the week, such as ``Mon-Fri 08:00-18:00`` and ``Sat 22:00-02:00``, by the clock on the wall.

    A span that ends before it begins goes over midnight and belongs to the day it begins. An hour that the clock
    shows twice counts twice, one that it skips never comes.
    """

    timezone: str
    hours: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        time_zone(self.timezone)
        _spans(self.hours)

    def includes(self, at_ms: int) -> bool:
        """Tell whether the moment lies in any span; a span's first minute does, its last does not."""
        local = datetime.fromtimestamp(at_ms // 1000, ZoneInfo(self.timezone))
        minute = local.weekday() * _DAY + local.hour * 60 + local.minute
        return any((minute - begin) % _WEEK < length for begin, length in _spans(self.hours))


def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of that name.

    Raises:
        ValueError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"expected a time zone like Europe/Amsterdam, got {name!r}") from error


@lru_cache(maxsize=1024)
def _spans(hours: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Return where each span begins in the week and how long it is, in minutes."""
    return tuple(span for text in hours for span in _spans_of(text))


def _spans_of(text: str) -> list[tuple[int, int]]:
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError(f"expected hours like Mon-Fri 08:00-18:00, got {text!r}")
    first, since, until = _day(match["first"]), _minute(match["since"]), _minute(match["until"])
    last = _day(match["last"]) if match["last"] else first
    if since in (until, _DAY):
        raise ValueError(f"expected hours that begin before 24:00 and end at another time, got {text!r}")
    length = until - since if since < until else until - since + _DAY
    return [((first + step) % 7 * _DAY + since, length) for step in range((last - first) % 7 + 1)]


def _day(name: str) -> int:
    if name.title() not in DAYS:
        raise ValueError(f"expected a day among {', '.join(DAYS)}, got {name!r}")
    return DAYS.index(name.title())


def _minute(time: str) -> int:
    hour, minute = map(int, time.split(":"))
    if hour * 60 + minute > _DAY:
        raise ValueError(f"expected a time from 00:00 to 24:00, got {time}")
    return hour * 60 + minute
