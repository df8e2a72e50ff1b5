"""CSV with a header -> vessel states. The columns may have any of the names that `core.fields` knows."""

import csv
from collections.abc import Iterable, Iterator

from vesselflow.core.errors import InvalidRecord, UsageError
from vesselflow.core.fields import field_of, state_of
from vesselflow.sources.losses import Losses, Timed

_DELIMITERS = ",;\t|"


def is_header(line: str) -> bool:
    """Tell whether *line* names a vessel and a position."""
    fields = {field_of(name) for name in _split(line)}
    return bool(fields & {"MMSI", "IMO"}) and {"Latitude", "Longitude"} <= fields


def read_table(lines: Iterable[str], losses: Losses) -> Iterator[Timed]:
    """Yield the states in *lines*, whose first holds the names of the columns.

    Raises:
        UsageError: the first line names no vessel or no position.
    """
    lines = iter(lines)
    header = next(lines, "")
    if not is_header(header):
        raise UsageError(f"expected a header with MMSI or IMO, latitude and longitude, got {header.strip()[:80]!r}")
    names = _split(header)
    for number, row in enumerate(csv.reader(lines, delimiter=_delimiter(header)), start=2):
        if not row:
            continue
        # Two columns may mean the same field; the first that is not blank counts.
        element = {name: value for name, value in zip(names, row, strict=False) if value.strip()}
        try:
            state, unread = state_of(element)
        except InvalidRecord as error:
            losses.add(error.reason, line=number, text=",".join(row), detail=error.detail)
            continue
        if unread:
            losses.counts["bad-value"] += unread
        yield (state.Timestamp if isinstance(state.Timestamp, int) else None), state


def _split(header: str) -> list[str]:
    return next(csv.reader([header.lstrip("\ufeff").strip()], delimiter=_delimiter(header)), [])


def _delimiter(header: str) -> str:
    return max(_DELIMITERS, key=header.count)
