"""``vesselflow destinations``: what destination texts say."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from vesselflow.cli._output import print_line, reader_may_leave
from vesselflow.core.destination_text import normalise


@click.group("destinations")
def command() -> None:
    """Read destination texts as the destination detector reads them."""


@command.command("normalise")
def normalise_() -> None:
    """Print what each line of standard input says, one JSON object a line.

    kind is port, area, orders, unknown or empty; locode and name are the next port's, origin_locode is that of the port left;
    confidence runs from 0 to 1 (docs/destinations.md). An empty line is a text too.
    """
    with reader_may_leave():
        for row in rows(sys.stdin.buffer):
            print_line(row)


def rows(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield what each of *lines* says; bytes that are no UTF-8 are replaced."""
    for line in lines:
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", errors="replace")
        said = normalise(text)
        yield {
            "raw": said.raw,
            "kind": said.kind,
            "locode": said.locode,
            "name": said.name,
            "origin_locode": said.origin_locode,
            "confidence": said.confidence,
        }
