"""Lines of JSON on standard output, which may be closed by whoever reads it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

_encode = msgspec.json.Encoder().encode


def print_line(value: object) -> None:
    """Print *value* as one line."""
    sys.stdout.buffer.write(_encode(value) + b"\n")
    sys.stdout.buffer.flush()


def print_indented(value: object) -> None:
    """Print *value* over several lines, for a person."""
    sys.stdout.buffer.write(msgspec.json.format(_encode(value), indent=2) + b"\n")


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """End quietly when the reader closes the pipe, as `head` does."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at its end and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
