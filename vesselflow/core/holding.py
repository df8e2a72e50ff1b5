"""Reports of one attribute of one vessel, fix by fix -> its changes, once each has stood for the hold-off.

                     another value                   the same value, hold-off over: the change
nothing ---> current --------------> current and --------------------------------------------> current
    a value          <--------------  candidate
                      the current value            (yet another value: the candidate begins anew)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import eq
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True)
class Change(Generic[V]):
    """A change that has stood: ``first_ms`` is the first fix with the new value, ``at_ms`` the one that confirmed it."""

    previous: V
    new: V
    first_ms: int
    at_ms: int


@dataclass(frozen=True)
class Held(Generic[V]):
    """What is known of one attribute: the value that stands, and another that may come to stand.

    None is no value. Each time is of the first fix with that value, in milliseconds; 0 without one.
    """

    current: V | None = None
    since_ms: int = 0
    candidate: V | None = None
    candidate_since_ms: int = 0

    def step(
        self, value: V | None, at_ms: int, hold_off_ms: int, *, same: Callable[[V, V], bool] = eq
    ) -> tuple[Held[V], Change[V] | None]:
        """Return what is known after a fix with *value*, and the change that it confirms.

        The first value of all is no change, and None says nothing: it leaves everything as it is. A change
        is confirmed by a fix with the candidate at least *hold_off_ms* after the first one; with a hold-off
        of 0 the first one does. The current value within the hold-off ends the candidate, so A, B, A is no
        change. *same* compares what stands with *value*: a value that is the same replaces nothing, so that
        small steps add up. Fixes have to come in the order of their times.
        """
        if value is None:
            return self, None
        if self.current is None:
            return Held(value, at_ms), None
        if same(self.current, value):
            return (self if self.candidate is None else Held(self.current, self.since_ms)), None
        if self.candidate is None or not same(self.candidate, value):
            begun = replace(self, candidate=value, candidate_since_ms=at_ms)
            return begun._confirmed(at_ms) if hold_off_ms <= 0 else (begun, None)
        return self._confirmed(at_ms) if at_ms - self.candidate_since_ms >= hold_off_ms else (self, None)

    def _confirmed(self, at_ms: int) -> tuple[Held[V], Change[V] | None]:
        assert self.current is not None
        assert self.candidate is not None
        since_ms = self.candidate_since_ms
        return Held(self.candidate, since_ms), Change(self.current, self.candidate, since_ms, at_ms)
