"""What every `Clock` does."""

from datetime import timedelta

import pytest

from tests.fakes.clock import HeldClock
from vesselflow.adapters.clock import SystemClock
from vesselflow.ports import Clock


@pytest.mark.parametrize("clock", [HeldClock(), SystemClock()])
def test_a_clock_gives_milliseconds_of_this_era(clock: Clock) -> None:
    # 2020-01-01 and 2100-01-01
    assert 1_577_836_800_000 < clock.now_ms() < 4_102_444_800_000


def test_a_held_clock_moves_when_told() -> None:
    clock = HeldClock(1000)

    clock.advance(timedelta(seconds=2))

    assert clock.now_ms() == 3000
