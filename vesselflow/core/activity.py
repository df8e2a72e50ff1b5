"""Positions -> who was seen when, sums per window of event time, and the row of fleet statistics.

Answers what these queries answer over a table of the same positions: distinct vessels since a moment,
positions since a moment, mean of plausible speeds, vessels by type and by flag. As there, every position
counts, repeated ones too, and one dated in the future counts as recent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, TypedDict

import msgspec
import numpy as np

from vesselflow.core.model import ActivityPartial, FloatArray, IntArray, PositionBatch
from vesselflow.core.states import Detection, Strings, VesselStates
from vesselflow.core.texts import text_numbers

#: ``ship_type`` and ``flag`` are the last ones that were not missing.
STATE: Final = np.dtype([("vessel", "<i8"), ("last_seen_ms", "<i8"), ("ship_type", "<i4"), ("flag", "<i4")])
TEXT_FIELDS: Final = ("ship_type", "flag")

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

_UNKNOWN: Final = "Unknown"
_LARGEST: Final = 10
_FASTEST_KN: Final = 50.0
#: Speeds are summed as whole numbers of 0.00001 kn, so that neither order nor grouping changes a sum. That
#: is as fine as the 32-bit speeds of a batch can tell apart below 50 kn.
_PER_KNOT: Final = 100_000


class WindowSum(msgspec.Struct, frozen=True):
    """What the positions of one window of event time add up to.

    ``speed_count`` and ``speed_sum_e5kn`` (in 0.00001 kn) are over speeds with 0 < speed < 50 kn.
    """

    positions: int = 0
    speed_count: int = 0
    speed_sum_e5kn: int = 0

    def __add__(self, other: WindowSum) -> WindowSum:
        return WindowSum(
            self.positions + other.positions,
            self.speed_count + other.speed_count,
            self.speed_sum_e5kn + other.speed_sum_e5kn,
        )


class FlagCount(TypedDict):
    """An element of ``top_flags``."""

    flag: str
    count: int


class ActivityRow(TypedDict):
    """The columns of ``vessel_activity_realtime`` that are computed; the rest are the store's."""

    active_now: int
    active_last_hour: int
    active_last_24h: int
    total_vessels: int
    positions_last_hour: int
    vessel_types: dict[str, int]
    top_flags: list[FlagCount]
    speed_avg: Decimal


def new_states(buckets: int) -> VesselStates:
    """Return the states of a partition that has seen no vessel."""
    return VesselStates(STATE, text_fields=TEXT_FIELDS, buckets=buckets)


def observe(states: VesselStates, batch: PositionBatch, window_ms: int) -> tuple[Detection, dict[int, WindowSum]]:
    """Return the vessels' new rows and what *batch* adds to each window, by the window's start.

    ``last_seen_ms`` never moves back, whatever order positions come in; windows count by event time, so a
    late position adds to a window of the past.
    """
    slots, vessel = np.unique(states.slots(batch.vessel), return_inverse=True)
    rows = states.rows[slots]
    np.maximum.at(rows["last_seen_ms"], vessel, batch.at_ms)
    for name in TEXT_FIELDS:
        numbers = text_numbers(batch, getattr(batch, name), states.strings)
        known = numbers >= 0
        # Of several values for one element numpy keeps the last, which is the newest.
        rows[name][vessel[known]] = numbers[known]
    return Detection(slots=slots, rows=rows), window_sums(batch.at_ms, batch.sog_kn, window_ms)


def window_sums(at_ms: IntArray, sog_kn: FloatArray, window_ms: int) -> dict[int, WindowSum]:
    """Return the sums of positions at these times with these speeds (NaN: none), by the window's start."""
    starts, window = np.unique(at_ms // window_ms * window_ms, return_inverse=True)
    counted = (sog_kn > 0) & (sog_kn < _FASTEST_KN)
    speeds = np.rint(sog_kn[counted].astype(np.float64) * _PER_KNOT)
    size = len(starts)
    columns = (
        np.bincount(window, minlength=size),
        np.bincount(window[counted], minlength=size),
        # Whole numbers below 2**53 add up exactly in float64.
        np.bincount(window[counted], weights=speeds, minlength=size).astype(np.int64),
    )
    sums = map(WindowSum, *(column.tolist() for column in columns))
    return dict(zip(starts.tolist(), sums, strict=True))


def partial(
    states: VesselStates,
    windows: Mapping[int, WindowSum],
    now_ms: int,
    *,
    partition: int,
    retention_ms: int,
    window_ms: int,
) -> ActivityPartial:
    """Return what one partition knows at *now_ms*.

    Active means last seen at or after now less the span. Vessels, types and flags count while within the
    retention. The last hour is the windows that reach into it: exact when *now_ms* is a window's border,
    else more by part of one window.
    """
    last_seen = states.rows["last_seen_ms"]
    known = states.rows[last_seen >= now_ms - retention_ms]
    recent = [each for start, each in windows.items() if start + window_ms > now_ms - HOUR_MS]
    hour = sum(recent, WindowSum())
    return ActivityPartial(
        partition=partition,
        at_ms=now_ms,
        active_now=_since(last_seen, now_ms - 5 * MINUTE_MS),
        active_last_hour=_since(last_seen, now_ms - HOUR_MS),
        active_last_24h=_since(last_seen, now_ms - DAY_MS),
        total_vessels=len(known),
        positions_last_hour=hour.positions,
        speed_count=hour.speed_count,
        speed_sum_kn=hour.speed_sum_e5kn / _PER_KNOT,
        types=_counts(known["ship_type"], states.strings),
        flags=_counts(known["flag"], states.strings),
    )


def merge(partials: Iterable[ActivityPartial]) -> ActivityRow:
    """Return the row that the partitions' parts add up to; zeros when there is none.

    Types are in descending order of vessels, equal ones by name; so are flags.
    """
    parts = list(partials)
    types, flags = (_largest(getattr(part, name) for part in parts) for name in ("types", "flags"))
    return ActivityRow(
        active_now=sum(part.active_now for part in parts),
        active_last_hour=sum(part.active_last_hour for part in parts),
        active_last_24h=sum(part.active_last_24h for part in parts),
        total_vessels=sum(part.total_vessels for part in parts),
        positions_last_hour=sum(part.positions_last_hour for part in parts),
        vessel_types=dict(types),
        top_flags=[FlagCount(flag=flag, count=count) for flag, count in flags],
        speed_avg=_mean(parts),
    )


def _since(last_seen_ms: IntArray, since_ms: int) -> int:
    return int(np.count_nonzero(last_seen_ms >= since_ms))


def _counts(numbers: IntArray, strings: Strings) -> dict[str, int]:
    found, counts = np.unique(numbers, return_counts=True)
    total: Counter[str] = Counter()
    for number, count in zip(found.tolist(), counts.tolist(), strict=True):
        total[strings.text(number) or _UNKNOWN] += count
    return dict(total)


def _largest(counts: Iterable[Mapping[str, int]]) -> list[tuple[str, int]]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))[:_LARGEST]


def _mean(parts: list[ActivityPartial]) -> Decimal:
    count = sum(part.speed_count for part in parts)
    total = sum(round(part.speed_sum_kn * _PER_KNOT) for part in parts)
    mean = Decimal(total) / (count * _PER_KNOT) if count else Decimal(0)
    return mean.quantize(Decimal("0.01"), ROUND_HALF_UP)
