"""Times as sources write them -> milliseconds UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from vesselflow.core.errors import InvalidRecord

#: A number below this counts seconds, one above it milliseconds: the border is the year 5138 and 1973.
SECONDS_BELOW: Final = 100_000_000_000
_LAST_MS: Final = 253_402_300_799_999  # the end of the year 9999

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  # for texts without a zone, which are UTC
_MS: Final = timedelta(milliseconds=1)
_HALF_MS: Final = _MS / 2

#: Go's form ends in ``+0000 UTC`` and has nine digits of fraction; `datetime.fromisoformat` takes neither.
_GO_SUFFIX: Final = re.compile(r"\s*([+-]\d\d):?(\d\d)(?:\s+[A-Z]+)?$")
_LONG_FRACTION: Final = re.compile(r"(\.\d{6})\d+")


def milliseconds(value: int | float | str) -> int | None:
    """Return a time as milliseconds UTC; None when it says nothing (blank or 0).

    Numbers count seconds or milliseconds since 1970, see `SECONDS_BELOW`. Text is ISO 8601, with a blank or a ``T``,
    without a zone it is UTC; Go's ``2024-07-30 06:17:43.375540658 +0000 UTC`` and numbers as text are understood.

    Raises:
        InvalidRecord: ``bad-time``.
    """
    if isinstance(value, str):
        return _from_text(value.strip())
    return _from_number(value)


def day_first(text: str) -> int | None:
    """Return `milliseconds` of a text such as ``31/12/2015 23:59:59`` as well.

    Raises:
        InvalidRecord: ``bad-time``.
    """
    if text[2:3] == text[5:6] == "/":
        text = f"{text[6:10]}-{text[3:5]}-{text[:2]}{text[10:]}"
    return milliseconds(text)


def _from_number(value: int | float) -> int | None:
    if value == 0:
        return None
    scaled = value * 1000 if abs(value) < SECONDS_BELOW else value
    if not 0 < scaled <= _LAST_MS:  # NaN as well
        raise InvalidRecord("bad-time", f"expected a time after 1970, got {str(value)[:40]}")
    return round(scaled)


def _from_text(text: str) -> int | None:
    if not text:
        return None
    if (
        text[4:5] != "-"
        and text.replace(".", "", 1).isascii()
        and text.replace(".", "", 1).isdigit()
        and len(text) <= 20
    ):
        return _from_number(float(text))
    try:
        return _of_moment(_moment(text))
    except (ValueError, OverflowError) as error:
        raise InvalidRecord("bad-time", f"expected a time such as 2026-01-01T00:00:00Z, got {text[:40]!r}") from error


def _moment(text: str) -> datetime:
    try:
        # Most texts are fine as they are, and tidying takes as long as reading.
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(_LONG_FRACTION.sub(r"\1", _GO_SUFFIX.sub(r"\1:\2", text)))


def _of_moment(moment: datetime) -> int | None:
    at_ms = (moment - (_EPOCH if moment.tzinfo else _NAIVE_EPOCH) + _HALF_MS) // _MS
    if at_ms and not SECONDS_BELOW <= at_ms <= _LAST_MS:
        # Any earlier one would be taken for seconds later on.
        raise InvalidRecord("bad-time", f"expected a time after March 1973, got {moment.isoformat()}")
    return at_ms or None
