"""Vessels that fall silent. Timelines run from left to right; a gap is 6 hours, a break of the source more than half an hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from uuid import UUID, uuid5

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tracks import Fix, batch_of, pacific_tracks, run
from vesselflow.core.errors import UsageError
from vesselflow.core.gap import GapPolicy, detect, new_states
from vesselflow.core.model import Event
from vesselflow.core.watermark import Clock

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
POLICY = GapPolicy()
SILENT, OTHER = 235_000_001, 235_000_002


def watched(*fixes: Fix, until_h: float, silent: tuple[float, float] | None = None) -> list[Fix]:
    """Return *fixes* among those of another vessel, one every ten minutes but for the hours in which all is *silent*."""
    moments = [number * 10 * MINUTE_MS for number in range(1, round(until_h * 6) + 1)]
    others = [Fix(vessel=OTHER, at_ms=at_ms) for at_ms in moments]
    if silent:
        others = [fix for fix in others if not silent[0] * HOUR_MS < fix.at_ms < silent[1] * HOUR_MS]
    return sorted([*fixes, *others], key=lambda fix: (fix.at_ms, fix.vessel))


def heard(*hours: float, vessel: int = SILENT) -> list[Fix]:
    return [Fix(vessel=vessel, at_ms=round(hour * HOUR_MS)) for hour in hours]


def told(events: Iterable[Event]) -> list[tuple[str, int, float, float]]:
    """Return kind and vessel, and in hours when it happened and since when the vessel was silent."""
    return [(each.kind, each.vessel, each.at_ms / HOUR_MS, (each.silent_since_ms or 0) / HOUR_MS) for each in events]


STARTED_AND_ENDED = [("gap.started", SILENT, 7.0, 1.0), ("gap.ended", SILENT, 9.0, 1.0)]


@pytest.mark.parametrize("cuts", [(), (7,), range(1, 60)])
def test_a_vessel_that_is_silent_while_another_is_heard_is_dark_until_it_is_back(cuts: Sequence[int]) -> None:
    track = watched(*heard(1, 9), until_h=10)

    assert told(run(detect, new_states(8), track, POLICY, cuts=cuts)) == STARTED_AND_ENDED


def test_a_vessel_that_stays_away_is_told_once() -> None:
    assert told(run(detect, new_states(8), watched(*heard(1), until_h=100), POLICY)) == STARTED_AND_ENDED[:1]


def test_a_vessel_that_is_back_in_time_is_not_told() -> None:
    assert run(detect, new_states(8), watched(*heard(1, 6.99, 12.9), until_h=13), POLICY) == []


def test_a_gap_is_told_when_the_watermark_passes_it_not_at_the_return() -> None:
    events = run(detect, new_states(8), watched(*heard(1), until_h=7), POLICY)

    (started,) = events
    assert (started.received_ms, started.first_fix_ms) == (7 * HOUR_MS, HOUR_MS)


def test_a_silent_source_makes_nobody_dark() -> None:
    # both heard until 2 h, then nothing until 12 h
    track = watched(*heard(1, 2, 12.1), until_h=13, silent=(2.1, 12))

    assert run(detect, new_states(8), track, POLICY) == []


def test_a_vessel_alone_with_its_source_is_never_dark() -> None:
    assert run(detect, new_states(8), heard(1, 9, 30), POLICY) == []


def test_after_a_break_of_the_source_silence_counts_anew() -> None:
    # silent from 1 h on; the source from 2 h to 3 h
    track = watched(*heard(1, 10), until_h=11, silent=(2, 3))

    assert told(run(detect, new_states(8), track, POLICY)) == [
        ("gap.started", SILENT, 9.0, 1.0),
        ("gap.ended", SILENT, 10.0, 1.0),
    ]


def test_a_gap_between_two_looks_at_the_watermark_is_told_with_its_end() -> None:
    # The watermark stands at 6:59:59 when the vessel comes back at 7:00:00.
    track = [*watched(*heard(1), until_h=6.9), Fix(vessel=OTHER, at_ms=7 * HOUR_MS - 1000), *heard(7)]

    assert told(run(detect, new_states(8), track, POLICY)) == [
        ("gap.started", SILENT, 7.0, 1.0),
        ("gap.ended", SILENT, 7.0, 1.0),
    ]


def test_a_vessel_seen_the_first_time_was_not_dark() -> None:
    assert run(detect, new_states(8), watched(*heard(9), until_h=10), POLICY) == []


def test_a_late_fix_moves_neither_the_vessel_nor_the_watermark() -> None:
    # heard at 1 h; at 8 h a fix of 0.5 h comes in, at 9 h one of 1 h
    late = [replace(heard(hour)[0], received_ms=round(at * HOUR_MS)) for hour, at in [(0.5, 8), (1, 9)]]
    track = watched(*heard(1), until_h=10)
    track = sorted([*track, *late], key=lambda fix: fix.received_ms or fix.at_ms)

    assert told(run(detect, new_states(8), track, POLICY)) == STARTED_AND_ENDED[:1]


def test_a_time_ahead_of_its_receipt_does_not_move_the_watermark_beyond_it() -> None:
    states = new_states(8)

    run(detect, states, [Fix(at_ms=HOUR_MS + 90_000, received_ms=HOUR_MS)], POLICY)

    assert states.clock == Clock(HOUR_MS, HOUR_MS)


def test_vessels_whose_fixes_all_come_late_are_not_told_again_and_again() -> None:
    # By satellite, seven hours late: the watermark has always left them behind.
    by_satellite = [
        Fix(vessel=SILENT, at_ms=number * 30 * MINUTE_MS, received_ms=number * 30 * MINUTE_MS + 7 * HOUR_MS)
        for number in range(1, 20)
    ]
    track = sorted([*watched(until_h=20), *by_satellite], key=lambda fix: fix.received_ms or fix.at_ms)

    assert run(detect, new_states(8), track, GapPolicy(alert_limit_ms=15 * MINUTE_MS)) == []


def test_a_replay_of_old_positions_moves_the_state_silently() -> None:
    track = [replace(fix, received_ms=fix.at_ms + HOUR_MS) for fix in watched(*heard(1, 9), until_h=10)]

    assert run(detect, new_states(8), track, GapPolicy(alert_limit_ms=15 * MINUTE_MS)) == []


def test_who_was_not_told_of_a_gap_is_not_told_of_its_end() -> None:
    # Until 8 h what comes is old, from then on it is not.
    track = [
        replace(fix, received_ms=fix.at_ms + (HOUR_MS if fix.at_ms <= 8 * HOUR_MS else 0))
        for fix in watched(*heard(1, 9), until_h=10)
    ]

    assert run(detect, new_states(8), track, GapPolicy(alert_limit_ms=15 * MINUTE_MS)) == []


def test_the_events_say_who_and_where_to_look() -> None:
    last = Fix(vessel=SILENT, at_ms=2 * HOUR_MS, lon_deg=4.05, lat_deg=51.96)
    known = Fix(vessel=SILENT, at_ms=HOUR_MS, name="ORIANA", ship_type="Tanker", flag="NL")
    back = Fix(vessel=SILENT, at_ms=9 * HOUR_MS, lon_deg=5.0, lat_deg=53.0)

    started, ended = run(detect, new_states(8), watched(known, last, back, until_h=10), POLICY)

    # What the last fix did not say stands from those before it.
    assert (started.name, started.ship_type, started.flag) == ("ORIANA", "Tanker", "NL")
    assert (started.lon_deg, started.lat_deg) == (4.05, 51.96)
    assert (started.imo, started.mmsi, started.client_id) == (None, SILENT, None)
    assert (ended.lon_deg, ended.lat_deg) == (5.0, 53.0)
    namespace = UUID("6f1c1f0e-94c5-5b0e-9a4e-0d6a3e0b7c21")
    assert started.id == str(uuid5(namespace, f"{SILENT}|gap|gap.started|7200000|0"))
    assert ended.id == str(uuid5(namespace, f"{SILENT}|gap|gap.ended|7200000|0"))


def test_a_vessel_known_by_its_imo_number_keeps_its_mmsi() -> None:
    batch = batch_of(watched(*heard(1, vessel=9_074_729), until_h=8))
    own = batch.vessel == 9_074_729
    batch = replace(batch, imo=np.where(own, 9_074_729, 0), mmsi=np.where(own, 244_660_000, batch.mmsi))

    (started,) = detect(new_states(8), batch, POLICY).events

    assert (started.imo, started.mmsi) == (9_074_729, 244_660_000)


def test_all_that_fall_dark_at_once_are_told_in_the_order_of_their_numbers() -> None:
    fleet = [fix for vessel in range(400, 300, -1) for fix in heard(1, vessel=vessel)]

    events = run(detect, new_states(8), watched(*fleet, until_h=8), POLICY)

    assert [event.vessel for event in events] == list(range(301, 401))


def test_a_row_is_small() -> None:
    assert new_states(8).dtype.itemsize <= 41


def test_a_break_longer_than_a_gap_is_refused() -> None:
    with pytest.raises(UsageError, match="got 7200000 ms in gaps of 3600000 ms"):
        GapPolicy(gap_ms=HOUR_MS, break_ms=2 * HOUR_MS)


def test_detecting_changes_nothing() -> None:
    states = new_states(8)
    run(detect, states, watched(*heard(1), until_h=5), POLICY)
    rows, clock = states.rows.copy(), states.clock

    detect(states, batch_of(watched(until_h=9)[30:]), POLICY)

    assert (states.rows == rows).all()
    assert states.clock == clock


def test_an_empty_batch_is_nothing() -> None:
    states = new_states(8)

    assert detect(states, batch_of([]), POLICY).events == []


def test_on_real_tracks_the_one_silence_of_more_than_six_hours_is_told() -> None:
    # Three vessels, four days; their longest silences: 0.6 h, 3.4 h and 28.03 h.
    track = pacific_tracks()

    started, ended = run(detect, new_states(8), track, POLICY, cuts=range(100, len(track), 100))

    assert (started.kind, started.vessel, ended.kind, ended.vessel) == (
        "gap.started",
        413_461_490,
        "gap.ended",
        413_461_490,
    )
    assert ended.at_ms - started.first_fix_ms == pytest.approx(28.03 * HOUR_MS, rel=1e-3)


# Properties: gaps of 60 minutes, breaks of more than 10

SHORT = GapPolicy(gap_ms=HOUR_MS, break_ms=10 * MINUTE_MS, alert_limit_ms=5 * MINUTE_MS)
reports = st.lists(
    st.tuples(
        st.integers(1, 4),
        # The next position comes so many seconds later, and is so many minutes old.
        st.sampled_from([0, 1, 30, 90, 300, 600, 660, 1800, 3600, 7200]),
        st.sampled_from([0, 0, 0, 0, -1, 1, 4, 6, 30, 70]),
    ),
    max_size=60,
)
cut_points = st.sets(st.integers(1, 59), max_size=8)


def timeline(steps: list[tuple[int, int, int]]) -> list[Fix]:
    now_ms, track = 24 * HOUR_MS, []
    for vessel, seconds, age_minutes in steps:
        now_ms += seconds * 1000
        track.append(Fix(vessel=vessel, at_ms=now_ms - age_minutes * MINUTE_MS, received_ms=now_ms))
    return track


class ByHand:
    """Goes through the positions one after the other, and looks at every vessel each full minute of the watermark."""

    def __init__(self, policy: GapPolicy) -> None:
        self.policy = policy
        self.watermark = self.since = 0
        self.last: dict[int, int] = {}
        self.late: dict[int, bool] = {}
        #: Who is dark, and whether anybody was told.
        self.dark: dict[int, bool] = {}
        self.found: set[tuple[str, int, int]] = set()

    def take(self, fix: Fix) -> None:
        received_ms = fix.at_ms if fix.received_ms is None else fix.received_ms
        is_late = received_ms - fix.at_ms > (self.policy.alert_limit_ms or 2**62)
        before, self.watermark = self.watermark, max(self.watermark, min(fix.at_ms, received_ms))
        if self.watermark - before > self.policy.break_ms:
            self.since = self.watermark
        if fix.at_ms > self.last.get(fix.vessel, 0):
            self.move(fix, is_late)
        if self.watermark // MINUTE_MS > before // MINUTE_MS:
            for vessel in self.last:
                self.look(vessel, self.watermark, is_late)

    def move(self, fix: Fix, is_late: bool) -> None:
        if fix.vessel in self.last:
            self.look(fix.vessel, fix.at_ms, is_late)
        if self.dark.pop(fix.vessel, False) and not is_late:
            self.found.add(("gap.ended", fix.vessel, self.last[fix.vessel]))
        self.last[fix.vessel], self.late[fix.vessel] = fix.at_ms, is_late

    def look(self, vessel: int, now_ms: int, is_late: bool) -> None:
        silent_ms = now_ms - max(self.last[vessel], self.since)
        if vessel in self.dark or silent_ms < self.policy.gap_ms:
            return
        self.dark[vessel] = not (self.late[vessel] or is_late)
        if self.dark[vessel]:
            self.found.add(("gap.started", vessel, self.last[vessel]))


def seen(events: Iterable[Event]) -> set[tuple[str, int, int]]:
    return {(each.kind, each.vessel, each.silent_since_ms or 0) for each in events}


@settings(max_examples=300, deadline=None)
@given(steps=reports, cuts=cut_points)
def test_any_positions_in_any_batches_give_what_a_loop_over_them_gives(
    steps: list[tuple[int, int, int]], cuts: set[int]
) -> None:
    track = timeline(steps)

    events = run(detect, new_states(8), track, SHORT, cuts={cut for cut in cuts if cut < len(track)})

    by_hand = ByHand(SHORT)
    for fix in track:
        by_hand.take(fix)
    assert seen(events) == by_hand.found
    assert len(events) == len(seen(events))


@settings(max_examples=150, deadline=None)
@given(steps=reports, cuts=cut_points)
def test_batches_may_be_cut_anywhere(steps: list[tuple[int, int, int]], cuts: set[int]) -> None:
    track = timeline(steps)

    cut = run(detect, new_states(8), track, SHORT, cuts={cut for cut in cuts if cut < len(track)})

    assert cut == run(detect, new_states(8), track, SHORT)


@settings(max_examples=150, deadline=None)
@given(steps=reports)
def test_doubling_every_fix_changes_nothing(steps: list[tuple[int, int, int]]) -> None:
    track = timeline(steps)

    doubled = run(detect, new_states(8), [fix for fix in track for _ in (0, 1)], SHORT)

    assert doubled == run(detect, new_states(8), track, SHORT)


@settings(max_examples=150, deadline=None)
@given(steps=reports)
def test_started_and_ended_alternate_for_every_vessel(steps: list[tuple[int, int, int]]) -> None:
    events = run(detect, new_states(8), timeline(steps), replace(SHORT, alert_limit_ms=None))

    for vessel in {event.vessel for event in events}:
        own = [event for event in events if event.vessel == vessel]
        assert [event.kind for event in own] == ["gap.started", "gap.ended"] * (len(own) // 2) + ["gap.started"] * (
            len(own) % 2
        )
        for started, ended in pairwise(own):
            if started.kind == "gap.started":
                assert started.silent_since_ms == ended.silent_since_ms
