"""The part of a destination text that names one place -> the port, water or nothing that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rapidfuzz.distance import OSA

from vesselflow.core.countries import COUNTRIES_OF
from vesselflow.core.destination_words import ACTIVITIES, AREAS, NOISE, ORDINARY, WATERS, WORK
from vesselflow.core.misspelt_text import read_misspelt
from vesselflow.core.place import AREA, UNKNOWN, Place
from vesselflow.core.port import ANYWHERE, BESIDE_WORDS, Countries, Found
from vesselflow.core.port_words import coded, named, telling, words_of
from vesselflow.core.ports_gazetteer import Gazetteer
from vesselflow.core.spelling import key

#: A place on a river, in miles or kilometres.
_MILE: Final = re.compile(r"(?:LMR|UMR|MILE|MM|M|KM)[\W_]*[0-9][0-9.]*")
_LEAST_LETTERS: Final = 4
_MOST_WORDS: Final = 6
_MOST_COUNTRY_WORDS: Final = 3
#: Importance of a port that a text may well name in its middle, and of one that is more likely meant than the place around it.
_KNOWN: Final = 10
_WELL_KNOWN: Final = 20


def read_whole(text: str, ports: Gazetteer, countries: Countries = ANYWHERE) -> Place | None:
    """Return what *text* is the name or the code of as a whole, in one of *countries* if any are given; None when of nothing."""
    words = words_of(text)[:_MOST_WORDS]
    if key(words) in AREAS or _MILE.fullmatch(text):
        return AREA
    own = COUNTRIES_OF.get(" ".join(words), ANYWHERE)
    if found := coded(words, ports) or named(words, ports, countries or own):
        return Place("port", found)
    return Place("country", countries=own) if own else None


def read_words(text: str, ports: Gazetteer, countries: Countries = ANYWHERE) -> Place:
    """Return what some of the words of *text* name, in one of *countries* if any are given.

    Two ports are unknown, since nobody can say which is next, and so is there and back. Words before and after a name are
    told apart: those of waters make an area of it, a country or state says which port of that name, others make it less
    sure. When no name is found, one with a wrong letter or two is looked for.
    """
    words = words_of(text)[:_MOST_WORDS]
    if len(words) > 2 and words[0] == words[-1]:
        return UNKNOWN
    return _by_first_code(words, ports) or _by_name(words, ports, countries) or read_misspelt(words, ports, countries)


def _by_first_code(words: list[str], ports: Gazetteer) -> Place | None:
    """Return the port whose UN/LOCODE stands before a berth or a course in the port; unknown when another port follows."""
    for used in (2, 1):
        if found := coded(words[:used], ports):
            return UNKNOWN if _names_another(words[used:], found, ports) else Place("port", found)
    return None


def _by_name(words: list[str], ports: Gazetteer, countries: Countries) -> Place | None:
    """Return the one port whose name is a part of *words*, or an area that is named for it."""
    for start, stop in _parts(len(words)):
        part, rest = words[start:stop], words[:start] + words[stop:]
        if key(part) in AREAS:
            return AREA
        is_after_initial = start == 1 and len(words[0]) == 1 and words[0].isalpha()
        if not is_after_initial and (found := _part(part, words[:start], words[stop:], ports, countries)):
            place = _beside(part, rest, found, is_first=start == 0, ports=ports)
            misspelt = ports.like(key(telling(words))) if place.is_among_strange else None
            return Place("port", misspelt) if misspelt else place
    return None


def _parts(count: int) -> Iterator[tuple[int, int]]:
    """Yield start and stop of every part of *count* words but the whole, the longest first, then from the left."""
    for length in range(count - 1, 0, -1):
        for start in range(count - length + 1):
            yield start, start + length


def _part(part: list[str], before: list[str], after: list[str], ports: Gazetteer, countries: Countries) -> Found | None:
    """Return the port that the words *part* name, by the country that stands beside them."""
    if not telling(part):
        return None
    if len(part) <= 2 and (found := coded(part, ports)):
        return found
    own = COUNTRIES_OF.get(" ".join(part), ANYWHERE)
    return named(part, ports, own or countries or _country(after) or _country(before))


def _country(words: list[str]) -> Countries:
    """Return the countries that the last words of *words* may mean, or the first; the longest name counts."""
    for length in range(min(len(words), _MOST_COUNTRY_WORDS), 0, -1):
        for some in (words[-length:], words[:length]):
            if (found := COUNTRIES_OF.get(" ".join(some))) and some[0] not in NOISE:
                return found
    return ANYWHERE


def _beside(part: list[str], rest: list[str], found: Found, *, is_first: bool, ports: Gazetteer) -> Place:
    """Return what the port *found* by the words *part* is, by the words beside them.

    A name and one strange word may well be two ports; more words are rather a berth, a company or what the ship does.
    """
    if not WATERS.isdisjoint(rest) or not WORK.isdisjoint(rest):
        return AREA
    strange = [word for word in telling(rest) if word not in COUNTRIES_OF]
    is_too_small = found.port.importance < _WELL_KNOWN and not ACTIVITIES.isdisjoint(rest)
    if is_too_small or _is_ordinary(part, rest, strange):
        return UNKNOWN
    if not strange:
        return Place("port", found)
    strange = [word for word in strange if not _names(word, found, ports)]
    is_second = len(strange) == 1 and len(strange[0]) >= _LEAST_LETTERS and not _is_nearly_country(strange[0])
    if is_second or _names_another(strange, found, ports) or not (is_first or found.port.importance >= _KNOWN):
        return UNKNOWN
    return Place("port", found.at_most(BESIDE_WORDS), is_among_strange=True)


def _names(word: str, found: Found, ports: Gazetteer) -> bool:
    """Return whether *word* is another name or the UN/LOCODE of the port *found*."""
    other = coded([word], ports) or named([word], ports)
    return other is not None and other.port is found.port


def _is_nearly_country(word: str) -> bool:
    """Return whether *word* is the name of a country that was cut off or misspelt."""
    return any(
        (len(word) >= _LEAST_LETTERS and name.startswith(word)) or OSA.distance(name, word) <= min(2, len(name) // 5)
        for name in COUNTRIES_OF
        if len(name) > _LEAST_LETTERS
    )


def _is_ordinary(name: list[str], rest: list[str], strange: list[str]) -> bool:
    """Return whether a name of one word is more likely no name, by the words beside it: MOBILE 916 79 611, VAN A NAAR B."""
    if len(name) > 1:
        return False
    if name[0] in ORDINARY:
        return bool(strange) or any(word.isdigit() for word in rest)
    return bool(strange) and len(name[0]) < _LEAST_LETTERS


def _names_another(words: list[str], found: Found, ports: Gazetteer) -> bool:
    """Return whether *words* name a place besides the one *found*, be it misspelt."""
    for start, stop in [(0, len(words)), *_parts(len(words))]:
        part = words[start:stop]
        name = key(part)
        if len(name) < _LEAST_LETTERS or name in ORDINARY or not telling(part):
            continue
        other = coded(part, ports) or named(part, ports)
        if other.port is not found.port if other else ports.may_be_another(name, found.port):
            return True
    return False
