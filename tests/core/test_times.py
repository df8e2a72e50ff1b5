import pytest

from vesselflow.core.errors import InvalidRecord
from vesselflow.core.times import milliseconds

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
