"""What a part of a destination text names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from vesselflow.core.port import ANYWHERE, Countries, Found

Kind = Literal["port", "area", "nothing", "country", "unknown"]


@dataclass(frozen=True, slots=True)
class Place:
    """What a part of a text names: ``found`` for a port, beside strange words or not, ``countries`` for a country."""

    kind: Kind
    found: Found | None = None
    countries: Countries = ANYWHERE
    is_among_strange: bool = False


NOTHING: Final = Place("nothing")
UNKNOWN: Final = Place("unknown")
#: A few letters that are no code of ours.
INITIALS: Final = Place("unknown")
AREA: Final = Place("area")
