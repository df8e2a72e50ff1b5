"""Hours of the week in a time zone.

Dates: 2026-01-02 is a Friday. Amsterdam is at UTC+1; on 2026-03-29 its clock goes from 02:00 to 03:00, on 2026-10-25 from 03:00
back to 02:00. Source: Directive 2000/84/EC, articles 2 and 3: the last Sundays of March and October, 01:00 UTC.
"""

import msgspec
import pytest

from tests.core.tracks import millis
from vesselflow.core.schedule import Schedule


def is_in(moment: str, *hours: str, timezone: str = "Europe/Amsterdam") -> bool:
    return Schedule(timezone=timezone, hours=hours).includes(millis(f"{moment}+00:00"))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-02T06:59:59.999", False),
        ("2026-01-02T07:00:00", True),
        ("2026-01-02T16:59:59.999", True),
        ("2026-01-02T17:00:00", False),
        ("2026-01-03T10:00:00", False),
        ("2026-01-05T10:00:00", True),
    ],
)
def test_hours_count_on_their_days_from_their_first_minute_on(moment: str, expected: bool) -> None:
    assert is_in(moment, "Mon-Fri 08:00-18:00") is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-03T00:30:00", False),
        ("2026-01-03T21:00:00", True),
        ("2026-01-04T00:59:00", True),
        ("2026-01-04T01:00:00", False),
        ("2026-01-04T21:00:00", False),
    ],
)
def test_a_span_over_midnight_belongs_to_the_day_it_begins(moment: str, expected: bool) -> None:
    assert is_in(moment, "Sat 22:00-02:00") is expected


def test_sunday_night_reaches_into_monday() -> None:
    assert is_in("2026-01-05T00:30:00", "Sun 22:00-02:00")


def test_days_may_go_over_the_end_of_the_week() -> None:
    days = [f"2026-01-0{day}T12:00:00" for day in range(1, 8)]

    assert [is_in(day, "Sat-Mon 00:00-24:00") for day in days] == [False, False, True, True, True, False, False]


def test_a_day_may_be_whole() -> None:
    assert is_in("2026-01-02T00:00:00", "Fri 00:00-24:00", timezone="UTC")
    assert is_in("2026-01-02T23:59:59", "fri 00:00-24:00", timezone="UTC")
    assert not is_in("2026-01-03T00:00:00", "FRI 00:00-24:00", timezone="UTC")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-29T00:29:00", False),
        ("2026-03-29T00:30:00", True),
        ("2026-03-29T01:29:00", True),
        ("2026-03-29T01:30:00", False),
    ],
)
def test_an_hour_that_the_clock_skips_never_comes(moment: str, expected: bool) -> None:
    assert is_in(moment, "Sun 01:30-03:30") is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-10-24T23:59:00", False),
        ("2026-10-25T00:00:00", True),
        ("2026-10-25T01:59:00", True),
        ("2026-10-25T02:00:00", False),
    ],
)
def test_an_hour_that_the_clock_shows_twice_counts_twice(moment: str, expected: bool) -> None:
    assert is_in(moment, "Sun 02:00-03:00") is expected


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ("08:00-18:00", "expected hours like Mon-Fri 08:00-18:00"),
        ("Mon 8:00-18:00", "expected hours like"),
        ("Mon 08:00-18:60", "expected hours like"),
        ("Mon-Foo 08:00-18:00", "expected a day among Mon, Tue, .* got 'Foo'"),
        ("Mon 08:00-24:01", "expected a time from 00:00 to 24:00, got 24:01"),
        ("Mon 08:00-08:00", "end at another time"),
        ("Mon 24:00-08:00", "begin before 24:00"),
    ],
)
def test_hours_of_another_form_are_refused(hours: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Schedule(timezone="UTC", hours=(hours,))


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a time zone like Europe/Amsterdam, got 'Europe/Atlantis'"):
        Schedule(timezone="Europe/Atlantis", hours=("Mon 08:00-18:00",))


def test_no_hours_at_all_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="length >= 1"):
        msgspec.convert({"timezone": "UTC", "hours": []}, Schedule)
