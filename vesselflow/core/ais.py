"""AIS codes and what they mean: ship types, navigational statuses, kinds of MMSI, flags, IMO numbers, texts.

Source: ITU-R M.1371-5 annex 8 (messages, tables 45, 46 and 53), ITU-R M.585-9 (MMSI), IMO resolution A.1117(30) (IMO number).
"""

from typing import Final

import numpy as np

from vesselflow.core.mids import FLAG_OF_MID
from vesselflow.core.model import BoolArray, FloatArray, IntArray

LATITUDE_NOT_AVAILABLE: Final = 91.0
LONGITUDE_NOT_AVAILABLE: Final = 181.0
LONG_RANGE: Final = 27

#: What the first and second digit of a ship type say together; by tens below. Source: ITU-R M.1371-5, table 53.
_TYPES: Final = {
    30: "Fishing",
    31: "Towing",
    32: "Towing",
    33: "Dredging",
    34: "Diving",
    35: "Military",
    36: "Sailing",
    37: "Pleasure craft",
    50: "Pilot",
    51: "Search and rescue",
    52: "Tug",
    53: "Port tender",
    54: "Anti-pollution",
    55: "Law enforcement",
    58: "Medical transport",
    59: "Non-combatant",
}
_TYPES_BY_TENS: Final = {
    2: "Wing in ground",
    4: "High-speed craft",
    6: "Passenger",
    7: "Cargo",
    8: "Tanker",
    9: "Other",
}

_STATUSES: Final = (
    "Under way using engine",
    "At anchor",
    "Not under command",
    "Restricted manoeuvrability",
    "Constrained by draught",
    "Moored",
    "Aground",
    "Fishing",
    "Under way sailing",
    "Reserved 9",
    "Reserved 10",
    "Towing astern",
    "Pushing or towing alongside",
    "Reserved 13",
    "AIS-SART",
)

#: First MMSI of each kind and the kind, up to the next. Leading zeros are lost in a number. Source: ITU-R M.585-9, annex 1.
_KINDS: Final = (
    (0, "invalid"),
    (2_000_000, "coast"),
    (8_000_000, "invalid"),
    (20_000_000, "group"),
    (80_000_000, "invalid"),
    (111_200_000, "aircraft"),
    (111_800_000, "invalid"),
    (200_000_000, "ship"),
    (800_000_000, "handheld"),
    (900_000_000, "invalid"),
    (970_000_000, "sart"),
    (971_000_000, "invalid"),
    (972_000_000, "mob"),
    (973_000_000, "invalid"),
    (974_000_000, "epirb"),
    (975_000_000, "invalid"),
    (982_000_000, "craft"),
    (988_000_000, "invalid"),
    (992_000_000, "aton"),
    (998_000_000, "invalid"),
)
_KIND_STARTS: Final = np.array([start for start, _ in _KINDS], dtype=np.int64)

#: By how much an MMSI of a kind is divided to leave the MID as its last three digits.
_MID_DIVISOR: Final = {
    "ship": 1_000_000,
    "coast": 10_000,
    "group": 100_000,
    "aircraft": 1_000,
    "handheld": 100_000,
    "craft": 10_000,
    "aton": 10_000,
}


def ship_type_name(code: int) -> str | None:
    """Return the name of an AIS ship type, ``Cargo`` for 70 to 79; None for 0, which is "not available".

    Reserved codes and codes beyond 99 are ``Other``.
    """
    if code == 0:
        return None
    return _TYPES.get(code) or _TYPES_BY_TENS.get(code // 10, "Other")


def nav_status_name(code: int) -> str | None:
    """Return the name of a navigational status; None for 15, "not defined", and beyond."""
    return _STATUSES[code] if 0 <= code < len(_STATUSES) else None


def mmsi_kind(mmsi: int) -> str:
    """Return what an MMSI belongs to.

    One of ship, coast, group, aircraft, handheld, craft, aton, sart, mob, epirb and invalid.
    """
    return _KINDS[int(np.searchsorted(_KIND_STARTS, mmsi, side="right")) - 1][1] if 0 <= mmsi < 10**9 else "invalid"


def is_ship(mmsi: IntArray) -> BoolArray:
    """Tell of each MMSI whether it is a ship's: nine digits, the first from 2 to 7."""
    return (mmsi >= 200_000_000) & (mmsi < 800_000_000)


def flag_of(mmsi: int) -> str | None:
    """Return the flag that an MMSI's country digits name, ISO 3166-1 alpha-2, wherever its kind has them."""
    divisor = _MID_DIVISOR.get(mmsi_kind(mmsi))
    return FLAG_OF_MID.get(mmsi // divisor % 1000) if divisor else None


def is_imo(number: int) -> bool:
    """Tell whether *number* is an IMO number: seven digits, the last one checks the others.

    Source: IMO resolution A.1117(30): six digits times 7 to 2, summed; the sum's last digit is the seventh.
    """
    return bool(are_imo(np.array([number if 0 <= number < 10**7 else 0]))[0])


def are_imo(numbers: IntArray) -> BoolArray:
    """Tell of each number whether it is an IMO number; see `is_imo`."""
    total = np.zeros_like(numbers)
    rest = numbers // 10
    for weight in range(2, 8):
        rest, digit = np.divmod(rest, 10)
        total += weight * digit
    valid: BoolArray = (numbers >= 1_000_000) & (numbers < 10_000_000) & (total % 10 == numbers % 10)
    return valid


def speeds(sog_kn: FloatArray, message_type: IntArray) -> FloatArray:
    """Return speeds with NaN for "not available": 102.3, 63 in message 27, and what no speed can be.

    102.2 means "102.2 knots or more" and stays.
    """
    # A float32 of 102.2 is a little more, so the border lies between the two codes.
    known = (sog_kn >= 0.0) & (sog_kn < 102.25) & ~((message_type == LONG_RANGE) & (sog_kn >= 63.0))
    return np.where(known, sog_kn, np.nan)


def angles(degrees: FloatArray) -> FloatArray:
    """Return courses or headings with NaN for 360, 511 and all else outside of [0, 360)."""
    return np.where((degrees >= 0.0) & (degrees < 360.0), degrees, np.nan)


def positions_missing(lon_deg: FloatArray, lat_deg: FloatArray) -> BoolArray:
    """Tell where a position says that it is not available: 181 or 91, or (0, 0), which no receiver reports in earnest."""
    null_island = (lon_deg == 0.0) & (lat_deg == 0.0)
    missing: BoolArray = (lon_deg == LONGITUDE_NOT_AVAILABLE) | (lat_deg == LATITUDE_NOT_AVAILABLE) | null_island
    return missing


def positions_valid(lon_deg: FloatArray, lat_deg: FloatArray) -> BoolArray:
    """Tell where longitude and latitude lie on Earth; NaN does not."""
    valid: BoolArray = (np.abs(lon_deg) <= 180.0) & (np.abs(lat_deg) <= 90.0)
    return valid


def clean_text(text: str) -> str:
    """Return an AIS text without what follows its ``@``, control characters, and padding; runs of blanks become one.

    Source: ITU-R M.1371-5, annex 8, 3.3.7: a text ends at the first ``@``.
    """
    text = text.partition("@")[0]
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(text.split())
