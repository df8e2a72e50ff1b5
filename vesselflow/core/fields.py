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
LARGEST: Final = 2**53

#: Field of `VesselState` -> other names, in small letters without blanks, underscores and hyphens.
#: Of several names in one table the earlier one here counts.
#: Source: the CSV headers and JSON of MarineCadastre, the Danish Maritime Authority, Kystverket, Dstl (Solent), Global
#: Fishing Watch, Digitraffic, aisstream.io, gpsdecode and Signal Ocean.
_ALIASES: Final = {
    "IMO": "imo imonumber imono vesselimo",
    "MMSI": "mmsi ssvid userid mmsinumber vesselmmsi",
    "Latitude": "latitude lat latitudedegrees latitudedeg latdeg decimallatitude y",
    "Longitude": "longitude lon lng long longitudedegrees longitudedeg londeg decimallongitude x",
    "AISDestination": "aisdestination destination dest reporteddestination",
    "Timestamp": (
        "timestamp time datetime basedatetime timeutc timestamputc datetimeutc positiontime msgtime unixtime epoch "
        "receivedtime updatedat t ts"
    ),
    "SpeedOverGround": "speedoverground sog speed sogknots sogkn sogkts speedknots speedkn speedkts",
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
_RANK: Final = {alias: rank for aliases in _ALIASES.values() for rank, alias in enumerate(aliases.split())}
_IDENTITY: Final = ("IMO", "MMSI")


@lru_cache(maxsize=4096)
def field_of(name: str) -> str | None:
    """Return the field of `VesselState` that *name* is another name of, in any case; None when it is none."""
    return _FIELD_OF.get(_plain(name))


def rank_of(name: str) -> int:
    """Return the place of *name* among the names of its field, 0 for the one that counts first."""
    return _RANK[_plain(name)]


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "").replace(" ", "").replace("-", "")


def state_of(element: object) -> tuple[VesselState, int]:
    """Return *element* as a state, and how many of its lesser values could not be read and are left out.

    The contract's own names win over other names of the same field. Of two identities one is enough.

    Raises:
        InvalidRecord: not a mapping, or an identity, position or time that cannot be read.
    """
    if not isinstance(element, Mapping):
        raise InvalidRecord("not-a-state", f"expected an object, got {type(element).__name__}")
    state, errors = VesselState(), list[tuple[str, InvalidRecord]]()
    for field, value in _known(element).items():
        try:
            setattr(state, field, read_value(field, value))
        except InvalidRecord as error:
            errors.append((field, error))
    for field, reason in errors:
        if field in ESSENTIAL or (field in _IDENTITY and not (state.IMO or state.MMSI)):
            raise reason
    return state, len(errors)


def read_value(field: str, value: object) -> Any:
    """Return *value* as what *field* of `VesselState` holds, None when it says nothing.

    Raises:
        InvalidRecord: it cannot be read.
    """
    return _READERS[field](field, value)


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
    if abs(number) > LARGEST:
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
    if not abs(value) < LARGEST:
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
#: Without these a record cannot be used.
ESSENTIAL: Final = frozenset(_REASONS) - {*_IDENTITY}
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
