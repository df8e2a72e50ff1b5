"""The text that a crew types as destination -> port, area, orders, unknown or empty.

The text is free. IMO recommends UN/LOCODEs, "NL RTM" or "DE HAM>NL RTM" with the next port on the right
(SN.1/Circ.244/Rev.1); Japan demands ">JP TYO A" with a course in the port. Most crews write what they like.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from vesselflow.core.destination_words import EMPTY, ORDERS, PILOTS
from vesselflow.core.eri import locode_in
from vesselflow.core.place import INITIALS, NOTHING, UNKNOWN, Place
from vesselflow.core.place_text import read_whole, read_words
from vesselflow.core.port import BY_LOCODE
from vesselflow.core.port_words import words_of
from vesselflow.core.ports_gazetteer import Gazetteer, gazetteer
from vesselflow.core.spelling import key, plain

#: How sure everything is that is no port.
SAID: Final = 0.95
NOT_SAID: Final = 0.0

_ORDERS_NORMAL: Final = "FOR ORDERS"
_BOTH_WAYS: Final = re.compile(r"[-=]*<[-=<\s]*>[-=>]*")
_ARROW: Final = re.compile(r"[-=]*>[-=>\s]*|(?<=[A-Z])\s+TO\s+(?=[A-Z])")
_AND_BACK: Final = re.compile(r"(?<![A-Z])(?:V\W?V|T/R|RETUR|RETURN|RTN)(?![A-Z])")
_VIA: Final = re.compile(r"(?<![A-Z])VIA(?![A-Z]).*")
_DASH: Final = re.compile(r"\s*(?:-+|=+)\s*")
_EITHER: Final = re.compile(r"\s*(?:[/\\&+_]|(?<![A-Z])OR(?![A-Z])|(?<![A-Z])AND(?![A-Z]))\s*")

Join = Callable[[list[Place]], tuple[Place, Place]]


@dataclass(frozen=True, slots=True)
class Destination:
    """What a destination text says.

    ``locode`` and ``name`` are those of the next port, ``origin_locode`` is that of the port that the ship comes from; all are
    None where the text does not say. The confidence runs from 0, nothing known, to 1, a UN/LOCODE.
    """

    raw: str
    kind: Literal["port", "area", "orders", "unknown", "empty"]
    locode: str | None = None
    name: str | None = None
    origin_locode: str | None = None
    confidence: float = NOT_SAID

    @property
    def normal(self) -> str:
        """The form in which two texts are compared: the UN/LOCODE of a port, else the words in capitals.

        Every spelling of "for orders" is FOR ORDERS, empty is "", and an ERI code of a place that is no port of ours is its
        first five letters.
        """
        if self.locode:
            return self.locode
        if self.kind in ("orders", "empty"):
            return _ORDERS_NORMAL if self.kind == "orders" else ""
        text = plain(self.raw)
        return locode_in(text) or " ".join(words_of(text)) or text


def normalise(text: str | None, ports: Gazetteer | None = None) -> Destination:
    """Return what *text* says, by the table of ports that comes with the package or by *ports*."""
    raw = text or ""
    legible = plain(raw)
    words = words_of(legible)
    if not words or key(words) in EMPTY:
        return Destination(raw, "empty", confidence=SAID)
    ports = ports or gazetteer()
    if code := locode_in(legible):
        port = ports.port(code)
        return Destination(raw, "port", code, port.name, None, BY_LOCODE) if port else Destination(raw, "unknown")
    said, orders = ORDERS.subn(" ", legible)
    place, origin = _read(said, ports)
    return _destination(raw, place, origin, has_orders=orders > 0)


def _destination(raw: str, place: Place, origin: Place, *, has_orders: bool) -> Destination:
    origin_locode = origin.found.port.locode if origin.found else None
    if place.found:
        port = place.found.port
        return Destination(raw, "port", port.locode, port.name, origin_locode, place.found.confidence)
    if has_orders:
        return Destination(raw, "orders", None, None, origin_locode, SAID)
    if place.kind in ("area", "country"):
        return Destination(raw, "area", None, None, origin_locode, SAID)
    return Destination(raw, "unknown", None, None, origin_locode)


def _read(text: str, ports: Gazetteer) -> tuple[Place, Place]:
    """Return the place that *text* leads to and the one that it says the ship comes from."""
    if _BOTH_WAYS.search(text):
        return _both_ways([_read_leg(leg, ports)[0] for leg in _BOTH_WAYS.split(text)]), NOTHING
    legs = [leg for leg in _ARROW.split(text) if words_of(leg)]
    if not legs:
        return NOTHING, NOTHING
    if len(legs) == 1:
        place, origin = _read_leg(legs[0], ports)
        return (UNKNOWN, NOTHING) if origin.found and _AND_BACK.search(text) else (place, origin)
    places = [_read_leg(leg, ports)[0] for leg in legs]
    return _route([UNKNOWN if place.kind == "nothing" else place for place in places])


def _read_leg(text: str, ports: Gazetteer) -> tuple[Place, Place]:
    """Return where a part without arrows leads to and comes from.

    A-B leads from A to B, A/B to either; but LA-SPEZIA and NEW/ORLEANS are names, and GDANSK-POLAND has one port.
    """
    text = _VIA.sub("", text)
    if place := read_whole(text, ports):
        return place, NOTHING
    for separator, join in ((_DASH, _route), (_EITHER, _one_of)):
        parts = [part for part in separator.split(text) if words_of(part)]
        if len(parts) > 1:
            place, origin = _read_parts(parts, join, ports)
            return (place, origin) if place.found else (_name_with_dash(text, ports) or place, origin)
    return read_words(text, ports), NOTHING


def _read_parts(parts: list[str], join: Join, ports: Gazetteer) -> tuple[Place, Place]:
    """Return what *join* makes of the places of *parts*; a country among them says which port of a name another is."""
    if len(parts) > 2 and words_of(parts[0]) == words_of(parts[-1]):
        return UNKNOWN, NOTHING
    places = [_read_part(part, ports) for part in parts]
    telling = [place for place in places if place.kind not in ("nothing", "country")]
    if len(telling) > 1:
        return join(places)
    countries = frozenset[str]().union(*(place.countries for place in places))
    if telling and countries:
        part = parts[places.index(telling[0])]
        return read_whole(part, ports, countries) or read_words(part, ports, countries), NOTHING
    return telling[0] if telling else places[0], NOTHING


def _read_part(part: str, ports: Gazetteer) -> Place:
    """Return what *part* of a text names; the pilot station of some waters says nothing of where the ship goes."""
    place = _read_leg(part, ports)[0]
    return NOTHING if place.kind == "area" and not PILOTS.isdisjoint(words_of(part)) else place


def _name_with_dash(text: str, ports: Gazetteer) -> Place | None:
    """Return the port whose name has a dash in it and no strange words beside it: UST-LUGA RUSSIA."""
    place = read_words(text, ports)
    return place if place.found and not place.is_among_strange else None


def _route(places: list[Place]) -> tuple[Place, Place]:
    """Return the last of *places* and the first port before it; unknown for there and back."""
    telling = [place for place in places if place.kind != "nothing"] or places
    last, first = telling[-1], telling[0]
    if len(telling) > 2 and last.found and first.found and last.found.port is first.found.port:
        return UNKNOWN, NOTHING
    origin = next((place for place in telling[:-1] if place.found), NOTHING)
    is_same = origin.found and last.found and origin.found.port is last.found.port
    return last, NOTHING if is_same else origin


def _one_of(places: list[Place]) -> tuple[Place, Place]:
    """Return the only port of *places*; unknown when another of them may be the next.

    After a UN/LOCODE a few letters are no place: ``JP YOK K/NNX`` is Yokohama, its course K, by the route NNX.
    """
    is_coded = any(place.found and place.found.confidence == BY_LOCODE for place in places)
    return _only([place for place in places if not (is_coded and place is INITIALS)]), NOTHING


def _both_ways(places: list[Place]) -> Place:
    """Return the port of a line that names only one, beside waters: SOUND<>HELSINGOR."""
    return _only([NOTHING if place.kind == "area" else place for place in places])


def _only(places: list[Place]) -> Place:
    """Return the place that is meant when only one of *places* is one, or all are the same port."""
    telling = [place for place in places if place.kind not in ("nothing", "country")]
    ports = {place.found.port.locode if place.found else "" for place in telling}
    if len(ports) == 1 and (telling[0].found or len(telling) == 1):
        return telling[0]
    return UNKNOWN if telling else places[0]
