"""The default policy for destinations: ports compared, a hold-off, names. Timelines run from left to right, in minutes."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tracks import Fix, run
from vesselflow.core.destination import DestinationPolicy, default_policy, detect, new_states
from vesselflow.core.model import Event
from vesselflow.state import Buckets, restore, snapshot

MINUTE = 60_000
AT_ONCE = default_policy(hold_off_ms=0)
TEN_MINUTES = default_policy(hold_off_ms=10 * MINUTE)


def said(*texts: str | None, name: str | None = None) -> list[Fix]:
    return [Fix(at_ms=number * MINUTE, destination=text, name=name) for number, text in enumerate(texts, start=1)]


def told(events: Sequence[Event]) -> list[tuple[int, int, str | None, str | None]]:
    return [(e.at_ms // MINUTE, e.first_fix_ms // MINUTE, e.previous_normal, e.new_normal) for e in events]


@pytest.mark.parametrize(
    "texts",
    [
        ("ROTTERDAM", "NLRTM", "NL RTM", "rotterdam@@@@", " Rotterdam  ", "SGSIN>NLRTM"),
        ("NLRTM102C1DOKXX00000", "NLRTM102C1DOKXX00002"),
        ("FOR ORDERS", "FOR ORDER"),
        ("ROTTERDAM", "", "@@@@", None, "ROTTERDAM"),
    ],
    ids=["spellings of one port", "suffix of an ERI code", "orders", "blank"],
)
def test_another_spelling_is_no_change(texts: tuple[str | None, ...]) -> None:
    assert run(detect, new_states(8), said(*texts), AT_ONCE) == []


def test_another_port_is_a_change_with_raw_and_normal_forms() -> None:
    (event,) = run(detect, new_states(8), said("ROTTERDAM", "SGSIN>BEANR"), AT_ONCE)

    assert (event.previous_destination, event.new_destination) == ("ROTTERDAM", "SGSIN>BEANR")
    assert (event.previous_normal, event.new_normal) == ("NLRTM", "BEANR")


def test_the_last_spelling_is_the_one_that_is_told() -> None:
    (event,) = run(detect, new_states(8), said("ROTTERDAM", "NL RTM", "ANTWERPEN"), AT_ONCE)

    assert event.previous_destination == "NL RTM"


def test_a_change_is_told_when_it_has_stood_for_the_hold_off() -> None:
    # R  A (first) .  .  .  .  .  .  .  .  .  A (11 minutes later)
    fixes = said("ROTTERDAM", *["ANTWERP"] * 12)

    assert told(run(detect, new_states(8), fixes, TEN_MINUTES)) == [(12, 2, "NLRTM", "BEANR")]


def test_there_and_back_within_the_hold_off_is_nothing() -> None:
    fixes = said("ROTTERDAM", "ANTWERP", "ANTWERP", "ROTTERDAM", *["ROTTERDAM"] * 20)

    assert run(detect, new_states(8), fixes, TEN_MINUTES) == []


def test_a_third_port_within_the_hold_off_begins_it_anew() -> None:
    fixes = said("ROTTERDAM", "ANTWERP", "HAMBURG", *["HAMBURG"] * 10)

    assert told(run(detect, new_states(8), fixes, TEN_MINUTES)) == [(13, 3, "NLRTM", "DEHAM")]


def test_vessels_that_share_a_number_announce_nothing() -> None:
    # Two ships take turns, each with its own name and destination.
    fixes = [
        Fix(
            at_ms=number * MINUTE,
            name=("EMPRESA", "PELIKAAN")[number % 2],
            destination=("ROTTERDAM", "ANTWERP")[number % 2],
        )
        for number in range(1, 20)
    ]

    assert run(detect, new_states(8), fixes, AT_ONCE) == []


def test_a_padded_name_is_no_other_ship() -> None:
    fixes = [*said("ROTTERDAM", name="ARNICA"), Fix(at_ms=2 * MINUTE, name="Arnica ", destination="ANTWERP")]

    assert told(run(detect, new_states(8), fixes, AT_ONCE)) == [(2, 2, "NLRTM", "BEANR")]


def test_a_fix_older_than_the_last_change_moves_nothing() -> None:
    # R (1)   A (3)   R (2, late)   A (4)
    fixes = [
        Fix(at_ms=1 * MINUTE, destination="ROTTERDAM"),
        Fix(at_ms=3 * MINUTE, destination="ANTWERP"),
        Fix(at_ms=2 * MINUTE, destination="ROTTERDAM"),
        Fix(at_ms=4 * MINUTE, destination="ANTWERP"),
    ]

    assert told(run(detect, new_states(8), fixes, AT_ONCE)) == [(3, 3, "NLRTM", "BEANR")]


def test_a_fix_too_old_when_received_moves_the_state_silently() -> None:
    late = Fix(at_ms=2 * MINUTE, received_ms=60 * MINUTE, destination="ANTWERP")
    fixes = [*said("ROTTERDAM"), late, Fix(at_ms=61 * MINUTE, destination="HAMBURG")]
    policy = default_policy(hold_off_ms=0, alert_limit_ms=15 * MINUTE)

    assert told(run(detect, new_states(8), fixes, policy)) == [(61, 61, "BEANR", "DEHAM")]


REPORTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["ROTTERDAM", "NL RTM", "ANTWERP", "HAMBURG", "", None]),
        st.sampled_from(["ARNICA", "ARNICA ", "EMPRESA", None]),
        st.integers(0, 8),
    ),
    max_size=40,
)
POLICIES = st.sampled_from([AT_ONCE, TEN_MINUTES, DestinationPolicy()])


def as_fixes(reports: Sequence[tuple[int, str | None, str | None, int]]) -> list[Fix]:
    """Return the reports a few minutes apart, each up to eight minutes late."""
    return [
        Fix(vessel=235_000_001 + vessel, at_ms=(10 + 3 * number - late) * MINUTE, destination=text, name=name)
        for number, (vessel, text, name, late) in enumerate(reports)
    ]


@given(REPORTS, st.sets(st.integers(1, 39)), POLICIES)
@settings(deadline=None, max_examples=60)
def test_where_batches_are_cut_changes_nothing(
    reports: list[tuple[int, str | None, str | None, int]], cuts: set[int], policy: DestinationPolicy
) -> None:
    fixes = as_fixes(reports)

    cut = run(detect, new_states(8), fixes, policy, cuts=[each for each in cuts if each < len(fixes)])

    assert cut == run(detect, new_states(8), fixes, policy)


@given(REPORTS, st.sampled_from([AT_ONCE, TEN_MINUTES]))
@settings(deadline=None, max_examples=60)
def test_doubling_every_fix_changes_nothing(
    reports: list[tuple[int, str | None, str | None, int]], policy: DestinationPolicy
) -> None:
    fixes = as_fixes(reports)

    assert run(detect, new_states(8), [fix for fix in fixes for _ in range(2)], policy) == run(
        detect, new_states(8), fixes, policy
    )


@given(REPORTS, st.integers(0, 40), POLICIES)
@settings(deadline=None, max_examples=60)
def test_a_restart_at_any_point_changes_nothing(
    reports: list[tuple[int, str | None, str | None, int]], stop: int, policy: DestinationPolicy
) -> None:
    fixes = as_fixes(reports)
    first, then = Buckets(new_states(8)), Buckets(new_states(8))

    events = run(detect, first.states, fixes[:stop], policy)
    rows, progress = snapshot(first, stop, {})
    restore(then, {number: body for number, body in rows if body}, progress)
    events += run(detect, then.states, fixes[stop:], policy)

    assert events == run(detect, new_states(8), fixes, policy)
