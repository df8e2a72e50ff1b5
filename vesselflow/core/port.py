"""A port, and how sure it is that a text means it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Countries = frozenset[str]
ANYWHERE: Final[Countries] = frozenset()

#: How sure a port is by what it was found by.
BY_LOCODE: Final = 1.0
BY_NAME: Final = 0.95
BY_SPELLING: Final = 0.9
BESIDE_WORDS: Final = 0.8
BY_IMPORTANCE: Final = 0.75
BY_ONE_LETTER: Final = 0.7
BY_TWO_LETTERS: Final = 0.6

_SIZES: Final = {"": 0, "V": 10, "S": 20, "M": 30, "L": 40}
_MOST_LINKS: Final = 40


@dataclass(frozen=True, slots=True)
class Port:
    """A port; the size is that of its harbour: L, M, S, V (very small) or empty when not known.

    ``links`` is the number of countries that ships sail to from there; 0 also when not known. ``states`` are those of the USA
    or Canada that it may lie in.
    """

    locode: str
    name: str
    lon_deg: float | None
    lat_deg: float | None
    size: str = ""
    links: int = 0
    other_names: tuple[str, ...] = ()
    states: frozenset[str] = frozenset()

    @property
    def country(self) -> str:
        """The country, ISO 3166-1 alpha-2."""
        return self.locode[:2]

    def is_in(self, countries: Countries) -> bool:
        """Return whether the port is in one of the countries or states *countries*."""
        return self.country in countries or not countries.isdisjoint(self.states)

    @property
    def importance(self) -> int:
        """How likely a ship goes there rather than to another port of the same name; 0 to 80."""
        return _SIZES[self.size] + min(self.links, _MOST_LINKS)

    @property
    def is_well_known(self) -> bool:
        """Whether crews of all countries know the port: it is large, or ships sail abroad from there."""
        return self.size == "L" or self.links > 0


@dataclass(frozen=True, slots=True)
class Found:
    """A port and how sure it is, from 0 to 1."""

    port: Port
    confidence: float

    def at_most(self, confidence: float) -> Found:
        """Return the same port, no surer than that."""
        return Found(self.port, min(self.confidence, confidence))
