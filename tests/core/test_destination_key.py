"""The answer key of destinations has the shape that its README says; whether it is right was judged by reading."""

import csv
import random

import pytest

from tests.core.tracks import DATA
from vesselflow.core.mids import FLAG_OF_MID

FOLDER = DATA / "destinations"
KINDS = {"port", "area", "orders", "unknown", "empty"}
STRINGS = (FOLDER / "strings.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")


def rows(half: str) -> list[dict[str, str]]:
    """Return the rows of ``build`` or ``report``."""
    with (FOLDER / f"key_{half}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_strings_are_1372_different_texts() -> None:
    assert len(STRINGS) == len(set(STRINGS)) == 1372


def test_the_key_is_the_seeded_sample_of_the_strings() -> None:
    sample = random.Random(20260101).sample(STRINGS, 400)

    assert [row["destination"] for row in rows("build")] == sample[:200]
    assert [row["destination"] for row in rows("report")] == sample[200:]


def test_no_text_is_in_both_halves() -> None:
    build, report = ({row["destination"] for row in rows(half)} for half in ("build", "report"))

    assert len(build) == len(report) == 200
    assert not build & report


@pytest.mark.parametrize("half", ["build", "report"])
def test_every_row_has_a_kind_and_only_a_port_has_a_locode(half: str) -> None:
    assert {row["kind"] for row in rows(half)} <= KINDS
    assert not [row for row in rows(half) if row["locode"] and row["kind"] != "port"]


@pytest.mark.parametrize("half", ["build", "report"])
def test_every_locode_has_five_characters_and_a_real_country(half: str) -> None:
    codes = {row[column] for row in rows(half) for column in ("locode", "origin_locode")} - {""}

    assert [code for code in codes if len(code) != 5 or not code.isalnum() or code != code.upper()] == []
    assert {code[:2] for code in codes} <= set(FLAG_OF_MID.values())


@pytest.mark.parametrize("half", ["build", "report"])
def test_a_port_without_a_locode_says_that_no_table_has_it(half: str) -> None:
    missing = [row for row in rows(half) if row["kind"] == "port" and not row["locode"]]

    assert [row["destination"] for row in missing if "not in table" not in row["note"]] == []
