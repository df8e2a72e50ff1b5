"""Changes of what vessels report of themselves. Timelines run from left to right; a fix a minute, a hold-off of 10."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tracks import Fix, batch_of, run
from vesselflow.core.changes import ChangesPolicy, detect, new_states
from vesselflow.core.model import Event
from vesselflow.core.states import VesselStates
from vesselflow.state import Buckets, restore, snapshot

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
POLICY = ChangesPolicy()
AT_ONCE = ChangesPolicy(hold_off_ms=0)


def fixes(attribute: str, *values: Any, every_ms: int = MINUTE_MS, vessel: int = 235_000_001) -> list[Fix]:
    """Return a fix for each value, None leaving it out."""
    track = [Fix(vessel=vessel, at_ms=(number + 1) * every_ms) for number in range(len(values))]
    pairs = zip(track, values, strict=True)
    return [fix if value is None else replace(fix, **{attribute: value}) for fix, value in pairs]


def told(events: Sequence[Event]) -> list[tuple[str, str | None, str | None, int, int]]:
    """Return what was told, and the minutes of the first fix and of the one that confirmed it."""
    return [
        (each.kind, each.previous, each.new, each.first_fix_ms // MINUTE_MS, each.at_ms // MINUTE_MS) for each in events
    ]


# Each attribute: values that are the same, then another one, and how both are told.
SAME_AND_OTHER = [
    ("name", ("Sannou No. 2", "SANNOU  NO.2", "SANNOU NO. 2"), "ORIANA", "SANNOU NO. 2", "ORIANA"),
    ("flag", ("NL", "nl", "NL"), "MT", "NL", "MT"),
    ("nav_status", (5, 5, 5), 0, "Moored", "Under way using engine"),
    ("draught_m", (10.0, 10.2, 9.8), 10.3, "10", "10.3"),
    ("eta", ("05-14T20:10", "05-14T21:09", "05-14T19:11"), "05-14T21:10", "05-14T20:10", "05-14T21:10"),
    ("eta", ("12-31T23:30", "01-01T00:29"), "01-01T00:30", "12-31T23:30", "01-01T00:30"),
    ("eta", ("2026-05-14T20:10Z", "05-14T20:40"), "2027-05-14T20:10Z", "2026-05-14T20:10Z", "2027-05-14T20:10Z"),
]
KINDS = {"nav_status": "status.changed", "draught_m": "draught.changed"}


@pytest.mark.parametrize(("attribute", "same", "other", "previous", "new"), SAME_AND_OTHER)
def test_what_differs_and_stands_is_told(
    attribute: str, same: tuple[Any, ...], other: Any, previous: str, new: str
) -> None:
    events = run(detect, new_states(8), fixes(attribute, *same, *[other] * 15), POLICY)

    first = len(same) + 1
    assert told(events) == [(KINDS.get(attribute, f"{attribute}.changed"), previous, new, first, first + 10)]


@pytest.mark.parametrize(("attribute", "same", "other", "previous", "new"), SAME_AND_OTHER)
def test_what_is_the_same_and_what_comes_back_is_not_told(
    attribute: str, same: tuple[Any, ...], other: Any, previous: str, new: str
) -> None:
    track = fixes(attribute, *same * 10, *[other] * 9, *same * 10)

    assert run(detect, new_states(8), track, POLICY) == []


@pytest.mark.parametrize(("attribute", "same", "other", "previous", "new"), SAME_AND_OTHER)
def test_the_first_value_and_missing_ones_are_not_told(
    attribute: str, same: tuple[Any, ...], other: Any, previous: str, new: str
) -> None:
    # missing, A, missing, A ...
    track = fixes(attribute, *[None, same[0]] * 20)

    assert run(detect, new_states(8), track, POLICY) == []


def test_a_status_that_is_not_defined_leaves_the_one_before_standing() -> None:
    # Ingest makes -1 of 15, "not defined".
    track = fixes("nav_status", 5, *[-1] * 20, *[5] * 20)

    assert run(detect, new_states(8), track, POLICY) == []


def test_small_steps_of_the_draught_add_up() -> None:
    track = fixes("draught_m", 10.0, *[10.1] * 20, *[10.2] * 20, *[10.3] * 20)

    assert [each[:3] for each in told(run(detect, new_states(8), track, POLICY))] == [("draught.changed", "10", "10.3")]


def test_a_value_seen_once_is_not_told_however_long_ago() -> None:
    track = [*fixes("flag", "NL", "MT"), *fixes("flag", *[None] * 30)[2:]]

    assert run(detect, new_states(8), track, POLICY) == []


def test_changes_at_one_fix_come_in_a_fixed_order() -> None:
    before = Fix(at_ms=1, name="A", flag="NL", nav_status=0, draught_m=5.0, eta="05-14T20:10")
    after = Fix(at_ms=2, name="B", flag="MT", nav_status=1, draught_m=6.0, eta="05-15T20:10")

    events = run(detect, new_states(8), [before, after], AT_ONCE)

    assert [event.kind for event in events] == [
        "name.changed",
        "flag.changed",
        "status.changed",
        "draught.changed",
        "eta.changed",
    ]


def test_a_fix_not_newer_than_the_last_one_moves_nothing() -> None:
    #       NL .......... NL (MT, late)  (MT, at the same time)  NL
    track = fixes("flag", *["NL"] * 5)
    late = [Fix(at_ms=track[3].at_ms - 1, flag="MT"), Fix(at_ms=track[3].at_ms, flag="MT")]

    assert run(detect, new_states(8), [*track[:4], *late, *track[4:]], AT_ONCE) == []


def test_a_fix_too_old_when_received_moves_the_state_silently() -> None:
    track = fixes("flag", "NL", "MT", "MT", "PA")
    late = replace(track[1], received_ms=track[1].at_ms + 61_000)

    events = run(detect, new_states(8), [track[0], late, *track[2:]], replace(AT_ONCE, alert_limit_ms=60_000))

    assert told(events) == [("flag.changed", "MT", "PA", 4, 4)]


def test_an_event_says_who_and_concerns_every_client() -> None:
    track = [Fix(at_ms=1, eta="05-14T20:10"), Fix(at_ms=2, lon_deg=4.0, lat_deg=52.0, name="A", eta="05-16T08:00")]

    (event,) = run(detect, new_states(8), track, AT_ONCE)

    assert (event.client_id, event.name, event.lon_deg, event.lat_deg) == (None, "A", 4.0, 52.0)
    namespace = UUID("6f1c1f0e-94c5-5b0e-9a4e-0d6a3e0b7c21")
    assert event.id == str(uuid5(namespace, "235000001|eta|eta.changed|2|05-16T08:00|0"))


# Ships that share a number


def test_ships_that_take_turns_on_one_number_announce_nothing() -> None:
    # A B A B ... every 3 minutes, each with its own draught and status
    ships = [
        {"name": "EMPRESA", "draught_m": 3.0, "nav_status": 0},
        {"name": "PELIKAAN", "draught_m": 5.0, "nav_status": 5},
    ]
    track = [Fix(at_ms=(turn + 1) * 3 * MINUTE_MS, **ships[turn % 2]) for turn in range(60)]  # type: ignore[arg-type]

    assert run(detect, new_states(8), track, POLICY) == []


def test_once_a_name_came_back_nothing_is_announced_for_a_day() -> None:
    # A, B for two hours (a new name, as far as one can tell), A for two hours, B ...
    names = [name for name in ("A", "B", "A", "B", "A") for _ in range(12)]

    events = run(detect, new_states(8), fixes("name", *names, every_ms=10 * MINUTE_MS), POLICY)

    assert told(events) == [("name.changed", "A", "B", 130, 140)]


def test_a_day_after_the_last_return_changes_are_announced_again() -> None:
    track = [
        Fix(at_ms=hour * HOUR_MS, name=name, flag=flag)
        for hour, name, flag in [(1, "A", "NL"), (2, "B", "NL"), (3, "A", "NL"), (4, "A", "MT"), (28, "A", "PA")]
    ]

    events = run(detect, new_states(8), track, AT_ONCE)

    assert told(events) == [("name.changed", "A", "B", 120, 120), ("flag.changed", "MT", "PA", 1680, 1680)]


# What a state holds


def test_a_row_is_small_and_has_no_note_when_nothing_is_in_doubt() -> None:
    states = new_states(8)

    run(detect, states, fixes("name", "A", "A", "B"), POLICY)
    assert list(states.notes) == [0]
    run(detect, states, [Fix(at_ms=HOUR_MS, name="B")], POLICY)

    assert states.dtype.itemsize <= 40
    assert "candidates" not in states.notes[0]


def test_texts_of_other_columns_are_not_kept() -> None:
    states = new_states(8)

    run(
        detect,
        states,
        [Fix(at_ms=1, name="ORIANA", destination="NLRTM", ship_type="Tanker", eta="05-14T20:10")],
        POLICY,
    )

    assert list(states.strings.texts) == ["ORIANA"]


def test_detecting_changes_no_row() -> None:
    states = new_states(8)
    run(detect, states, fixes("flag", "NL"), POLICY)
    rows = states.rows.copy()

    detect(states, batch_of(fixes("flag", None, "MT")), AT_ONCE)

    assert (states.rows == rows).all()


def test_an_empty_batch_is_nothing() -> None:
    assert detect(new_states(8), batch_of([]), POLICY).events == []


# Properties

values = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["", "A", "a", "B", "C"]),
        "flag": st.sampled_from(["NL", "nl", "MT"]),
        "nav_status": st.sampled_from([0, 1, 5]),
        "draught_m": st.sampled_from([0.1, 5.0, 5.2, 5.3, 7.25]),
        "eta": st.sampled_from(["05-14T20:10", "05-14T20:40", "05-14T22:00", "2026-05-14T20:10Z", "soon"]),
    },
)
reports = st.lists(st.tuples(st.integers(1, 2), st.integers(-2, 7), values), max_size=40)
cut_points = st.sets(st.integers(1, 39))


def timeline(steps: list[tuple[int, int, dict[str, Any]]]) -> list[Fix]:
    """Return fixes of two vessels whose times mostly, but not always, go up."""
    times, track = dict.fromkeys((1, 2), HOUR_MS), []
    for vessel, minutes, given_values in steps:
        times[vessel] += minutes * MINUTE_MS
        track.append(Fix(vessel=vessel, at_ms=times[vessel], **given_values))
    return track


@settings(max_examples=100, deadline=None)
@given(steps=reports, cuts=cut_points, hold_off_ms=st.sampled_from([0, 10 * MINUTE_MS]))
def test_batches_may_be_cut_anywhere(
    steps: list[tuple[int, int, dict[str, Any]]], cuts: set[int], hold_off_ms: int
) -> None:
    track, policy = timeline(steps), ChangesPolicy(hold_off_ms=hold_off_ms)

    cut = run(detect, new_states(8), track, policy, cuts={cut for cut in cuts if cut < len(track)})

    assert cut == run(detect, new_states(8), track, policy)


@settings(max_examples=100, deadline=None)
@given(steps=reports, hold_off_ms=st.sampled_from([0, 10 * MINUTE_MS]))
def test_doubling_every_fix_changes_nothing(steps: list[tuple[int, int, dict[str, Any]]], hold_off_ms: int) -> None:
    track, policy = timeline(steps), ChangesPolicy(hold_off_ms=hold_off_ms)

    doubled = run(detect, new_states(8), [fix for fix in track for _ in (0, 1)], policy)

    assert doubled == run(detect, new_states(8), track, policy)


def restarted(states: VesselStates) -> VesselStates:
    states.dirty[:] = True
    rows, progress = snapshot(Buckets(states), 1, {})
    again = Buckets(new_states(8))
    restore(again, {number: body for number, body in rows if body}, progress)
    return again.states


@settings(max_examples=100, deadline=None)
@given(steps=reports, cuts=cut_points, hold_off_ms=st.sampled_from([0, 10 * MINUTE_MS]))
def test_a_restart_at_any_point_changes_nothing(
    steps: list[tuple[int, int, dict[str, Any]]], cuts: set[int], hold_off_ms: int
) -> None:
    track, policy = timeline(steps), ChangesPolicy(hold_off_ms=hold_off_ms)
    states, events = new_states(8), []
    for start, end in pairwise([0, *sorted(cut for cut in cuts if cut < len(track)), len(track)]):
        states = restarted(states)
        events += run(detect, states, track[start:end], policy)

    assert events == run(detect, new_states(8), track, policy)


@settings(max_examples=100, deadline=None)
@given(steps=reports, hold_off_ms=st.sampled_from([0, 10 * MINUTE_MS]))
def test_every_change_begins_where_the_one_before_ended(
    steps: list[tuple[int, int, dict[str, Any]]], hold_off_ms: int
) -> None:
    # Without names, which would make changes silent.
    track = [replace(fix, name=None) for fix in timeline(steps)]

    events = run(detect, new_states(8), track, ChangesPolicy(hold_off_ms=hold_off_ms))

    by_attribute: dict[tuple[int, str], list[Event]] = {}
    for event in events:
        by_attribute.setdefault((event.vessel, event.kind), []).append(event)
    for (_, kind), one_after_another in by_attribute.items():
        for before, after in pairwise(one_after_another):
            previous, new = after.previous, before.new
            assert (previous or "").casefold() == (new or "").casefold() if kind == "flag.changed" else previous == new
