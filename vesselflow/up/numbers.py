"""The worker's metrics and statistics -> the numbers of the status line and of the last line."""

from __future__ import annotations

import asyncio
import math
import time
import urllib.error
import urllib.request
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_S: Final = 2.0
_RATE_OVER_S: Final = 5.0
_STATS_EVERY_S: Final = 2.0

#: What is counted: name -> metric, and the label that has to have a value.
COUNTED: Final = {
    "positions": ("vesselflow_positions_total", ("agent", "ingest")),
    "events": ("vesselflow_events_total", None),
    "notifications": ("vesselflow_notifications_total", None),
    "published": ("vesselflow_notifications_published_total", None),
    "dead_letters": ("vesselflow_dead_letters_total", None),
}
_LAG: Final = "vesselflow_partition_lag_records"


class Numbers:
    """What one worker did since this was made, through its restarts."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stats_at = 0.0
        self._last: Counter[str] = Counter()
        self._positions: deque[tuple[float, int]] = deque(maxlen=round(_RATE_OVER_S) + 1)
        self.totals: Counter[str] = Counter()
        self.lag = 0
        self.vessels = 0
        self.active_now = 0

    @property
    def positions_per_s(self) -> float:
        """The rate over the last seconds."""
        if len(self._positions) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._positions[0], self._positions[-1]
        return (last - first) / (last_s - first_s)

    async def refresh(self, *, with_stats: bool = False) -> bool:
        """Ask the worker; False when it does not answer."""
        answer = await get(f"{self._url}/metrics")
        if answer is None:
            return False
        self._take(answer[1].decode())
        if with_stats or time.monotonic() - self._stats_at >= _STATS_EVERY_S:
            await self._refresh_stats()
        return True

    def _take(self, text: str) -> None:
        found, self.lag = counted(text)
        for name in COUNTED:
            # A counter that fell began anew: the worker was restarted.
            self.totals[name] += found[name] - (self._last[name] if found[name] >= self._last[name] else 0)
        self._last = found
        self._positions.append((time.monotonic(), self.totals["positions"]))

    async def _refresh_stats(self) -> None:
        answer = await get(f"{self._url}/api/database/vessel-stats-cached")
        if answer is not None and answer[0] == 200:
            stats: dict[str, Any] = msgspec.json.decode(answer[1])
            self.vessels, self.active_now = stats["totalVessels"], stats["activeNow"]
            self._stats_at = time.monotonic()


def counted(text: str) -> tuple[Counter[str], int]:
    """Return what the metrics in *text* count, by the names of `COUNTED`, and the lag in records over all topics."""
    found: Counter[str] = Counter()
    lag = 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            lag += sample.value if sample.name == _LAG else 0
            for name, (metric, label) in COUNTED.items():
                if sample.name == metric and (label is None or sample.labels.get(label[0]) == label[1]):
                    found[name] += int(sample.value)
    return found, int(lag)


def quantile_ms(times_ms: Sequence[float], share: float) -> float | None:
    """Return the time that *share* of *times_ms* do not exceed, None when there are none.

    >>> quantile_ms([5.0, 1.0, 3.0, 2.0, 4.0], 0.5), quantile_ms([1.0, 2.0], 0.99), quantile_ms([], 0.5)
    (3.0, 2.0, None)
    """
    if not times_ms:
        return None
    return round(sorted(times_ms)[max(0, math.ceil(share * len(times_ms)) - 1)], 1)


async def get(url: str) -> tuple[int, bytes] | None:
    """Return status and body of an answer, None when there is none in time."""
    return await asyncio.to_thread(_get, url)


def _get(url: str) -> tuple[int, bytes] | None:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError:
        return None
