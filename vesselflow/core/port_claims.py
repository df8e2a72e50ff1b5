"""A name that several ports have -> the port that is meant by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vesselflow.core.port import BY_IMPORTANCE, BY_NAME, BY_SPELLING, Countries, Found, Port
from vesselflow.core.spelling import name_key, without_digraphs

#: How strong the claim of an alias is: nobody doubts which port it means.
KNOWN_AS: Final = 1000

#: Of two ports of one name the more important one is meant when it is so by two sizes of harbour, and surely by three.
_CLEARLY: Final = 20
_SURELY: Final = 30
#: A port's other names count for less: Shekou is also "Chiwan", which is a port of its own. So does a name without its Harbour.
_OTHER_NAME: Final = 30
#: Names this short are those of hamlets, unless something is known of the port.
_SHORT: Final = 3
_NEAR_DEG: Final = 0.7
_BEHIND: Final = frozenset({"UPON", "ON", "AM", "SUR", "DE", "DEL", "DO", "DA"})
_GENERIC: Final = frozenset({"PORT", "HARBOR", "HARBOUR", "HAVN", "HAMN", "HAVEN", "GANG", "KO", "ISLAND", "TERMINAL"})
_GENERIC_FIRST: Final = ("PUERTO DE ", "PORTO DE ", "PORTO DI ", "PORT DE ", "PUERTO ", "BANDAR ")


@dataclass(frozen=True, slots=True)
class Claim:
    """That a port has a name, and how strong its claim is."""

    port: Port
    strength: int

    @property
    def is_lesser(self) -> bool:
        """Whether the name is not the port's own, or only a part of it."""
        return self.strength < self.port.importance


def names_of(port: Port) -> Iterator[tuple[str, int]]:
    """Yield each name that a port is found by, and how strong its claim to it is."""
    strengths: dict[str, int] = {}
    for name in (port.name, *port.other_names):
        strength = port.importance - (_OTHER_NAME if strengths else 0)
        for each, less in _forms(name):
            if len(each) > _SHORT or port.importance > 0:
                strengths.setdefault(each, strength - less)
    yield from strengths.items()


def _forms(name: str) -> Iterator[tuple[str, int]]:
    """Yield the keys of *name*, and of what is left of it without words such as Harbour; those count for less."""
    for some, less, fewest in ((name, 0, 2), (_without_generic(name), _OTHER_NAME, 5)):
        whole = name_key(some)
        if len(whole) >= fewest:
            yield whole, less
            if len(folded := without_digraphs(whole)) > _SHORT:
                yield folded, less


def _without_generic(name: str) -> str:
    """Return *name* without what is no part of it in speech.

    >>> _without_generic("Skagen Havn"), _without_generic("Newcastle upon Tyne"), _without_generic("Porto di Crotone")
    ('SKAGEN', 'NEWCASTLE', 'CROTONE')
    """
    name = " ".join(name.upper().replace("-", " ").split())
    for first in _GENERIC_FIRST:
        if name.startswith(first):
            return name.removeprefix(first)
    words = name.split()
    behind = next((place for place, word in enumerate(words) if place and word in _BEHIND), len(words))
    behind = next((place for place, word in enumerate(words) if place and word.startswith("D'")), behind)
    return " ".join(words[:-1] if len(words) > 1 and words[-1] in _GENERIC else words[:behind])


def strongest_first(claims: list[Claim]) -> tuple[Claim, ...]:
    """Return *claims* to one name, the strongest first; of a place with two codes the one that more ships use."""
    if len(claims) == 1:
        return (claims[0],)
    kept: list[Claim] = []
    for claim in sorted(
        claims, key=lambda claim: (claim.is_lesser, -claim.port.links, -claim.strength, claim.port.locode)
    ):
        if not any(_same_place(claim.port, other.port) for other in kept):
            strongest = max(other.strength for other in claims if _same_place(claim.port, other.port))
            kept.append(Claim(claim.port, strongest))
    return tuple(sorted(kept, key=lambda claim: -claim.strength))


def _same_place(one: Port, other: Port) -> bool:
    """Return whether two ports are of one country and lie within half a degree or so."""
    if one.lon_deg is None or one.lat_deg is None or other.lon_deg is None or other.lat_deg is None:
        return one is other
    is_near = abs(one.lon_deg - other.lon_deg) < _NEAR_DEG and abs(one.lat_deg - other.lat_deg) < _NEAR_DEG
    return is_near and one.country == other.country


def chosen(claims: tuple[Claim, ...], countries: Countries) -> Found | None:
    """Return the port meant by a name that *claims* are made to, the strongest first; in one of *countries* if any are given.

    None when none of several is clearly the most important and well known.
    """
    if countries:
        claims = tuple(claim for claim in claims if claim.port.is_in(countries))
    if len(claims) == 1 or (claims and claims[0].strength == KNOWN_AS):
        return Found(claims[0].port, BY_NAME)
    if not claims or claims[0].strength < claims[1].strength + _CLEARLY or not claims[0].port.is_well_known:
        return None
    if claims[1].strength <= 0:
        return Found(claims[0].port, BY_NAME)
    return Found(claims[0].port, BY_SPELLING if claims[0].strength >= claims[1].strength + _SURELY else BY_IMPORTANCE)
