"""The names that a vessel reports -> whether several ships share its number.

Ships that were given one MMSI by mistake, or never set their own, take turns: names alternate, and with them whatever
else a static report says. Nothing of that is a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

#: For how long a name that gave way to another is remembered. Ships on one MMSI may be heard hours apart.
MEMORY_MS: Final = 24 * 3_600_000
#: How many are remembered, so that a number that a whole fleet uses does not grow without end.
_MOST: Final = 16

#: `Names` as msgpack carries it: until when each name was the newest one, and when one last came back (0: never).
NamesNote = tuple[dict[str, int], int]


def fold_name(name: str) -> str:
    """Return *name* without case and blanks, by which names are compared.

    >>> fold_name("Sannou  No. 2") == fold_name("SANNOU NO.2")
    True
    """
    return "".join(name.casefold().split())


@dataclass(frozen=True, slots=True)
class Names:
    """The folded names that a vessel had before the one it has, with the fix at which each gave way.

    ``back_ms`` is the last fix at which one of them came back, 0 when none did.
    """

    until_ms: Mapping[str, int] = field(default_factory=dict)
    back_ms: int = 0

    def renamed(self, previous: str, name: str, at_ms: int) -> Names:
        """Return the names after the fix at which *name* followed *previous*; both are folded, and differ."""
        kept = {each: until for each, until in self.until_ms.items() if at_ms - until <= MEMORY_MS}
        is_back = name in kept
        others = {each: until for each, until in kept.items() if each not in (name, previous)} | {previous: at_ms}
        newest = sorted(others.items(), key=lambda item: (item[1], item[0]))[-_MOST:]
        return Names(dict(newest), at_ms if is_back else self.back_ms)

    def had(self, name: str, at_ms: int) -> bool:
        """Tell whether *name* (folded) gave way to another within the memory."""
        until_ms = self.until_ms.get(name)
        return until_ms is not None and at_ms - until_ms <= MEMORY_MS

    def had_another(self, at_ms: int) -> bool:
        """Tell whether the vessel had another name within the memory: then what it reports may be another ship's."""
        return any(at_ms - until_ms <= MEMORY_MS for until_ms in self.until_ms.values())

    def is_shared(self, at_ms: int) -> bool:
        """Tell whether a name came back within the memory: several ships take turns."""
        return self.back_ms > 0 and at_ms - self.back_ms <= MEMORY_MS

    def to_note(self) -> NamesNote:
        """Return this as values that msgpack can carry; `from_note` reads them."""
        return dict(self.until_ms), self.back_ms

    @classmethod
    def from_note(cls, note: NamesNote | None) -> Names:
        """Return the names in *note*, a list after msgpack; None has none."""
        return cls(*note) if note else cls()
