"""Backtests of literal fixes. Timelines run from left to right; `[ ]` is the fence, digits are minutes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tracks import Fix, batch_of
from vesselflow.core.backtest import Backtest, BacktestEvent, backtest, fences_to_try, told
from vesselflow.core.errors import InvalidRules, InvalidShape
from vesselflow.core.fence_policy import PolicyOptions
from vesselflow.core.model import PositionBatch
from vesselflow.core.recorded import in_order_of_time
from vesselflow.core.shapes import FenceShape

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MINUTE = 60_000
PLAIN = PolicyOptions(plain=True)
BOX = shapely.to_wkb(shapely.box(4.0, 51.0, 4.1, 52.0))


def along(*lons: float, vessel: int = 235_000_001, minutes: Sequence[int] | None = None) -> list[Fix]:
    return [
        Fix(vessel=vessel, at_ms=START_MS + minute * MINUTE, lon_deg=lon, lat_deg=51.5, sog_kn=5.0)
        for minute, lon in zip(minutes or range(len(lons)), lons, strict=True)
    ]


def cut(fixes: Sequence[Fix], size: int = 3) -> Iterator[PositionBatch]:
    for start in range(0, len(fixes), size):
        yield batch_of(fixes[start : start + size])


def run(fixes: Sequence[Fix], options: PolicyOptions, *shapes: FenceShape) -> Backtest:
    return backtest(cut(fixes), fences_to_try("zones", shapes or [FenceShape(BOX, id="box")], options), options)


def brief(found: Backtest) -> list[tuple[str, str, str]]:
    return [(event.at[14:16], event.event, event.geofence) for event in map(told, found.events)]


def test_the_plain_policy_tells_each_crossing_at_the_fix_that_makes_it() -> None:
    # [ 0 ]  1  [ 2 ]  3
    found = run(along(4.05, 4.2, 4.05, 4.2), PLAIN)

    assert brief(found) == [
        ("00", "entered", "box"),
        ("01", "exited", "box"),
        ("02", "entered", "box"),
        ("03", "exited", "box"),
    ]


def test_the_default_policy_tells_when_it_was_confirmed_and_where_it_began() -> None:
    # 0  [ 1  2 ]  3  4
    found = run(along(3.98, 4.01, 4.02, 4.12, 4.13, minutes=[0, 1, 2, 6, 7]), PolicyOptions())

    assert list(map(told, found.events)) == [
        BacktestEvent(
            vessel="mmsi:235000001",
            geofence="box",
            event="entered",
            at="2026-01-01T00:02:00.000Z",
            first_fix_at="2026-01-01T00:01:00.000Z",
            lon=4.01,
            lat=51.5,
            interpolated=False,
        ),
        BacktestEvent(
            vessel="mmsi:235000001",
            geofence="box",
            event="exited",
            at="2026-01-01T00:07:00.000Z",
            first_fix_at="2026-01-01T00:06:00.000Z",
            lon=4.12,
            lat=51.5,
            interpolated=False,
        ),
    ]


def test_every_option_of_a_policy_counts() -> None:
    fixes = along(3.99, 4.01, 4.02, 4.03, 4.04)

    found = run(fixes, PolicyOptions(confirm_fixes=1, dwell_s=120, speed_limit_kn=3))

    assert brief(found) == [("01", "entered", "box"), ("01", "speeding", "box"), ("03", "dwelled", "box")]


def test_fixes_that_wait_for_older_ones_at_the_end_are_judged_all_the_same() -> None:
    # Arrive as 0 2 1 3; all wait for ten minutes.
    fixes = along(3.98, 4.02, 4.01, 4.03, minutes=[0, 2, 1, 3])

    found = run(fixes, PolicyOptions(reorder_s=600))

    assert brief(found) == [("02", "entered", "box")]
    assert found.left_out == {}


def test_events_are_in_order_of_time_then_vessel_then_fence_whatever_the_order_of_the_fixes() -> None:
    later = along(4.05, 4.2, vessel=235_000_001, minutes=[5, 6])
    earlier = along(4.05, 4.2, vessel=235_000_009, minutes=[0, 5])
    shapes = [FenceShape(BOX, id=id) for id in ("b", "a", "10", "9")]

    found = run([*later, *earlier], PLAIN, *shapes)

    order = [(event.at_ms, event.vessel, str(event.geofence_id)) for event in found.events]
    assert order == sorted(order)
    assert [id for _, _, id in order[:4]] == ["10", "9", "a", "b"]
    assert [vessel for _, vessel, _ in order[4:12]] == [235_000_001] * 4 + [235_000_009] * 4


def test_what_happens_at_one_moment_stays_in_the_order_it_happened() -> None:
    # [ 0 ]  0  [ 0 ]
    found = run(along(4.05, 4.2, 4.05, minutes=[0, 0, 0]), PLAIN)

    assert [event for _, event, _ in brief(found)] == ["entered", "exited", "entered"]


def test_what_is_not_judged_is_counted_by_reason() -> None:
    # 0  1  1 again  0 late  2 far away  3 4 5
    fixes = along(4.01, 4.02, 4.02, 4.01, 60.0, 4.03, 4.04, 4.05, minutes=[0, 1, 1, 0, 2, 3, 4, 5])

    found = run(fixes, PolicyOptions())

    assert found.positions == 8
    assert found.left_out == {"repeated": 1, "late": 1, "jump": 1}
    assert (found.first_ms, found.last_ms, found.vessels) == (START_MS, START_MS + 5 * MINUTE, 1)


def test_fixes_too_late_for_the_reorder_buffer_are_counted_as_late() -> None:
    found = run(along(4.01, 4.02, 4.03, 4.01, minutes=[0, 10, 20, 5]), PolicyOptions(reorder_s=300))

    assert found.left_out == {"late": 1}


def test_nothing_comes_of_nothing() -> None:
    assert run([], PolicyOptions()) == Backtest([], 0, 0, None, None, {})


@settings(max_examples=30, deadline=None)
@given(st.permutations(along(*(3.95 + number / 100 for number in range(20)))), st.integers(1, 7))
def test_in_order_of_time_no_shuffle_matters(shuffled: list[Fix], size: int) -> None:
    fences = fences_to_try("zones", [FenceShape(BOX, id="box")], PolicyOptions())

    found = backtest(in_order_of_time(cut(shuffled, size)), fences, PolicyOptions())

    assert brief(found) == [("06", "entered", "box"), ("17", "exited", "box")]
    assert found.left_out == {}


def test_of_fixes_at_one_time_the_first_to_come_stays_the_first() -> None:
    fixes = along(4.2, 4.05, minutes=[3, 3]) + along(4.2, minutes=[1])

    found = backtest(in_order_of_time(cut(fixes, 1)), fences_to_try("zones", [FenceShape(BOX, id="box")], PLAIN), PLAIN)

    assert brief(found) == [("03", "entered", "box")]


# The fences


def test_a_fence_goes_by_its_id_else_its_name_else_its_place() -> None:
    shapes = [FenceShape(BOX, id="7", name="Port"), FenceShape(BOX, name="Roads"), FenceShape(BOX)]

    fences = fences_to_try("zones.geojson", shapes, PLAIN)

    assert [(fence.id, fence.name) for fence in fences] == [("7", "Port"), ("Roads", "Roads"), ("feature 3",) * 2]


def test_two_fences_of_one_id_are_refused_by_name_and_place() -> None:
    shapes = [FenceShape(BOX, id="7"), FenceShape(BOX, name="Port"), FenceShape(BOX, name="7"), FenceShape(BOX, id="8")]

    with pytest.raises(InvalidShape, match=r"zones: expected .* id of its own .*, got '7' at features 1, 3$"):
        fences_to_try("zones", shapes, PLAIN)


RULES = {"events": ["exited"], "confirm_fixes": 1, "vessels": {"flags": ["NL"]}}


def test_a_fences_own_rules_count() -> None:
    shape = FenceShape(BOX, id="box", properties={"rules": RULES})
    fixes = [
        replace(fix, vessel=vessel, flag=flag)
        for vessel, flag in ((244_000_001, "NL"), (235_000_001, "GB"))
        for fix in along(3.99, 4.01, 4.02, 4.11, minutes=[0, 1, 2, 6])
    ]

    found = run(fixes, PolicyOptions(), shape)

    assert [(event.vessel, event.kind) for event in found.events] == [(244_000_001, "geofence.exited")]


def test_the_plain_policy_reads_no_rules_of_fences() -> None:
    shape = FenceShape(BOX, id="box", properties={"rules": {"no": "such rule"}})

    assert brief(run(along(4.05), PLAIN, shape)) == [("00", "entered", "box")]


def test_rules_that_are_not_allowed_are_refused_by_the_features_name() -> None:
    shapes = [FenceShape(BOX, id="a"), FenceShape(BOX, name="Port", properties={"rules": {"margin": 5}})]

    with pytest.raises(InvalidRules, match=r"zones: feature 2 \(Port\): expected rules among .*, got 'margin'"):
        fences_to_try("zones", shapes, PolicyOptions())
