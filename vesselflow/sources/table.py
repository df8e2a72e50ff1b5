"""CSV with a header -> vessel states. The columns may have any of the names that `core.fields` knows."""

import csv
from collections.abc import Iterable, Iterator
from typing import Final

from vesselflow.core.errors import InvalidRecord, UsageError
from vesselflow.core.fields import field_of
from vesselflow.core.rows import RowReader
from vesselflow.core.times import day_first, milliseconds
from vesselflow.sources.losses import Losses, Timed

_DELIMITERS: Final = ",;\t|"
_BYTE_ORDER_MARK: Final = "\ufeff"
#: How headers of the Danish Maritime Authority begin; in its times the day comes first.
#: Source: MobilityDB Workshop, "AIS columns", which quotes the authority: "format: 31/12/2015 23:59:59".
DANISH: Final = "# Timestamp,"


def is_header(line: str) -> bool:
    """Tell whether *line* names at least two things that we know; whether these are enough `read_table` says."""
    return len({field_of(name) for name in _names(line)} - {None}) >= 2


def read_table(lines: Iterable[str], losses: Losses, *, needs_time: bool = False) -> Iterator[Timed]:
    """Yield the states in *lines*, whose first holds the names of the columns.

    Raises:
        UsageError: there is no column for the vessel, for its position, or, with *needs_time*, for the time.
    """
    lines = iter(lines)
    header = next(lines, "")
    names = _names(header)
    reader = RowReader(names, time_of=day_first if header.startswith(DANISH) else milliseconds)
    _refuse_missing(reader.fields, names, needs_time=needs_time)
    delimiter = _delimiter(header)
    for number, line in enumerate(lines, start=2):
        if line.isspace():
            continue
        try:
            state, unread = reader.read(_cells(line, delimiter))
        except InvalidRecord as error:
            losses.add(error.reason, line=number, text=line, detail=error.detail)
            continue
        if unread:
            losses.counts["bad-value"] += unread
        yield (state.Timestamp if isinstance(state.Timestamp, int) else None), state


def _cells(line: str, delimiter: str) -> list[str]:
    """Return the values in *line*, which is a row of its own: a quote that nothing closes spoils no other.

    Raises:
        InvalidRecord: ``malformed``.
    """
    if '"' not in line:
        return line.rstrip("\r\n").split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise InvalidRecord("malformed", str(error)) from error


def _refuse_missing(found: set[str], names: list[str], *, needs_time: bool) -> None:
    wanted = {"mmsi or imo": {"MMSI", "IMO"}, "lon": {"Longitude"}, "lat": {"Latitude"}}
    if needs_time:
        wanted["timestamp"] = {"Timestamp"}
    missing = [name for name, fields in wanted.items() if not fields & found]
    if missing:
        raise UsageError(
            f"expected columns for {', '.join(wanted)} (or another usual name), "
            f"got none for {' and '.join(missing)} among: {', '.join(names)}"
        )


def _names(header: str) -> list[str]:
    # A tab in front is a column without a name.
    plain = header.lstrip(_BYTE_ORDER_MARK).strip(" \r\n")
    if header.startswith(DANISH):
        plain = plain.removeprefix("# ")
    return next(csv.reader([plain], delimiter=_delimiter(header)), [])


def _delimiter(header: str) -> str:
    return max(_DELIMITERS, key=header.count)
