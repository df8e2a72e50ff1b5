"""Any mapping that describes a vessel -> `VesselState`: other names of its fields, numbers as text.

One table of names for everyone: ingest reads JSON with it, the CSV source its header.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from vesselflow.core.errors import InvalidRecord
from vesselflow.core.model import VesselState
from vesselflow.core.times import milliseconds

MAX_TEXT: Final = 200
_MAX_NAME: Final = 40
_LARGEST: Final = 2**53

#: Field of `VesselState` -> other names, in small letters without blanks, underscores and hyphens.
#: Source: the CSV headers and JSON of MarineCadastre, Dstl (Solent), Global Fishing Watch, Digitraffic, aisstream.io,
#: gpsdecode and Signal Ocean.
_ALIASES: Final = {
    "IMO": "imo imonumber imono vesselimo",
    "MMSI": "mmsi ssvid userid mmsinumber vesselmmsi",
    "Latitude": "latitude lat latitudedegrees latdeg decimallatitude y",
    "Longitude": "longitude lon lng long longitudedegrees londeg decimallongitude x",
    "AISDestination": "aisdestination destination dest reporteddestination",
    "Timestamp": "timestamp time datetime basedatetime timeutc receivedtime positiontime updatedat t ts",
    "SpeedOverGround": "speedoverground sog speed sogknots sogkn speedknots",
    "CourseOverGround": "courseoverground cog course cogdegrees cogdeg",
    "Heading": "heading trueheading headingdeg hdg",
    "NavigationalStatus": "navigationalstatus navstatus navstat status navigationstatus",
    "VesselName": "vesselname name shipname",
    "CallSign": "callsign",
    "VesselType": "vesseltype shiptype shipandcargotype vesseltypecode",
    "Flag": "flag flagcode countrycode",
    "Draught": "draught draft maximumstaticdraught",
    "ETA": "eta",
    "Length": "length lengthm shiplength",
    "Width": "width beam breadth widthm",
    "MessageType": "messagetype msgtype messageid",
}
_FIELD_OF: Final = {alias: field for field, aliases in _ALIASES.items() for alias in aliases.split()}


@lru_cache(maxsize=4096)
def field_of(name: str) -> str | None:
    """Return the field of `VesselState` that *name* is another name of, in any case; None when it is none."""
    return _FIELD_OF.get(name.strip().lower().replace("_", "").replace(" ", "").replace("-", ""))


def state_of(element: object) -> tuple[VesselState, int]:
    """Return *element* as a state, and how many of its lesser values could not be read and are left out.

    The contract's own names win over other names of the same field.

    Raises:
        InvalidRecord: not a mapping, or an identity, position or time that cannot be read.
    """
    if not isinstance(element, Mapping):
        raise InvalidRecord("not-a-state", f"expected an object, got {type(element).__name__}")
    state, unread = VesselState(), 0
    for field, value in _known(element).items():
        try:
            setattr(state, field, _READERS[field](field, value))
        except InvalidRecord:
            if field in _ESSENTIAL:
                raise
            unread += 1
    return state, unread


def _known(element: Mapping[Any, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, value in element.items():
        if value is None or not isinstance(name, str) or len(name) > _MAX_NAME:
            continue
        field = field_of(name)
        if field and (field == name or field not in known):
            known[field] = value
    return known


def _number(field: str, value: object) -> float | None:
    """Return a number, None for blank and NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _bad(field, value)
    try:
        number = float(value) if not isinstance(value, str) or value.strip() else math.nan
    except (ValueError, OverflowError) as error:
        raise _bad(field, value) from error
    if math.isnan(number):
        return None
    if abs(number) > _LARGEST:
        raise _bad(field, value)
    return number


def _integer(field: str, value: object) -> int | None:
    if field == "IMO" and isinstance(value, str):
        value = value.strip().upper().removeprefix("IMO")
    number = _number(field, value)
    if number is None:
        return None
    if number != int(number):
        raise _bad(field, value)
    return int(number)


def _text(field: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _bad(field, value)
    return value[:MAX_TEXT] if isinstance(value, str) else _digits(field, value)


def _digits(field: str, value: int | float) -> str:
    if not abs(value) < _LARGEST:
        raise _bad(field, value)
    return str(value)


def _code_or_text(field: str, value: object) -> int | str | None:
    if isinstance(value, str) and not value.strip().isdecimal():
        return value[:MAX_TEXT]
    return _integer(field, value)


def _time(field: str, value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _bad(field, value)
    return milliseconds(value)


def _bad(field: str, value: object) -> InvalidRecord:
    shown = repr(value)[:40] if isinstance(value, str | float | bool) else type(value).__name__
    return InvalidRecord(_REASONS.get(field, "bad-value"), f"expected {field} to be a value of its kind, got {shown}")


_REASONS: Final = {
    "IMO": "bad-imo",
    "MMSI": "bad-mmsi",
    "Latitude": "bad-position",
    "Longitude": "bad-position",
    "Timestamp": "bad-time",
}
_ESSENTIAL: Final = frozenset(_REASONS)
_READERS: Final[dict[str, Callable[[str, object], Any]]] = {
    **dict.fromkeys(("IMO", "MMSI", "NavigationalStatus", "MessageType"), _integer),
    **dict.fromkeys(("AISDestination", "VesselName", "CallSign", "Flag", "ETA"), _text),
    "VesselType": _code_or_text,
    "Timestamp": _time,
    **dict.fromkeys(
        ("Latitude", "Longitude", "SpeedOverGround", "CourseOverGround", "Heading", "Draught", "Length", "Width"),
        _number,
    ),
}
