"""Progress of a job on standard error: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import click

T = TypeVar("T")

_BAR_EVERY_S = 0.2
_LINE_EVERY_S = 5.0

#: How many are done; which share of all that is, from 0 to 1, None when nobody knows.
Count = Callable[[], int]
Share = Callable[[], float | None]


async def show_progress(count: Count, share: Share, noun: str = "states") -> None:
    """Show how many of *noun* are done, how fast, and by the *share* that is done how long it will take; for ever."""
    shown = _shown(count, share, noun)
    try:
        while True:
            await asyncio.sleep(shown.every_s)
            shown.tell()
    finally:
        shown.end()


def with_progress(items: Iterable[T], count: Count, share: Share, noun: str) -> Iterator[T]:
    """Yield *items* and show meanwhile how many of *noun* are done, as `show_progress` does; nothing of a short job."""
    shown = _shown(count, share, noun)
    told_s = time.monotonic()
    try:
        for item in items:
            if time.monotonic() - told_s >= shown.every_s:
                shown.tell()
                told_s = time.monotonic()
            yield item
    finally:
        shown.end()


def _shown(count: Count, share: Share, noun: str) -> _Bar | _Lines:
    return _Bar(count, share, noun) if sys.stderr.isatty() else _Lines(count, share, noun)


class _Bar:
    """A bar, once there is something to tell."""

    every_s = _BAR_EVERY_S

    def __init__(self, count: Count, share: Share, noun: str) -> None:
        self._count, self._share, self._noun = count, share, noun
        self._rate = Rate(count())
        self._is_shown = False
        self._bar = click.progressbar(
            length=1000,
            file=sys.stderr,
            show_pos=False,
            show_eta=share() is not None,
            item_show_func=lambda text: text,
        )

    def tell(self) -> None:
        self._is_shown = True
        done, count = round(1000 * (self._share() or 0.0)) % 1001, self._count()
        text = f"{count:,} {self._noun}, {self._rate.per_second(count):,.0f}/s"
        self._bar.update(done - self._bar.pos, current_item=text)
        self._bar.render_progress()

    def end(self) -> None:
        if self._is_shown:
            self._bar.render_finish()


class _Lines:
    """A line each time."""

    every_s = _LINE_EVERY_S

    def __init__(self, count: Count, share: Share, noun: str) -> None:
        self._count, self._share, self._noun = count, share, noun
        self._rate, self._start_s = Rate(count()), time.monotonic()

    def tell(self) -> None:
        count, elapsed_s = self._count(), time.monotonic() - self._start_s
        click.echo(line(count, self._rate.per_second(count), self._share(), elapsed_s, self._noun), err=True)

    def end(self) -> None:
        """Leave the lines as they are."""


def line(count: int, per_second: float, share: float | None, elapsed_s: float, noun: str) -> str:
    """Return one line of progress."""
    text = f"{count:,} {noun}, {per_second:,.0f}/s"
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
