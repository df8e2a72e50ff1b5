"""Files of the past -> states at their pace, in their own time or moved to now."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from vesselflow.core.errors import UsageError
from vesselflow.core.model import VesselState
from vesselflow.sources.losses import Timed

#: Between the end of one pass over the data and the start of the next.
GAP_MS = 1000
_GROUP = 500


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and in which time a replay runs.

    ``speed`` 0 is as fast as possible. With ``shift_to_now`` the data's time is moved so that its first ``head_s`` end at
    the start of the replay; they are sent at once, the rest when its moved time comes. States of a file without any
    times are spread evenly, ``rate`` a second at speed 1, and carry no time: they count from their receipt.

    Raises:
        UsageError: values that do not fit together.
    """

    speed: float = 1.0
    shift_to_now: bool = False
    head_s: float = 0.0
    rate: float = 500.0

    def __post_init__(self) -> None:
        if self.speed < 0 or self.rate <= 0 or self.head_s < 0:
            raise UsageError("expected a speed and a head of at least 0 and a rate above 0")
        if self.shift_to_now and self.speed != 1.0:
            raise UsageError("expected speed 1 with --shift-to-now: the moved time runs as fast as the clock does")
        if self.head_s and not self.shift_to_now:
            raise UsageError("expected --shift-to-now with --head: only then does a first part end now")


class Schedule:
    """Says of one state after another when it is due and which time it carries. Keeps order and gaps.

    A state that is earlier than the one before it is due with it and keeps its own time. One without a time in a
    file that has times is due with the one before.
    """

    def __init__(self, pace: Pace, now_ms: int) -> None:
        self._pace = pace
        self._start_ms = now_ms
        self._first_ms: int | None = None
        self._shift_ms = 0
        self._latest_ms = 0  # of the data, not shifted
        self._latest_stamp_ms: int | None = None
        self._due_ms = now_ms
        self._untimed = 0

    def place(self, at_ms: int | None) -> tuple[int, int | None]:
        """Return when a state of *at_ms* is due, in milliseconds of the clock, and the time it is to carry."""
        if at_ms is None:
            return self._place_untimed(), None
        if self._first_ms is None:
            self._begin(at_ms)
        self._latest_ms = max(self._latest_ms, at_ms)
        stamp_ms = at_ms + self._shift_ms
        self._latest_stamp_ms = max(self._latest_stamp_ms or stamp_ms, stamp_ms)
        if self._pace.shift_to_now:
            due_ms = self._latest_ms + self._shift_ms
        else:
            due_ms = self._start_ms + self._elapsed(self._latest_ms - (self._first_ms or 0))
        self._due_ms = max(self._due_ms, due_ms)
        return self._due_ms, stamp_ms

    def next_pass(self, now_ms: int) -> None:
        """Begin the data again: the next state follows the last one sent, in time as well."""
        self._start_ms = self._due_ms = max(now_ms, self._due_ms + self._elapsed(GAP_MS))
        self._first_ms = None
        self._untimed = 0

    def _begin(self, at_ms: int) -> None:
        if self._latest_stamp_ms is not None:
            start_ms = self._latest_stamp_ms + GAP_MS
            self._shift_ms = (max(self._start_ms, start_ms) if self._pace.shift_to_now else start_ms) - at_ms
        elif self._pace.shift_to_now:
            self._shift_ms = self._start_ms - at_ms - round(self._pace.head_s * 1000)
        self._first_ms = self._latest_ms = at_ms

    def _place_untimed(self) -> int:
        if self._first_ms is None:
            self._due_ms = max(self._due_ms, self._start_ms + self._elapsed(self._untimed * 1000 / self._pace.rate))
            self._untimed += 1
        return self._due_ms

    def _elapsed(self, data_ms: float) -> int:
        return round(data_ms / self._pace.speed) if self._pace.speed else 0


async def replay(
    passes: Iterable[Iterable[Timed]],
    schedule: Schedule,
    publish: Callable[[list[VesselState]], Awaitable[None]],
    *,
    now_ms: Callable[[], int],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Publish the states of each of *passes* when they are due."""
    for number, states in enumerate(passes):
        if number:
            schedule.next_pass(now_ms())
        await _one_pass(states, schedule, publish, now_ms, sleep)


async def _one_pass(
    states: Iterable[Timed],
    schedule: Schedule,
    publish: Callable[[list[VesselState]], Awaitable[None]],
    now_ms: Callable[[], int],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    group: list[VesselState] = []
    for at_ms, state in states:
        due_ms, state.Timestamp = schedule.place(at_ms)
        wait_ms = due_ms - now_ms() if due_ms else 0
        if group and (wait_ms > 0 or len(group) >= _GROUP):
            await publish(group)
            group = []
            await sleep(0)  # lets what lingers go
        if wait_ms > 0:
            await sleep(wait_ms / 1000)
        group.append(state)
    await publish(group)
