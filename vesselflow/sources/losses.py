"""What a source could not use: counted by reason, and told to whoever listens."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from vesselflow.core.model import VesselState

#: A state and its time in milliseconds UTC, None when the source has none.
Timed = tuple[int | None, VesselState]

_SHOWN: Final = 400


@dataclass(frozen=True, slots=True)
class Loss:
    """One piece of a source's input that cannot be used; ``line`` counts from 1 (an element of a JSON array too)."""

    reason: str
    line: int
    text: str
    detail: str = ""


@dataclass(slots=True)
class Losses:
    """Counts losses by reason; *listener* is told each one."""

    listener: Callable[[Loss], None] | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, reason: str, *, line: int, text: str, detail: str = "") -> None:
        """Count one loss."""
        self.counts[reason] += 1
        if self.listener is not None:
            self.listener(Loss(reason, line, text.strip()[:_SHOWN], detail))
