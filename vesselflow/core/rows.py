"""A table's header -> a reader that makes a vessel state of each row of texts.

The same as `fields.state_of` makes of a mapping, at a tenth of the price: what a column means is looked up once.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from vesselflow.core.errors import InvalidRecord
from vesselflow.core.fields import ESSENTIAL, LARGEST, MAX_TEXT, field_of, rank_of, read_value, state_of
from vesselflow.core.model import VesselState
from vesselflow.core.times import milliseconds

#: Turns a text into a value, or raises a ValueError where `fields.read_value` has to look at it.
_Quick = Callable[[str], Any]
#: Where a column stands, its field, and how it is read.
_Column = tuple[int, str, _Quick]


class RowReader:
    """Reads the rows of one table; *time_of* reads its times.

    Columns may have any of the names that `fields` knows; others are passed over. Of several for one field the one
    with the name that counts first is read, and where that is blank the next.
    """

    def __init__(self, names: Sequence[str], *, time_of: Callable[[str], int | None] = milliseconds) -> None:
        self._width = len(names)
        # In most tables many vessels share a second.
        quick = _QUICK | {"Timestamp": lru_cache(maxsize=1024)(time_of)}
        known = [(index, field) for index, name in enumerate(names) if (field := field_of(name))]
        known.sort(key=lambda column: (rank_of(names[column[0]]), column[0]))
        columns = [(index, field, quick[field]) for index, field in known]
        first: dict[str, _Column] = {}
        for column in columns:
            first.setdefault(column[1], column)
        self._first = list(first.values())
        self._others = [column for column in columns if column is not first[column[1]]]

    @property
    def fields(self) -> set[str]:
        """The fields of `VesselState` that the table has a column for."""
        return {field for _, field, _ in self._first}

    def read(self, row: Sequence[str]) -> tuple[VesselState, int]:
        """Return the state in *row*, and how many of its lesser values could not be read and are left out.

        A row that is too short lacks its last values; what is too much in a longer one is passed over.

        Raises:
            InvalidRecord: an identity, position or time that cannot be read.
        """
        if len(row) < self._width:
            row = [*row, *[""] * (self._width - len(row))]
        known: dict[str, Any] = {}
        unread = 0
        for index, field, quick in self._first:
            if text := row[index]:
                try:
                    known[field] = quick(text)
                except ValueError:
                    unread += _read_slowly(known, field, text)
        for index, field, _ in self._others:
            if field not in known:
                unread += _read_slowly(known, field, row[index])
        if unread and not (known.get("IMO") or known.get("MMSI")):
            # Raises, when it is the identity that cannot be read.
            state_of({field: row[index] for index, field, _ in self._first})
        return VesselState(**known), unread


def _read_slowly(known: dict[str, Any], field: str, text: str) -> int:
    """Put into *known* what *text* holds for *field*; return 1 when it is lost."""
    if not text.strip():
        return 0
    try:
        value = read_value(field, text)
    except InvalidRecord:
        if field in ESSENTIAL:
            raise
        return 1
    if value is not None:
        known[field] = value
    return 0


def _number(text: str) -> float:
    number = float(text)
    if -LARGEST <= number <= LARGEST:
        return number
    raise ValueError(text)


def _integer(text: str) -> int:
    number = int(text)
    if -LARGEST <= number <= LARGEST:
        return number
    raise ValueError(text)


def _imo(text: str) -> int:
    # As MarineCadastre writes it.
    return _integer(text.removeprefix("IMO"))


def _text(text: str) -> str:
    if text.isspace():
        raise ValueError(text)
    return text[:MAX_TEXT]


def _code_or_text(text: str) -> int | str:
    return _integer(text) if text.strip().isdecimal() else _text(text)


_QUICK: Final[dict[str, _Quick]] = {
    "IMO": _imo,
    **dict.fromkeys(("MMSI", "NavigationalStatus", "MessageType"), _integer),
    **dict.fromkeys(("AISDestination", "VesselName", "CallSign", "Flag", "ETA"), _text),
    "VesselType": _code_or_text,
    **dict.fromkeys(
        ("Latitude", "Longitude", "SpeedOverGround", "CourseOverGround", "Heading", "Draught", "Length", "Width"),
        _number,
    ),
}
