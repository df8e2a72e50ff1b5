"""The hold-off, value by value. Timelines run from left to right; the hold-off is 10 where nothing else is said."""

from collections.abc import Callable, Sequence
from operator import eq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesselflow.core.holding import Change, Held

Report = tuple[int, str | None]


def walk(reports: Sequence[Report], hold_off_ms: int = 10) -> list[Change[str]]:
    held, changes = Held[str](), []
    for at_ms, value in reports:
        held, change = held.step(value, at_ms, hold_off_ms)
        changes += [change] if change else []
    return changes


def test_the_first_value_is_no_change() -> None:
    assert walk([(0, "A"), (20, "A"), (40, "A")]) == []


def test_a_value_that_stood_for_the_hold_off_and_came_again_is_a_change() -> None:
    # A     B . . . . B
    # 0     5         15
    assert walk([(0, "A"), (5, "B"), (14, "B"), (15, "B"), (30, "B")]) == [Change("A", "B", first_ms=5, at_ms=15)]


def test_a_value_seen_once_is_no_change_however_long_ago() -> None:
    assert walk([(0, "A"), (5, "B"), (1_000, None)]) == []


def test_a_value_that_comes_back_within_the_hold_off_is_no_change() -> None:
    # A B A B B: the second B stood for 9 only
    assert walk([(0, "A"), (5, "B"), (10, "A"), (12, "B"), (21, "B")]) == []


def test_a_third_value_begins_the_hold_off_anew() -> None:
    assert walk([(0, "A"), (5, "B"), (10, "C"), (15, "B"), (24, "B"), (25, "B")]) == [Change("A", "B", 15, 25)]


def test_a_change_back_after_the_hold_off_is_a_change() -> None:
    assert walk([(0, "A"), (5, "B"), (15, "B"), (20, "A"), (30, "A")]) == [
        Change("A", "B", 5, 15),
        Change("B", "A", 20, 30),
    ]


def test_a_missing_value_leaves_everything_as_it_is() -> None:
    assert walk([(0, None), (1, "A"), (2, None), (5, "B"), (8, None), (15, "B")]) == [Change("A", "B", 5, 15)]


def test_without_a_hold_off_a_change_is_one_at_once() -> None:
    assert walk([(0, "A"), (1, "B"), (2, "B"), (3, "A")], hold_off_ms=0) == [
        Change("A", "B", 1, 1),
        Change("B", "A", 3, 3),
    ]


def test_small_steps_add_up_to_a_change() -> None:
    def near(one: int, other: int) -> bool:
        return abs(one - other) < 3

    held, changes = Held[int](), []
    for at_ms, value in enumerate([100, 101, 102, 103, 104]):
        held, change = held.step(value, at_ms, 0, same=near)
        changes += [change] if change else []

    assert changes == [Change(100, 103, 3, 3)]


def test_what_is_known_says_since_when() -> None:
    held, _ = Held[str]().step("A", 3, 10)
    held, _ = held.step("B", 7, 10)

    assert held == Held("A", 3, "B", 7)
    assert held.step("B", 17, 10)[0] == Held("B", 7)


@pytest.mark.parametrize("same", [eq, lambda one, other: True])
def test_a_value_that_is_the_same_ends_a_candidate(same: Callable[[str, str], bool]) -> None:
    assert Held("A", 1, "B", 2).step("A", 3, 10, same=same) == (Held("A", 1), None)


values = st.lists(st.sampled_from([None, "A", "B", "C"]), max_size=40)


@given(values=values, hold_off_ms=st.integers(0, 6))
def test_every_change_begins_where_the_one_before_ended(values: list[str | None], hold_off_ms: int) -> None:
    reports = list(enumerate(values))

    changes = walk(reports, hold_off_ms)

    standing = next((value for value in values if value is not None), None)
    for change in changes:
        assert change.previous == standing != change.new
        assert change.at_ms - change.first_ms >= hold_off_ms
        between = {value for at_ms, value in reports if change.first_ms <= at_ms <= change.at_ms}
        assert between <= {change.new, None}
        standing = change.new


@given(values=values, hold_off_ms=st.integers(0, 6))
def test_doubling_every_report_changes_nothing(values: list[str | None], hold_off_ms: int) -> None:
    reports = list(enumerate(values))

    assert walk([report for report in reports for _ in (0, 1)], hold_off_ms) == walk(reports, hold_off_ms)
