"""Port names and UN/LOCODEs -> `Port`.

The table comes with the package (``data/ports.csv``, sources and licences in ``data/README.md``) and is read once, when it is
first used. ``data/port_aliases.csv`` holds spellings that no list of ports has.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Final

from vesselflow.core.near_names import LONG, NearNames, sounds_like
from vesselflow.core.port import ANYWHERE, BY_ONE_LETTER, BY_TWO_LETTERS, Countries, Found, Port
from vesselflow.core.port_claims import KNOWN_AS, Claim, chosen, names_of, strongest_first
from vesselflow.core.spelling import name_key
from vesselflow.core.states_of_ports import states_at

#: In place of an alias' UN/LOCODE.
DOUBTFUL: Final = "?"


class Gazetteer:
    """Ports by UN/LOCODE and by name.

    Names are looked up by their key (`spelling.key`). An alias is a name and the UN/LOCODE of the port that it means
    before all others; with an empty UN/LOCODE the name is no port's, with ``?`` it is one's only beside its country.
    """

    def __init__(self, ports: Iterable[Port], aliases: Iterable[tuple[str, str]] = ()) -> None:
        self._ports = {port.locode: port for port in ports}
        claims: dict[str, list[Claim]] = defaultdict(list)
        for port in self._ports.values():
            for name, strength in names_of(port):
                claims[name].append(Claim(port, strength))
        self._claims = {name: strongest_first(found) for name, found in claims.items()}
        self._aliased: set[str] = set()
        self._doubtful: set[str] = set()
        for alias, locode in aliases:
            self._add_alias(name_key(alias), locode)
        self._near = NearNames(self._claims)

    def _add_alias(self, name: str, locode: str) -> None:
        if locode == DOUBTFUL:
            self._doubtful.add(name)
            return
        others = (claim for claim in self._claims.get(name, ()) if claim.port.locode != locode)
        self._claims[name] = (Claim(self._ports[locode], KNOWN_AS), *others) if locode else ()
        self._aliased.add(locode)

    @classmethod
    def from_bytes(cls, ports: bytes, aliases: bytes = b"") -> Gazetteer:
        """Return the gazetteer of a table of ports and one of aliases, both CSV with a header, UTF-8."""
        rows = csv.DictReader(aliases.decode().splitlines())
        return cls(
            map(_port, csv.DictReader(ports.decode().splitlines())), ((row["alias"], row["locode"]) for row in rows)
        )

    def __len__(self) -> int:
        return len(self._ports)

    def __iter__(self) -> Iterator[Port]:
        return iter(self._ports.values())

    def port(self, locode: str) -> Port | None:
        """Return the port with that UN/LOCODE, written without a blank; None when the table has none."""
        return self._ports.get(locode)

    def knows(self, name: str) -> bool:
        """Return whether that is the name of a port or an alias, even if nobody can say of which port."""
        return name in self._claims

    def named(self, name: str, countries: Countries = ANYWHERE) -> Found | None:
        """Return the port with that name, in one of *countries* if any are given.

        None when there is none, and when several have the name and none is clearly the most important.
        """
        claims = self._claims.get(name) if countries or name not in self._doubtful else ()
        return chosen(claims, countries) if claims else None

    def like(self, name: str, countries: Countries = ANYWHERE) -> Found | None:
        """Return the port whose name is that but for one letter (of 6 or more) or two (of 9 or more).

        None also when names of several ports are as near, and for ports so small that the text is more likely a place that
        is no port. What counts as a letter is said by `NearNames.nearest`.
        """
        apart, names = self._near.nearest(name)
        found = [self.named(each, countries) for each in names]
        first = found[0] if found else None
        if first is None or any(other is None or other.port is not first.port for other in found):
            return None
        if not self._is_known(first.port, _least_importance(name, names, apart)):
            return None
        return first.at_most(BY_ONE_LETTER if apart == 1 else BY_TWO_LETTERS)

    def may_be_another(self, name: str, port: Port) -> bool:
        """Return whether that may be a name of another port than *port*, be it misspelt by one letter of five."""
        if name in self._claims:
            found = self.named(name)
            return found is None or found.port is not port
        others = [self.named(other) for other in self._near.nearest(name, one_letter_from=5)[1] if other[0] == name[0]]
        return any(other is None or (other.port is not port and self._is_known(other.port, 20)) for other in others)

    def _is_known(self, port: Port, importance: int) -> bool:
        """Return whether *port* is as important as that, or has an alias, which small ports have not."""
        return port.importance >= importance or port.locode in self._aliased


def _least_importance(name: str, names: list[str], apart: int) -> int:
    """Return how important the port must be whose *names* differ from *name* by that many letters."""
    if apart > 1:
        return 30
    if len(name) < LONG or any(each[0] != name[0] for each in names):
        return 20
    return 10 if all(sounds_like(name, each) for each in names) else 40


@lru_cache(maxsize=1)
def gazetteer() -> Gazetteer:
    """Return the ports that come with the package."""
    data = resources.files("vesselflow.core").joinpath("data")
    return Gazetteer.from_bytes(data.joinpath("ports.csv").read_bytes(), data.joinpath("port_aliases.csv").read_bytes())


def _port(row: dict[str, str]) -> Port:
    lon_deg = float(row["lon"]) if row["lon"] else None
    lat_deg = float(row["lat"]) if row["lat"] else None
    return Port(
        locode=row["locode"],
        name=row["name"],
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        size=row["size"],
        links=int(row["links"]),
        other_names=tuple(filter(None, row["other_names"].split(";"))),
        states=states_at(row["locode"][:2], lon_deg=lon_deg, lat_deg=lat_deg),
    )
