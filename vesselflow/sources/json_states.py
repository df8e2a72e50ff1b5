"""JSON -> vessel states: an array, an object with an array of vessels, or one state a line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from vesselflow.core.errors import InvalidRecord
from vesselflow.core.records import read_elements
from vesselflow.core.times import milliseconds
from vesselflow.sources.losses import Losses, Timed

#: Where a snapshot keeps its vessels.
_LISTS: Final = ("vessels", "states", "data", "items")


def read_json(lines: Iterable[str], losses: Losses) -> Iterator[Timed]:
    """Yield the states in *lines*: one JSON text over all lines, or one in each.

    A snapshot's own ``timestamp`` is the time of vessels that have none.
    """
    lines = iter(lines)
    first = next(lines, "").removeprefix("\ufeff")
    try:
        found = json.loads(first)
    except ValueError:
        yield from _whole(first + "".join(lines), losses)
        return
    yield from _states(found, losses, line=1)
    for number, line in enumerate(lines, start=2):
        if line.strip():
            yield from _line(line, losses, number)


def _line(line: str, losses: Losses, number: int) -> Iterator[Timed]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        losses.add("not-json", line=number, text=line, detail=str(error))
        return
    yield from _states(found, losses, line=number)


def _whole(text: str, losses: Losses) -> Iterator[Timed]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        # Not one text over all lines: each line on its own, so that only bad ones are lost.
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield from _line(line, losses, number)
        return
    yield from _states(found, losses, line=1)


def _states(found: Any, losses: Losses, *, line: int) -> Iterator[Timed]:
    elements, snapshot_ms = _elements(found)
    reading = read_elements(elements)
    for reject in reading.rejects:
        losses.add(reject.reason, line=line + (reject.index or 0), text=reject.payload, detail=reject.detail)
    if reading.unread:
        losses.counts["bad-value"] += reading.unread
    for state in reading.states:
        if state.Timestamp is None:
            state.Timestamp = snapshot_ms
        yield (state.Timestamp if isinstance(state.Timestamp, int) else None), state


def _elements(found: Any) -> tuple[list[Any], int | None]:
    if isinstance(found, list):
        return found, None
    if isinstance(found, dict):
        for name in _LISTS:
            if isinstance(found.get(name), list):
                return found[name], _snapshot_time(found.get("timestamp"))
    return [found], None


def _snapshot_time(value: Any) -> int | None:
    if not isinstance(value, int | float | str):
        return None
    try:
        return milliseconds(value)
    except InvalidRecord:
        return None
