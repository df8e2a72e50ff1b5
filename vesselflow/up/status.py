"""One line that keeps itself up to date on a terminal; elsewhere a line now and then."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

from vesselflow.up.numbers import Numbers, quantile_ms

PLAIN_EVERY_S: Final = 10.0


class Status:
    """Where the session's messages and its status line go, without one writing over the other."""

    def __init__(self, out: TextIO = sys.stdout, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._is_terminal = out.isatty()
        self._shown = ""
        self._printed_at = -PLAIN_EVERY_S

    def say(self, message: str) -> None:
        """Print a message on a line of its own."""
        self._erase()
        print(message, file=self._out, flush=True)
        self._draw()

    def show(self, line: str) -> None:
        """Make *line* the status line."""
        if self._is_terminal:
            self._erase()
            self._shown = line[: shutil.get_terminal_size().columns - 1]
            self._draw()
        elif self._clock() - self._printed_at >= PLAIN_EVERY_S:
            self._printed_at = self._clock()
            print(line, file=self._out, flush=True)

    def finish(self) -> None:
        """Leave the status line as it is; the next line begins below."""
        if self._shown:
            print(file=self._out, flush=True)
        self._shown = ""

    def _erase(self) -> None:
        if self._shown:
            print("\r\x1b[2K", end="", file=self._out)

    def _draw(self) -> None:
        if self._shown:
            print(self._shown, end="", file=self._out, flush=True)


def status_line(numbers: Numbers, times_ms: list[float]) -> str:
    """Return the numbers of the moment as a line; *times_ms* are the latencies of late."""
    p99_ms = quantile_ms(times_ms, 0.99)
    parts = [
        f"{numbers.positions_per_s:,.0f} pos/s",
        f"{numbers.vessels:,} vessels",
        f"{numbers.totals['events']:,} events",
        f"{numbers.totals['notifications']:,} notifications",
        f"lag {numbers.lag:,}",
        "p99 -" if p99_ms is None else f"p99 {p99_ms:,.0f} ms",
    ]
    # Short enough for 80 columns on an ordinary day.
    return ", ".join(parts)
