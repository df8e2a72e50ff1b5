"""Stopped and under way. Timelines run from left to right; a fix a minute, confirmed after 5, where nothing else is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from uuid import UUID, uuid5

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tracks import Fix, batch_of, pacific_tracks, run, solent_tracks
from vesselflow.core.errors import UsageError
from vesselflow.core.geodesy import destination_point
from vesselflow.core.model import Event
from vesselflow.core.movement import MovementPolicy, detect, new_states
from vesselflow.core.states import VesselStates
from vesselflow.state import Buckets, restore, snapshot

MINUTE_MS = 60_000
POLICY = MovementPolicy()
NONE = math.nan


def fixes(*speeds: float, vessel: int = 235_000_001, every_ms: int = MINUTE_MS) -> list[Fix]:
    return [Fix(vessel=vessel, at_ms=(number + 1) * every_ms, sog_kn=each) for number, each in enumerate(speeds)]


def told(events: Sequence[Event]) -> list[tuple[str, int, int]]:
    """Return what was told, and the minutes of the first fix and of the one that confirmed it."""
    return [(each.kind, each.first_fix_ms // MINUTE_MS, each.at_ms // MINUTE_MS) for each in events]


@pytest.mark.parametrize("speed", [0.0, 15.0])
def test_the_first_state_known_is_nothing(speed: float) -> None:
    assert run(detect, new_states(8), fixes(*[speed] * 20), POLICY) == []


@pytest.mark.parametrize("cuts", [(), (3,), (4, 5, 6), range(1, 30)])
def test_a_vessel_that_stops_and_starts_is_told_each_time(cuts: Sequence[int]) -> None:
    # 15 15 15 | 0 x 10 | 12 x 10
    events = run(detect, new_states(8), fixes(*[15.0] * 3, *[0.1] * 10, *[12.0] * 10), POLICY, cuts=cuts)

    assert told(events) == [("movement.stopped", 4, 9), ("movement.started", 14, 19)]


def test_between_the_thresholds_the_last_state_holds() -> None:
    # 15, then 1.0 for an hour, then 15
    assert run(detect, new_states(8), fixes(15.0, *[1.0] * 60, *[15.0] * 10), POLICY) == []


@pytest.mark.parametrize(("speed", "is_stopped"), [(0.4, True), (0.5, False)])
def test_a_vessel_is_stopped_below_the_threshold_not_at_it(speed: float, is_stopped: bool) -> None:
    events = run(detect, new_states(8), fixes(15.0, *[speed] * 10), POLICY)

    assert bool(events) == is_stopped


@pytest.mark.parametrize(("speed", "is_under_way"), [(2.1, True), (2.0, False)])
def test_a_vessel_is_under_way_above_the_threshold_not_at_it(speed: float, is_under_way: bool) -> None:
    events = run(detect, new_states(8), fixes(0.0, *[speed] * 10), POLICY)

    assert bool(events) == is_under_way


def test_a_stop_shorter_than_the_confirmation_is_nothing() -> None:
    # Waiting for a lock gate: 4 minutes.
    assert run(detect, new_states(8), fixes(*[6.0] * 3, *[0.0] * 5, *[6.0] * 10), POLICY) == []


def test_one_fix_is_no_stop_however_long_ago() -> None:
    track = [Fix(at_ms=1, sog_kn=6.0), Fix(at_ms=2, sog_kn=0.0), Fix(at_ms=3_600_000, sog_kn=NONE)]

    assert run(detect, new_states(8), track, POLICY) == []


def test_without_a_confirmation_the_first_fix_tells() -> None:
    events = run(detect, new_states(8), fixes(6.0, 0.0, 6.0), MovementPolicy(confirm_ms=0))

    assert told(events) == [("movement.stopped", 2, 2), ("movement.started", 3, 3)]


def test_a_fix_not_newer_than_the_last_one_moves_nothing() -> None:
    #        6   0  (6, late)  (6, at the same time)  0 ...
    track = fixes(6.0, *[0.0] * 6)
    late = [Fix(at_ms=track[3].at_ms - 1, sog_kn=6.0), Fix(at_ms=track[3].at_ms, sog_kn=6.0)]

    assert run(detect, new_states(8), [*track[:4], *late, *track[4:]], POLICY) == run(
        detect, new_states(8), track, POLICY
    )


def test_a_fix_too_old_when_received_moves_the_state_silently() -> None:
    track = fixes(*[6.0] * 2, *[0.0] * 6, *[6.0] * 6)
    late = [Fix(at_ms=each.at_ms, sog_kn=each.sog_kn, received_ms=each.at_ms + 61_000) for each in track[:8]]

    events = run(detect, new_states(8), [*late, *track[8:]], MovementPolicy(alert_limit_ms=60_000))

    assert told(events) == [("movement.started", 9, 14)]


def test_an_event_says_who_and_concerns_every_client() -> None:
    track = [*fixes(6.0, 0.0), Fix(at_ms=10 * MINUTE_MS, lon_deg=4.0, lat_deg=52.0, sog_kn=0.0, name="ORIANA")]

    (event,) = run(detect, new_states(8), track, POLICY)

    assert (event.client_id, event.name, event.lon_deg, event.lat_deg) == (None, "ORIANA", 4.0, 52.0)
    namespace = UUID("6f1c1f0e-94c5-5b0e-9a4e-0d6a3e0b7c21")
    assert event.id == str(uuid5(namespace, "235000001|movement|movement.stopped|120000|0"))


def test_thresholds_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(UsageError, match=r"got 3\.0 and 2\.0"):
        MovementPolicy(stop_below_kn=3.0, start_above_kn=2.0)


# Vessels without a speed


def sailing(speed_kn: float, minutes: int, *, noise_m: float = 0.0, start: Fix | None = None) -> list[Fix]:
    """Return a fix a minute, eastward from *start*, without speeds."""
    lon, lat, at_ms = (start.lon_deg, start.lat_deg, start.at_ms) if start else (4.0, 52.0, 0)
    random = np.random.default_rng(7)
    track = []
    for minute in range(1, minutes + 1):
        way_m = speed_kn * 1852 / 60 * minute
        place = destination_point(lon_deg=lon, lat_deg=lat, bearing_deg=90.0, distance_m=way_m)
        noisy = destination_point(
            lon_deg=place[0], lat_deg=place[1], bearing_deg=random.uniform(0, 360), distance_m=noise_m
        )
        track.append(Fix(at_ms=at_ms + minute * MINUTE_MS, lon_deg=float(noisy[0]), lat_deg=float(noisy[1])))
    return track


def test_without_a_speed_the_way_of_five_minutes_makes_it() -> None:
    leaving = sailing(12.0, 30)
    lying = sailing(0.0, 60, noise_m=30.0, start=leaving[-1])
    again = sailing(12.0, 30, start=lying[-1])

    events = run(detect, new_states(8), [*leaving, *lying, *again], POLICY)

    assert [kind for kind, _, _ in told(events)] == ["movement.stopped", "movement.started"]
    assert 30 < told(events)[0][1] <= 45
    assert 90 < told(events)[1][1] <= 105


def test_a_wrong_position_starts_nobody() -> None:
    lying = sailing(0.0, 60, noise_m=30.0)
    wrong = [
        Fix(at_ms=fix.at_ms, lon_deg=fix.lon_deg + 1.0, lat_deg=fix.lat_deg) if minute % 7 == 0 else fix
        for minute, fix in enumerate(lying)
    ]

    assert run(detect, new_states(8), wrong, POLICY) == []


def test_where_a_vessel_was_an_hour_ago_says_nothing() -> None:
    far = [Fix(at_ms=hour * 3_700_000, lon_deg=hour * 0.2) for hour in range(1, 20)]

    assert run(detect, new_states(8), [*fixes(0.0), *far], POLICY) == []


# Properties

speeds = st.sampled_from([0.0, 0.3, 0.5, 1.0, 2.0, 2.5, 12.0, NONE])
reports = st.lists(st.tuples(st.integers(1, 3), st.integers(-2, 8), speeds), max_size=60)


def timeline(steps: list[tuple[int, int, float]]) -> list[Fix]:
    """Return fixes of three vessels whose times mostly, but not always, go up; without speeds they sail at 10 kn."""
    times, track = dict.fromkeys((1, 2, 3), 600_000), []
    for vessel, minutes, speed in steps:
        times[vessel] += minutes * MINUTE_MS
        track.append(Fix(vessel=vessel, at_ms=times[vessel], lon_deg=times[vessel] * 4.6e-8, sog_kn=speed))
    return track


def by_hand(track: Sequence[Fix], policy: MovementPolicy) -> list[tuple[int, str, int, int]]:
    """Go through the fixes that have a speed, one after the other."""
    last: dict[int, int] = {}
    state: dict[int, str] = {}
    trying: dict[int, tuple[str, int]] = {}
    found = []
    for fix in track:
        if fix.at_ms <= last.get(fix.vessel, 0):
            continue
        last[fix.vessel] = fix.at_ms
        now = (
            "stopped" if fix.sog_kn < policy.stop_below_kn else "started" if fix.sog_kn > policy.start_above_kn else ""
        )
        if not now:
            continue
        if fix.vessel not in state:
            state[fix.vessel] = now
        elif now == state[fix.vessel]:
            trying.pop(fix.vessel, None)
        else:
            _, since = trying.setdefault(fix.vessel, (now, fix.at_ms))
            if fix.at_ms - since >= policy.confirm_ms:
                found.append((fix.vessel, f"movement.{now}", since, fix.at_ms))
                state[fix.vessel] = now
                del trying[fix.vessel]
    return found


def seen(events: Sequence[Event]) -> list[tuple[int, str, int, int]]:
    return [(each.vessel, each.kind, each.first_fix_ms, each.at_ms) for each in events]


@settings(max_examples=150, deadline=None)
@given(steps=reports, cuts=st.sets(st.integers(1, 59)))
def test_any_fixes_in_any_batches_give_what_a_loop_over_them_gives(
    steps: list[tuple[int, int, float]], cuts: set[int]
) -> None:
    track = [fix for fix in timeline(steps) if not math.isnan(fix.sog_kn)]

    events = run(detect, new_states(8), track, POLICY, cuts={cut for cut in cuts if cut < len(track)})

    assert seen(events) == by_hand(track, POLICY)


@settings(max_examples=100, deadline=None)
@given(steps=reports)
def test_doubling_every_fix_changes_nothing(steps: list[tuple[int, int, float]]) -> None:
    track = timeline(steps)

    doubled = run(detect, new_states(8), [fix for fix in track for _ in (0, 1)], POLICY)

    assert doubled == run(detect, new_states(8), track, POLICY)


def restarted(states: VesselStates) -> VesselStates:
    rows, progress = snapshot(Buckets(states), 1, {})
    again = Buckets(new_states(8))
    restore(again, {number: body for number, body in rows if body}, progress)
    return again.states


@settings(max_examples=100, deadline=None)
@given(steps=reports, cuts=st.sets(st.integers(1, 59), max_size=6))
def test_a_restart_at_any_point_changes_nothing(steps: list[tuple[int, int, float]], cuts: set[int]) -> None:
    track = timeline(steps)
    borders = [0, *sorted(cut for cut in cuts if cut < len(track)), len(track)]
    states, events = new_states(8), []
    for start, end in pairwise(borders):
        # A checkpoint writes what changed since the one before, so the rows of all have to be written here.
        states.dirty[:] = True
        states = restarted(states)
        events += run(detect, states, track[start:end], POLICY)

    assert events == run(detect, new_states(8), track, POLICY)


def test_on_real_tracks_stops_and_starts_alternate_and_are_those_of_a_loop() -> None:
    track = sorted(solent_tracks(), key=lambda fix: fix.at_ms)

    events = run(detect, new_states(8), track, POLICY, cuts=range(500, len(track), 500))

    assert seen(events) == by_hand(track, POLICY)
    assert len(events) > 20
    for vessel in {event.vessel for event in events}:
        kinds = [event.kind for event in events if event.vessel == vessel]
        assert all(one != other for one, other in pairwise(kinds))


def test_on_real_tracks_positions_alone_tell_the_same_stops_and_starts() -> None:
    track = pacific_tracks()
    without = [replace(fix, sog_kn=NONE) for fix in track]

    by_speed = run(detect, new_states(8), track, POLICY)
    by_way = run(detect, new_states(8), without, POLICY)

    assert len(by_speed) == 10
    for vessel in {fix.vessel for fix in track}:
        pairs = list(
            zip(*([each for each in told if each.vessel == vessel] for told in (by_speed, by_way)), strict=True)
        )
        assert all(one.kind == other.kind for one, other in pairs)
        # The vessels report every 5 to 30 minutes.
        assert all(abs(one.first_fix_ms - other.first_fix_ms) <= 45 * MINUTE_MS for one, other in pairs)


def test_an_empty_batch_is_nothing() -> None:
    assert detect(new_states(8), batch_of([]), POLICY).events == []
