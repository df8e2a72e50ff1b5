"""Progress of a source on standard error: a bar on a terminal, a plain line now and then elsewhere."""

import asyncio
import sys
import time
from collections.abc import Callable

import click

_BAR_EVERY_S = 0.2
_LINE_EVERY_S = 5.0


async def show_progress(states: Callable[[], int], share: Callable[[], float | None]) -> None:
    """Show how many *states* were sent, how fast, and by the *share* that is done how long it will take; for ever.

    The share is from 0 to 1, None when nobody knows.
    """
    if sys.stderr.isatty():
        await _bar(states, share)
    else:
        await _lines(states, share)


async def _bar(states: Callable[[], int], share: Callable[[], float | None]) -> None:
    rate = Rate(states())
    with click.progressbar(
        length=1000, file=sys.stderr, show_pos=False, show_eta=share() is not None, item_show_func=lambda text: text
    ) as bar:
        while True:
            await asyncio.sleep(_BAR_EVERY_S)
            done = round(1000 * (share() or 0.0)) % 1001
            bar.update(done - bar.pos, current_item=f"{states():,} states, {rate.per_second(states()):,.0f}/s")


async def _lines(states: Callable[[], int], share: Callable[[], float | None]) -> None:
    rate, start_s = Rate(states()), time.monotonic()
    while True:
        await asyncio.sleep(_LINE_EVERY_S)
        click.echo(line(states(), rate.per_second(states()), share(), time.monotonic() - start_s), err=True)


def line(states: int, per_second: float, share: float | None, elapsed_s: float) -> str:
    """Return one line of progress."""
    text = f"{states:,} states, {per_second:,.0f}/s"
    if not share:
        return text
    left_s = elapsed_s * (1.0 - share) / share
    return f"{text}, {share:.0%}, {left_s:,.0f} s left"


class Rate:
    """The rate since it was asked for the last time."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._at_s = time.monotonic()

    def per_second(self, count: int) -> float:
        """Return by how much *count* has grown a second."""
        now_s = time.monotonic()
        grown, spent_s = count - self._count, now_s - self._at_s
        self._count, self._at_s = count, now_s
        return grown / spent_s if spent_s > 0 else 0.0
