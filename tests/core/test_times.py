import pytest

from vesselflow.core.errors import InvalidRecord
from vesselflow.core.times import day_first, milliseconds

NOON_MS = 1_452_603_731_218  # 2016-01-12T13:02:11.218Z


@pytest.mark.parametrize(
    "written",
    [
        NOON_MS,
        "2016-01-12T13:02:11.218Z",
        "2016-01-12 13:02:11.218",
        "2016-01-12 14:02:11.218+01:00",
        "2016-01-12 13:02:11.218340658 +0000 UTC",
        "1452603731218",
        "1452603731.218",
        1452603731.218,
    ],
)
def test_one_moment_is_read_however_it_is_written(written: int | float | str) -> None:
    assert milliseconds(written) == NOON_MS


@pytest.mark.parametrize("written", ["", "  ", 0, "0"])
def test_nothing_is_no_time(written: int | str) -> None:
    assert milliseconds(written) is None


@pytest.mark.parametrize("written", ["noon", -5, 10**18, float("nan"), "99999999999999999999", "2016-13-01"])
def test_what_is_no_time_is_refused(written: int | float | str) -> None:
    with pytest.raises(InvalidRecord, match="bad-time"):
        milliseconds(written)


@pytest.mark.parametrize("written", ["12/01/2016 13:02:11.218", "2016-01-12T13:02:11.218Z", "1452603731218"])
def test_the_day_may_come_first_where_that_is_known(written: str) -> None:
    assert day_first(written) == NOON_MS


@pytest.mark.parametrize("written", ["13/31/2016 13:02:11", "12/01/16 13:02:11"])
def test_a_day_that_cannot_come_first_is_refused(written: str) -> None:
    with pytest.raises(InvalidRecord, match="bad-time"):
        day_first(written)


@pytest.mark.parametrize("written", ["1972-12-31T23:59:59Z", "1969-07-20"])
def test_a_text_so_early_that_its_milliseconds_would_count_as_seconds_is_refused(written: str) -> None:
    with pytest.raises(InvalidRecord, match="expected a time after March 1973"):
        milliseconds(written)
