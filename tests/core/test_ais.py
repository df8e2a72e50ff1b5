import numpy as np
import pytest

from vesselflow.core import ais
from vesselflow.core.mids import FLAG_OF_MID


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0, None),
        (30, "Fishing"),
        (31, "Towing"),
        (36, "Sailing"),
        (37, "Pleasure craft"),
        (49, "High-speed craft"),
        (52, "Tug"),
        (60, "Passenger"),
        (79, "Cargo"),
        (80, "Tanker"),
        (99, "Other"),
        (38, "Other"),
        (255, "Other"),
    ],
)
def test_a_ship_type_has_the_name_of_the_standard(code: int, name: str | None) -> None:
    assert ais.ship_type_name(code) == name


@pytest.mark.parametrize(
    ("mmsi", "kind", "flag"),
    [
        (235012345, "ship", "GB"),
        (2320001, "coast", "GB"),
        (23200001, "group", "GB"),
        (111232511, "aircraft", "GB"),
        (992351000, "aton", "GB"),
        (982351000, "craft", "GB"),
        (823501234, "handheld", "GB"),
        (970123456, "sart", None),
        (972123456, "mob", None),
        (974123456, "epirb", None),
        (123456789, "invalid", None),
        (12345, "invalid", None),
        (0, "invalid", None),
        (-1, "invalid", None),
        (10**9, "invalid", None),
        (299000000, "ship", None),
    ],
)
def test_an_mmsi_tells_its_kind_and_its_flag_by_its_kind(mmsi: int, kind: str, flag: str | None) -> None:
    assert (ais.mmsi_kind(mmsi), ais.flag_of(mmsi)) == (kind, flag)


def test_both_tables_of_country_digits_are_in() -> None:
    assert len(FLAG_OF_MID) == 292
    assert FLAG_OF_MID[636] == "LR"
    assert FLAG_OF_MID[306] == "CW"
    assert all(len(flag) == 2 for flag in FLAG_OF_MID.values())


# IMO numbers of real ships, and each with one digit changed.
@pytest.mark.parametrize(
    ("number", "valid"),
    [
        (9074729, True),
        (9319545, True),
        (6514895, True),
        (9074728, False),
        (9074792, False),
        (0, False),
        (90747290, False),
    ],
)
def test_an_imo_number_is_checked_by_its_last_digit(number: int, valid: bool) -> None:
    assert ais.is_imo(number) is valid


def test_speeds_without_a_value_become_nan_and_102_2_stays() -> None:
    given = np.array([0.0, 102.2, 102.3, 63.0, 63.0, 62.0, -1.0, np.nan])
    message = np.array([1, 1, 1, 1, 27, 27, 1, 1])

    found = ais.speeds(given, message)

    np.testing.assert_array_equal(found, [0.0, 102.2, np.nan, 63.0, np.nan, 62.0, np.nan, np.nan])


def test_angles_of_360_and_511_become_nan() -> None:
    found = ais.angles(np.array([0.0, 359.9, 360.0, 511.0, -1.0]))

    np.testing.assert_array_equal(found, [0.0, 359.9, np.nan, np.nan, np.nan])


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("ROTTERDAM@@@@@@@@@@@", "ROTTERDAM"),
        ("  NL  RTM   ", "NL RTM"),
        ("NLRTM@JUNK BEHIND IT", "NLRTM"),
        ("@@@@", ""),
        ("A\x00B\ud800", "A B"),
    ],
)
def test_a_text_ends_at_the_first_at_sign_and_loses_its_padding(raw: str, clean: str) -> None:
    assert ais.clean_text(raw) == clean


def test_a_navigational_status_of_15_has_no_name() -> None:
    assert [ais.nav_status_name(code) for code in (0, 5, 15, -1)] == ["Under way using engine", "Moored", None, None]
