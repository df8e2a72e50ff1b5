"""A ship's ETA as sources write it -> one of two normal forms, as text and as a number, and how far two lie apart.

AIS knows month, day, hour and minute: ``05-14T20:10``. A feed that knows the year as well: ``2026-05-14T20:10Z``.

A normal form is also a number of minutes, which is what two are compared by: from 1 to 527,040 the minute of a leap
year, above that the minute since 1970; 0 is none.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from vesselflow.core.errors import InvalidRecord
from vesselflow.core.times import milliseconds

NO_ETA: Final = 0

_YEAR_MINUTES: Final = 366 * 1440
#: Fits 32 bits, and lies beyond every ship: the year 6053.
_LAST_MINUTE: Final = 2**31 - 1
_LEAP_YEAR: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: As gpsdecode, AISHub and most other programs write the four numbers of a static report.
_AIS_FORM: Final = re.compile(r"(\d\d?)-(\d\d?)[T ](\d\d?):(\d\d)(?::\d\d)?Z?")
#: The 20 bits of a static report as a number, as Digitraffic gives them: 4 of month, 5 of day, 5 of hour, 6 of minute.
_PACKED: Final = re.compile(r"\d{1,7}")


def normal_eta(text: str) -> str:
    """Return the normal form of *text*; "" when it says nothing or cannot be read.

    One without month, day, hour or minute (0, 0, 24 and 60 on air) says nothing.

    Source: ITU-R M.1371-5, annex 8, 3.3, the parameter "ETA".

    >>> [normal_eta(text) for text in ("05-14T20:10Z", "2026-05-14 22:10:30+02:00", "357642", "00-00T24:60Z", "soon")]
    ['05-14T20:10', '2026-05-14T20:10Z', '05-14T20:10', '', '']
    """
    return eta_text(eta_minute(text))


@lru_cache(maxsize=1 << 16)
def eta_minute(text: str) -> int:
    """Return *text* as a number of minutes, `NO_ETA` when it says nothing or cannot be read."""
    if found := _AIS_FORM.fullmatch(text.strip()):
        return _minute_of_year(*map(int, found.groups()))
    if _PACKED.fullmatch(text.strip()) and (bits := int(text)) < 1 << 20:
        return _minute_of_year(bits >> 16, bits >> 11 & 31, bits >> 6 & 31, bits & 63)
    try:
        minute = (milliseconds(text) or 0) // 60_000
    except InvalidRecord:
        return NO_ETA
    return minute if _YEAR_MINUTES < minute <= _LAST_MINUTE else NO_ETA


def eta_text(minute: int) -> str:
    """Return the normal form of a number of minutes, "" for `NO_ETA`."""
    if minute == NO_ETA:
        return ""
    if minute <= _YEAR_MINUTES:
        return f"{_LEAP_YEAR + timedelta(minutes=minute - 1):%m-%dT%H:%M}"
    return f"{_EPOCH + timedelta(minutes=minute):%Y-%m-%dT%H:%MZ}"


def minutes_apart(one: int, other: int) -> int:
    """Return how many minutes lie between two ETAs, neither of them `NO_ETA`.

    Where a year is missing the shorter way round the year counts, the year being a leap year: across the end of
    February it is a day too long in other years.
    """
    if min(one, other) > _YEAR_MINUTES:
        return abs(one - other)
    apart = abs(_in_year(one) - _in_year(other))
    return min(apart, _YEAR_MINUTES - apart)


def _in_year(minute: int) -> int:
    if minute <= _YEAR_MINUTES:
        return minute
    moment = _EPOCH + timedelta(minutes=minute)
    return _minute_of_year(moment.month, moment.day, moment.hour, moment.minute)


def _minute_of_year(month: int, day: int, hour: int, minute: int) -> int:
    try:
        moment = _LEAP_YEAR.replace(month=month, day=day, hour=hour, minute=minute)
    except ValueError:
        return NO_ETA
    return 1 + (moment - _LEAP_YEAR) // timedelta(minutes=1)
