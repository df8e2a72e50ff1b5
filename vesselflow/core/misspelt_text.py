"""Words of a destination text in which no name is -> the port whose name they nearly are."""

from __future__ import annotations

from typing import Final

from vesselflow.core.countries import COUNTRIES_OF
from vesselflow.core.destination_words import AREAS, NOISE, WATERS
from vesselflow.core.place import AREA, INITIALS, NOTHING, UNKNOWN, Place
from vesselflow.core.port import BY_SPELLING, BY_TWO_LETTERS, Countries, Found
from vesselflow.core.port_words import named, spellings
from vesselflow.core.ports_gazetteer import Gazetteer
from vesselflow.core.spelling import key

_LOOKS_LIKE: Final = str.maketrans("015", "OIS")
_LEAST_LETTERS: Final = 4


def read_misspelt(words: list[str], ports: Gazetteer, countries: Countries) -> Place:
    """Return the port whose name *words* nearly are, without those that are no part of a name, or what else they are."""
    core, beside = _core(words, countries)
    if not core:
        return NOTHING
    if own := COUNTRIES_OF.get(" ".join(core)):
        return Place("country", countries=own)
    if key(core) in AREAS or not WATERS.isdisjoint(words):
        return AREA
    if all(len(word) < _LEAST_LETTERS for word in core):
        return INITIALS
    if found := named(core, ports, beside):
        return Place("port", found.at_most(BY_SPELLING))
    found = _like(core, ports, beside)
    return Place("port", found) if found else UNKNOWN


def _core(words: list[str], countries: Countries) -> tuple[list[str], Countries]:
    """Return those of *words* that may be a name, digits that look like letters as such, and the countries at their end."""
    core = [
        word.translate(_LOOKS_LIKE) for word in words if word.isalpha() or sum(map(str.isalpha, word)) >= _LEAST_LETTERS
    ]
    core = [word for number, word in enumerate(core) if word not in NOISE and (len(word) > 1 or not number)]
    beside = countries
    while len(core) > 1 and core[-1] in COUNTRIES_OF:
        beside = countries or COUNTRIES_OF[core.pop()]
    return core, beside


def _like(words: list[str], ports: Gazetteer, countries: Countries) -> Found | None:
    """Return the port whose name *words* are nearly, with or without a country's code before it."""
    name = key(words)
    if ports.knows(name):
        return None
    found = next(filter(None, (ports.like(each, countries) for each in spellings(words))), None)
    if found and found.confidence <= BY_TWO_LETTERS and len(words) > 1:
        found = None
    if not found and len(words) > 1 and len(words[0]) == 2 and words[0] in COUNTRIES_OF:
        found = ports.like(key(words[1:]), COUNTRIES_OF[words[0]])
    return found
