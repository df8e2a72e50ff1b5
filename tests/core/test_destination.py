"""The plain policy for destinations. Timelines run from left to right."""

from collections.abc import Sequence
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tracks import Fix, batch_of, run
from vesselflow.core.destination import DestinationPolicy, detect, new_states
from vesselflow.core.model import Event

PLAIN = DestinationPolicy()


def fixes(*texts: str | None, vessel: int = 235_000_001) -> list[Fix]:
    return [Fix(vessel=vessel, at_ms=number, destination=text) for number, text in enumerate(texts)]


def told(events: Sequence[Event]) -> list[tuple[int, str | None, str | None]]:
    return [(event.at_ms, event.previous_destination, event.new_destination) for event in events]


def test_the_first_destination_is_nothing() -> None:
    assert run(detect, new_states(8), fixes("ROTTERDAM"), PLAIN) == []


@pytest.mark.parametrize("cuts", [(), (1,), (2,), (1, 2)])
def test_each_change_is_told_with_what_was_before(cuts: tuple[int, ...]) -> None:
    events = run(detect, new_states(8), fixes("A", "B", "B", "C"), PLAIN, cuts=cuts)

    assert told(events) == [(1, "A", "B"), (3, "B", "C")]


def test_a_change_back_is_told_too() -> None:
    assert told(run(detect, new_states(8), fixes("A", "B", "A"), PLAIN)) == [(1, "A", "B"), (2, "B", "A")]


@pytest.mark.parametrize("missing", [None, ""])
def test_a_missing_destination_leaves_the_one_before_standing(missing: str | None) -> None:
    assert told(run(detect, new_states(8), fixes("A", missing, "A", missing, "B"), PLAIN)) == [(4, "A", "B")]


def test_vessels_are_told_apart() -> None:
    both = [*fixes("A", "B", vessel=1), *fixes("B", "B", vessel=2)]

    (event,) = run(detect, new_states(8), both, PLAIN)

    assert event.vessel == 1


def test_a_fix_too_old_when_received_moves_the_state_silently() -> None:
    # A   B (too late)   B   C
    track = [
        Fix(at_ms=0, destination="A"),
        Fix(at_ms=1_000, received_ms=61_001, destination="B"),
        Fix(at_ms=2_000, destination="B"),
        Fix(at_ms=3_000, destination="C"),
    ]

    assert told(run(detect, new_states(8), track, DestinationPolicy(alert_limit_ms=60_000))) == [(3_000, "B", "C")]


def test_an_event_says_who_and_concerns_every_client() -> None:
    track = [Fix(destination="A"), Fix(at_ms=1, lon_deg=4.0, lat_deg=52.0, name="ORIANA", destination="B")]

    (event,) = run(detect, new_states(8), track, PLAIN)

    assert (event.kind, event.client_id, event.name) == ("destination.changed", None, "ORIANA")
    assert (event.lon_deg, event.lat_deg, event.first_fix_ms) == (4.0, 52.0, 1)
    assert (event.previous_normal, event.new_normal) == ("A", "B")


def test_an_id_is_a_uuid_that_never_changes() -> None:
    namespace = UUID("6f1c1f0e-94c5-5b0e-9a4e-0d6a3e0b7c21")

    (event,) = run(detect, new_states(8), fixes("A", "B"), PLAIN)

    assert event.id == str(uuid5(namespace, "235000001|destination|destination.changed|1|B|0"))
    assert event.id != str(uuid5(NAMESPACE_URL, "235000001|destination|destination.changed|1|B|0"))


def test_detecting_changes_no_row() -> None:
    states = new_states(8)
    run(detect, states, fixes("A"), PLAIN)
    rows = states.rows.copy()

    detect(states, batch_of(fixes("B")), PLAIN)

    assert (states.rows == rows).all()


def test_only_destinations_become_strings_of_the_state() -> None:
    states = new_states(8)

    run(detect, states, [Fix(name="ORIANA", flag="GB", destination="A")], PLAIN)

    assert len(states.strings) == 1


def test_an_empty_batch_is_nothing() -> None:
    assert detect(new_states(8), batch_of([]), PLAIN).events == []


def by_hand(track: Sequence[Fix]) -> list[tuple[int, int, str, str]]:
    """Go through the fixes as the plan does."""
    previous: dict[int, str] = {}
    found = []
    for fix in track:
        if fix.destination and previous.get(fix.vessel, fix.destination) != fix.destination:
            found.append((fix.vessel, fix.at_ms, previous[fix.vessel], fix.destination))
        previous[fix.vessel] = fix.destination or previous.get(fix.vessel, "")
        if not previous[fix.vessel]:
            del previous[fix.vessel]
    return found


@settings(max_examples=100, deadline=None)
@given(
    reports=st.lists(st.tuples(st.integers(1, 3), st.sampled_from([None, "", "A", "B", "C"])), max_size=40),
    cuts=st.sets(st.integers(1, 39)),
)
def test_any_reports_in_any_batches_give_what_a_loop_over_them_gives(
    reports: list[tuple[int, str | None]], cuts: set[int]
) -> None:
    track = [Fix(vessel=vessel, at_ms=number, destination=text) for number, (vessel, text) in enumerate(reports)]

    events = run(detect, new_states(8), track, PLAIN, cuts={cut for cut in cuts if cut < len(track)})

    found = [(event.vessel, event.at_ms, event.previous_destination, event.new_destination) for event in events]
    assert found == by_hand(track)
