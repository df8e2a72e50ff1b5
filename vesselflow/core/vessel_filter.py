"""Which vessels a client or a fence means: by number, type or flag."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import force_setattr


class VesselFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Vessels of which any list matches. Types match in any case; flags too."""

    imo: frozenset[int] = frozenset()
    mmsi: frozenset[int] = frozenset()
    types: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        force_setattr(self, "types", frozenset(map(str.casefold, self.types)))
        force_setattr(self, "flags", frozenset(map(str.casefold, self.flags)))

    def includes(self, *, imo: int | None, mmsi: int | None, ship_type: str | None, flag: str | None) -> bool:
        """Tell whether any list holds the vessel; what is not known of it matches nothing."""
        return (
            (bool(imo) and imo in self.imo)
            or (bool(mmsi) and mmsi in self.mmsi)
            or (ship_type is not None and ship_type.casefold() in self.types)
            or (flag is not None and flag.casefold() in self.flags)
        )


Vessels = Literal["all"] | VesselFilter
