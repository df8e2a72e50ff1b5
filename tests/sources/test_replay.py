from collections.abc import Iterable

import pytest

from vesselflow.core.errors import UsageError
from vesselflow.core.model import VesselState
from vesselflow.sources.losses import Timed
from vesselflow.sources.replay import GAP_MS, Pace, Schedule, replay

NOW_MS = 1_800_000_000_000
DATA_MS = 1_331_724_616_000


def placed(pace: Pace, *offsets_s: float | None) -> list[tuple[float, float | None]]:
    """Return when states are due and which time they carry, in seconds from now and from the data's start."""
    schedule = Schedule(pace, NOW_MS)
    base_ms = NOW_MS if pace.shift_to_now else DATA_MS
    pairs = [schedule.place(None if offset is None else DATA_MS + round(offset * 1000)) for offset in offsets_s]
    return [((due - NOW_MS) / 1000, None if at is None else (at - base_ms) / 1000) for due, at in pairs]


def test_speed_divides_the_gaps_and_leaves_the_times() -> None:
    assert placed(Pace(speed=10.0), 0, 5, 60) == [(0, 0), (0.5, 5), (6, 60)]


def test_as_fast_as_possible_everything_is_due_at_once() -> None:
    assert placed(Pace(speed=0.0), 0, 5, 60) == [(0, 0), (0, 5), (0, 60)]


def test_a_head_ends_now_and_the_rest_follows_live() -> None:
    # data   0 ---- 60 (head ends) ---- 65
    # now  -60 ----  0 ---------------- +5
    assert placed(Pace(shift_to_now=True, head_s=60.0), 0, 30, 60, 65) == [(0, -60), (0, -30), (0, 0), (5, 5)]


def test_a_state_that_goes_back_in_time_keeps_its_place_and_its_time() -> None:
    assert placed(Pace(), 0, 10, 4, 12) == [(0, 0), (10, 10), (10, 4), (12, 12)]


def test_states_without_any_times_are_spread_evenly_and_carry_none() -> None:
    assert placed(Pace(rate=2.0), None, None, None) == [(0, None), (0.5, None), (1, None)]
    assert placed(Pace(rate=2.0, speed=10.0), None, None) == [(0, None), (0.05, None)]


def test_a_state_without_a_time_among_others_goes_with_the_one_before() -> None:
    assert placed(Pace(), 0, 10, None, 20) == [(0, 0), (10, 10), (10, None), (20, 20)]


@pytest.mark.parametrize("pace", [Pace(shift_to_now=True, head_s=60.0), Pace(speed=10.0), Pace(speed=0.0)])
def test_a_second_pass_goes_on_in_time_where_the_first_ended(pace: Pace) -> None:
    schedule = Schedule(pace, NOW_MS)
    first = [schedule.place(DATA_MS + offset)[1] for offset in (0, 90_000)]

    schedule.next_pass(NOW_MS + 30_000)
    second = [schedule.place(DATA_MS + offset)[1] for offset in (0, 90_000)]

    assert first[1] is not None
    assert second[0] is not None
    assert second[0] == first[1] + GAP_MS
    assert second[1] == second[0] + 90_000


def test_a_second_pass_of_moved_data_begins_now_when_the_first_ended_long_ago() -> None:
    schedule = Schedule(Pace(shift_to_now=True), NOW_MS)
    schedule.place(DATA_MS)

    schedule.next_pass(NOW_MS + 3_600_000)

    assert schedule.place(DATA_MS) == (NOW_MS + 3_600_000, NOW_MS + 3_600_000)


@pytest.mark.parametrize(
    ("speed", "shift_to_now", "head_s"), [(10.0, True, 0.0), (0.0, True, 0.0), (1.0, False, 60.0), (-1.0, False, 0.0)]
)
def test_values_that_do_not_fit_together_are_refused(speed: float, shift_to_now: bool, head_s: float) -> None:
    with pytest.raises(UsageError):
        Pace(speed=speed, shift_to_now=shift_to_now, head_s=head_s)


class Bench:
    """A clock that only moves when it is slept on, and what was published when."""

    def __init__(self) -> None:
        self.now = NOW_MS
        self.published: list[tuple[int, list[int | str | None]]] = []

    def now_ms(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1000)

    async def publish(self, states: list[VesselState]) -> None:
        if states:
            self.published.append((self.now - NOW_MS, [state.Timestamp for state in states]))


async def run(pace: Pace, *passes: Iterable[Timed]) -> list[tuple[int, list[int | str | None]]]:
    bench = Bench()
    await replay(passes, Schedule(pace, NOW_MS), bench.publish, now_ms=bench.now_ms, sleep=bench.sleep)
    return bench.published


def timed(*offsets_s: int) -> list[Timed]:
    return [(DATA_MS + offset * 1000, VesselState(MMSI=235012345)) for offset in offsets_s]


async def test_states_go_out_when_they_are_due_those_of_one_moment_together() -> None:
    published = await run(Pace(), timed(0, 0, 5))

    assert published == [(0, [DATA_MS, DATA_MS]), (5000, [DATA_MS + 5000])]


async def test_a_loop_moves_the_data_again_in_each_pass() -> None:
    published = await run(Pace(shift_to_now=True), timed(0, 5), timed(0, 5))

    assert published == [(at, [NOW_MS + at]) for at in (0, 5000, 6000, 11000)]
