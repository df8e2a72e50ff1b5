"""Words of a destination text -> the one port that all of them together name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from vesselflow.core.destination_words import NOISE, SHORT_FOR
from vesselflow.core.port import ANYWHERE, BY_LOCODE, BY_SPELLING, Countries, Found
from vesselflow.core.ports_gazetteer import Gazetteer
from vesselflow.core.spelling import key, without_digraphs

#: U.S.A. is one word; the point in ST.JOHNS parts two.
_INITIALS: Final = re.compile(r"(?<![A-Z0-9])(?:[A-Z]\.)+[A-Z](?![A-Z0-9])\.?")
_WORDS: Final = re.compile(r"[A-Z0-9]+")


def words_of(text: str) -> list[str]:
    """Return the words of a plain text (`spelling.plain`).

    >>> words_of("NEW YORK U.S.A."), words_of("P'COLA"), words_of("ST.JOHNS")
    (['NEW', 'YORK', 'USA'], ['PCOLA'], ['ST', 'JOHNS'])
    """
    text = text.replace("'", "")
    if "." in text:
        text = _INITIALS.sub(lambda found: found[0].replace(".", ""), text)
    return _WORDS.findall(text)


def telling(words: list[str]) -> list[str]:
    """Return those of *words* that may be a part of a name."""
    return [word for word in words if word not in NOISE and len(word) > 1 and word.isalpha()]


def coded(words: list[str], ports: Gazetteer) -> Found | None:
    """Return the port whose UN/LOCODE *words* are, with country and place in one word, in two, or the other way round.

    A name wins over a code that looks like it. XX is a course in Japan, none; the three letters before it are a port of Japan.

    Source: IMO SN.1/Circ.244/Rev.1; Japan Coast Guard, "Entry of information on destination in AIS" (2010).
    """
    first, second = words[0] if words else "", words[1] if len(words) == 2 else ""
    port, confidence = None, BY_LOCODE
    if len(words) == 1 and len(first) == 5 and not ports.knows(first):
        port = ports.port(first)
    elif len(first) == 2 and len(second) in (3, 5):
        port = ports.port(first + second.replace("0", "O").removesuffix("XX"))
    elif len(first) == 3 and second == "XX":
        port = ports.port("JP" + first)
    elif len(first) == 3 and len(second) == 2 and not ports.knows(first + second):
        port, confidence = ports.port(second + first), BY_SPELLING
    return Found(port, confidence) if port else None


def named(words: list[str], ports: Gazetteer, countries: Countries = ANYWHERE) -> Found | None:
    """Return the port that *words* are a name or a spelling of; nothing for one word that is noise."""
    if not telling(words) and len(words) < 2:
        return None
    name = key(words)
    if ports.knows(name):
        return ports.named(name, countries)
    found = ports.named(without_digraphs(name), countries)
    if not found and words[0] in SHORT_FOR:
        found = next(filter(None, (ports.named(each, countries) for each in spellings(words))), None)
    return found.at_most(BY_SPELLING) if found else None


def spellings(words: list[str]) -> Iterator[str]:
    """Yield the key of *words*, and of all that the first of several may be short for."""
    yield key(words)
    if len(words) > 1:
        yield from (key([first, *words[1:]]) for first in SHORT_FOR.get(words[0], ()))
