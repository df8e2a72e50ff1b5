"""ETAs in the forms that sources give them."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesselflow.core.etas import NO_ETA, eta_minute, eta_text, minutes_apart, normal_eta

GPSDECODE = Path(__file__).parents[1] / "data" / "gpsdecode"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("05-14T20:10Z", "05-14T20:10"),
        ("05-14T20:10", "05-14T20:10"),
        ("5-14 20:10:00", "05-14T20:10"),
        ("02-29T00:00Z", "02-29T00:00"),
        ("12-31T23:59Z", "12-31T23:59"),
        ("2026-05-14T20:10:59Z", "2026-05-14T20:10Z"),
        ("2026-05-14T22:10:00+02:00", "2026-05-14T20:10Z"),
        ("2026-05-14", "2026-05-14T00:00Z"),
        ("1767268800", "2026-01-01T12:00Z"),
        ("1767268800000", "2026-01-01T12:00Z"),
        # 4, 5, 5 and 6 bits: month 5, day 14, hour 20, minute 10.
        (str(0b0101_01110_10100_001010), "05-14T20:10"),
    ],
)
def test_every_form_becomes_a_normal_one(written: str, normal: str) -> None:
    assert normal_eta(written) == normal
    assert normal_eta(normal) == normal


@pytest.mark.parametrize(
    "written",
    [
        "",
        "0",
        "00-00T24:60Z",
        "05-14T24:60Z",
        "00-14T20:10Z",
        "05-00T20:10Z",
        "02-30T20:10Z",
        str(0b0000_00000_11000_111100),
        "tomorrow",
        "05141620",
        "9999-01-01T00:00Z",
    ],
)
def test_what_says_nothing_is_none(written: str) -> None:
    assert (eta_minute(written), normal_eta(written)) == (NO_ETA, "")


def test_the_etas_that_another_decoder_reads_are_understood() -> None:
    # Source: gpsdecode 3.22 over the aishub capture.
    with gzip.open(GPSDECODE / "aishub-2012-03-14.json.gz", "rt", encoding="utf-8") as file:
        etas = {message["eta"] for message in map(json.loads, file) if message.get("type") == 5}

    for eta in etas:
        # Month 14 is on air as well.
        is_set = "01" <= eta[:2] <= "12" and eta[3:5] != "00" and eta[6:8] < "24" and eta[9:11] < "60"
        assert normal_eta(eta) == (eta.removesuffix("Z") if is_set else "")
    assert len(etas) > 100


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("05-14T20:10", "05-14T21:09", 59),
        ("12-31T23:30", "01-01T00:30", 60),
        ("2025-12-31T23:30Z", "2026-01-01T00:30Z", 60),
        ("2025-05-14T20:10Z", "2026-05-14T20:10Z", 365 * 1440),
        ("2026-05-14T20:10Z", "05-14T22:10", 120),
        ("12-31T23:59", "2026-01-01T00:01Z", 2),
        ("01-01T00:00", "07-02T00:00", 183 * 1440),
    ],
)
def test_how_far_two_lie_apart(one: str, other: str, apart: int) -> None:
    assert minutes_apart(eta_minute(one), eta_minute(other)) == apart
    assert minutes_apart(eta_minute(other), eta_minute(one)) == apart


@given(st.integers(1, 366 * 1440) | st.integers(1_700_000, 2**31 - 1))
def test_a_number_of_minutes_survives_its_text(minute: int) -> None:
    assert eta_minute(eta_text(minute)) == minute
