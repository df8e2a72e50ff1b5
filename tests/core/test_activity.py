"""Activity against the plan's queries, restated below as loops over all positions."""

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.core.tracks import Fix, batch_of, solent_tracks
from vesselflow.core.activity import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    ActivityRow,
    WindowSum,
    merge,
    new_states,
    observe,
    partial,
)
from vesselflow.core.model import ActivityPartial
from vesselflow.core.states import VesselStates

WINDOW_MS = 10_000
RETENTION_MS = 30 * DAY_MS
NOON = 1_452_600_000_000  # 2016-01-12T12:00:00Z, a border of windows


def observed(fixes: Sequence[Fix], size: int = 500) -> tuple[VesselStates, dict[int, WindowSum]]:
    """Return the state and windows after *fixes* came in batches of *size*."""
    states = new_states(8)
    windows: dict[int, WindowSum] = {}
    for start in range(0, len(fixes), size):
        detection, added = observe(states, batch_of(fixes[start : start + size]), WINDOW_MS)
        states.apply(detection)
        for window, sums in added.items():
            windows[window] = windows.get(window, WindowSum()) + sums
    return states, windows


def part(fixes: Sequence[Fix], now_ms: int, *, partition: int = 0) -> ActivityPartial:
    states, windows = observed(fixes)
    return partial(states, windows, now_ms, partition=partition, retention_ms=RETENTION_MS, window_ms=WINDOW_MS)


def by_the_plans_queries(fixes: Sequence[Fix], now_ms: int) -> ActivityRow:
    """Answer as the SQL of the plan's job does, over all rows; `now` is NOW()."""

    def rows(span_ms: int) -> list[Fix]:
        return [fix for fix in fixes if fix.at_ms >= now_ms - span_ms]

    def latest(column: Callable[[Fix], str | None]) -> Counter[str]:
        values: dict[int, str | None] = {}
        for fix in rows(RETENTION_MS):
            values[fix.vessel] = column(fix) or values.get(fix.vessel)
        return Counter(value or "Unknown" for value in values.values())

    def ten(counts: Counter[str]) -> list[tuple[str, int]]:
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]

    # speed decimal: the sources give tenths of a knot
    speeds = [Decimal(str(fix.sog_kn)) for fix in rows(HOUR_MS) if 0 < fix.sog_kn < 50]
    mean = sum(speeds, Decimal(0)) / len(speeds) if speeds else Decimal(0)
    return {
        "active_now": len({fix.vessel for fix in rows(5 * MINUTE_MS)}),
        "active_last_hour": len({fix.vessel for fix in rows(HOUR_MS)}),
        "active_last_24h": len({fix.vessel for fix in rows(DAY_MS)}),
        "total_vessels": len({fix.vessel for fix in rows(RETENTION_MS)}),
        "positions_last_hour": len(rows(HOUR_MS)),
        "vessel_types": dict(ten(latest(lambda fix: fix.ship_type))),
        "top_flags": [{"flag": flag, "count": count} for flag, count in ten(latest(lambda fix: fix.flag))],
        "speed_avg": mean.quantize(Decimal("0.01"), ROUND_HALF_UP),
    }


def dressed(fixes: Iterable[Fix]) -> list[Fix]:
    """Give each vessel of the Solent a type and a flag by its number, to some none: the file has no statics."""
    types = ["Cargo", "Tanker", "Passenger", "Tug", "Sailing", "Pilot", "Fishing", "HSC", "Dredger", "SAR", "Law", None]
    return [
        dataclasses.replace(
            fix,
            ship_type=types[fix.vessel % 12],
            flag={"235": "GB", "232": "GB", "219": "DK"}.get(str(fix.vessel)[:3], str(fix.vessel)[:2]),
        )
        for fix in fixes
    ]


SOLENT = dressed(solent_tracks())
FIRST, LAST = SOLENT[0].at_ms, max(fix.at_ms for fix in SOLENT)


@pytest.mark.parametrize("minutes", [0, 1, 30, 59, 61, 84, 85, 90, 140, 145, 24 * 60 + 30, 26 * 60])
def test_the_solent_gives_what_the_plans_queries_give(minutes: int) -> None:
    now_ms = (FIRST // WINDOW_MS + minutes * 6) * WINDOW_MS
    seen = [fix for fix in SOLENT if fix.at_ms <= now_ms]

    assert merge([part(seen, now_ms)]) == by_the_plans_queries(seen, now_ms)


def test_parts_of_partitions_add_up_to_the_whole() -> None:
    now_ms = (LAST // WINDOW_MS + 1) * WINDOW_MS
    parts = [part([fix for fix in SOLENT if fix.vessel % 5 == number], now_ms, partition=number) for number in range(5)]

    assert merge(parts) == by_the_plans_queries(SOLENT, now_ms)


def test_neither_order_nor_batches_change_anything() -> None:
    now_ms = (LAST // WINDOW_MS + 1) * WINDOW_MS
    shuffled = random.Random(7).sample(SOLENT, len(SOLENT))

    states, windows = observed(shuffled, size=77)

    expected = part(SOLENT, now_ms)
    assert expected == partial(states, windows, now_ms, partition=0, retention_ms=RETENTION_MS, window_ms=WINDOW_MS)


def test_spans_include_their_first_millisecond() -> None:
    fixes = [
        Fix(vessel=number, at_ms=NOON - span)
        for number, span in enumerate(
            (
                5 * MINUTE_MS,
                5 * MINUTE_MS + 1,
                HOUR_MS,
                HOUR_MS + 1,
                DAY_MS,
                DAY_MS + 1,
                RETENTION_MS,
                RETENTION_MS + 1,
            ),
            1,
        )
    ]

    found = part(fixes, NOON)

    assert (found.active_now, found.active_last_hour, found.active_last_24h, found.total_vessels) == (1, 3, 5, 7)


def test_the_hour_counts_the_windows_that_reach_into_it() -> None:
    # windows: | -60:10 | -60:00 ... | now     now 4 s later: the window of -60:00 still reaches in by 6 s
    fixes = [Fix(at_ms=NOON - HOUR_MS - 1), Fix(at_ms=NOON - HOUR_MS), Fix(at_ms=NOON - 1)]

    assert part(fixes, NOON).positions_last_hour == 2
    assert part(fixes, NOON + 4_000).positions_last_hour == 2
    assert part(fixes, NOON + WINDOW_MS).positions_last_hour == 1


def test_last_seen_never_moves_back() -> None:
    states, _ = observed([Fix(at_ms=NOON), Fix(at_ms=NOON - HOUR_MS)], size=1)

    assert states.rows["last_seen_ms"].tolist() == [NOON]


def test_a_position_of_the_future_counts_as_recent() -> None:
    found = part([Fix(at_ms=NOON + 90_000, sog_kn=8)], NOON)

    assert (found.active_now, found.positions_last_hour, found.speed_count) == (1, 1, 1)


def test_a_repeated_position_counts_again_but_its_vessel_once() -> None:
    found = part([Fix(at_ms=NOON)] * 3, NOON)

    assert (found.active_now, found.positions_last_hour) == (1, 3)


def test_only_speeds_between_0_and_50_count() -> None:
    fixes = [Fix(at_ms=NOON, sog_kn=speed) for speed in (float("nan"), -1, 0, 0.1, 49.9, 50, 102.3)]

    found = part(fixes, NOON)

    assert (found.positions_last_hour, found.speed_count, found.speed_sum_kn) == (7, 2, 50.0)


@pytest.mark.parametrize(
    ("speeds", "mean"),
    [([], "0.00"), ([0.1] * 3, "0.10"), ([12.3, 12.4, 12.3, 12.3], "12.33"), ([0.1, 0.1, 0.1, 0.2], "0.13")],
)
def test_the_mean_speed_is_exact_and_rounded_half_up(speeds: list[float], mean: str) -> None:
    # (12.3 * 3 + 12.4) / 4 = 12.325 and 0.5 / 4 = 0.125: halves, which 32-bit floats would miss.
    fixes = [Fix(at_ms=NOON, sog_kn=speed) for speed in speeds]

    assert str(merge([part(fixes, NOON)])["speed_avg"]) == mean


def test_a_missing_type_does_not_replace_a_known_one() -> None:
    found = part([Fix(at_ms=NOON, ship_type="Tanker", flag="NL"), Fix(at_ms=NOON)], NOON)

    assert (found.types, found.flags) == ({"Tanker": 1}, {"NL": 1})


def test_a_missing_type_is_unknown_and_adds_to_those_called_so() -> None:
    found = part([Fix(vessel=1, at_ms=NOON, ship_type="Unknown"), Fix(vessel=2, at_ms=NOON)], NOON)

    assert (found.types, found.flags) == ({"Unknown": 2}, {"Unknown": 2})


def test_the_ten_largest_are_in_descending_order_and_ties_by_name() -> None:
    fixes = [
        Fix(vessel=number * 100 + each, at_ms=NOON, ship_type=f"T{number:02}", flag="NL")
        for number in range(12)
        for each in range(2 if number < 9 else 3)
    ]

    row = merge([part(fixes, NOON)])

    assert list(row["vessel_types"]) == ["T09", "T10", "T11", "T00", "T01", "T02", "T03", "T04", "T05", "T06"]
    assert row["top_flags"] == [{"flag": "NL", "count": 27}]


def test_top_tens_are_taken_of_the_whole_not_of_the_parts() -> None:
    # "Last" is eleventh in each part and first of all.
    def fleet(partition: int) -> list[Fix]:
        own = [(f"P{partition}-{number}", 2) for number in range(10)]
        counts = [*own, ("Last", 1)]
        return [
            Fix(vessel=(partition * 100 + place) * 10 + each + 1, at_ms=NOON, ship_type=name)
            for place, (name, count) in enumerate(counts)
            for each in range(count)
        ]

    row = merge([part(fleet(number), NOON, partition=number) for number in range(3)])

    assert next(iter(row["vessel_types"].items())) == ("Last", 3)


def test_nothing_seen_is_a_row_of_zeros() -> None:
    row = merge([])

    assert row == merge([part([], NOON)])
    assert row == {
        "active_now": 0,
        "active_last_hour": 0,
        "active_last_24h": 0,
        "total_vessels": 0,
        "positions_last_hour": 0,
        "vessel_types": {},
        "top_flags": [],
        "speed_avg": Decimal("0.00"),
    }


def test_observing_changes_no_row() -> None:
    states, _ = observed([Fix(at_ms=NOON)])
    rows = states.rows.copy()

    observe(states, batch_of([Fix(at_ms=NOON + 1, ship_type="Tanker")]), WINDOW_MS)

    assert (states.rows == rows).all()
