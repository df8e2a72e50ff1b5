"""A file of any kind that we know -> vessel states in the file's order.

Plain or gzip is told by the first bytes, the format by the first lines, neither by the name. ``-`` is standard input.
"""

import gzip
import io
import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from vesselflow.core.errors import UsageError
from vesselflow.sources.json_states import read_json
from vesselflow.sources.losses import Losses, Timed
from vesselflow.sources.nmea import NmeaReader
from vesselflow.sources.table import DANISH, is_header, read_table

_GZIP: Final = b"\x1f\x8b"
_LOOKED_AT: Final = 50
_NMEA: Final = re.compile(rb"![A-Z]{2}VD[MO],\d")
_COMMENT: Final = (b"#", b"//")


class FileOfStates:
    """Vessel states of one file; iterating opens it and reads it as a stream.

    ``read_bytes`` of ``size_bytes`` are done, compressed bytes for gzip; the size is 0 for standard input. With
    *needs_time* a table has to have a column for it.
    """

    def __init__(self, name: str, losses: Losses, *, needs_time: bool = False) -> None:
        self.name = name
        self.losses = losses
        self.needs_time = needs_time
        if name != "-" and not Path(name).is_file():
            raise UsageError(f"expected a file, got {name}")
        self.size_bytes = 0 if name == "-" else Path(name).stat().st_size
        self._raw: BinaryIO | None = None

    @property
    def read_bytes(self) -> int:
        """How much of the file has been read."""
        return self._raw.tell() if self._raw and self.size_bytes and not self._raw.closed else 0

    def __iter__(self) -> Iterator[Timed]:
        """Yield the file's states with their times.

        Raises:
            UsageError: not a format that we know, or a table without a column that is needed.
        """
        raw = sys.stdin.buffer if self.name == "-" else Path(self.name).open("rb")  # noqa: SIM115  # closed below
        self._raw = raw
        try:
            yield from self._states(_plain(raw))
        except (EOFError, gzip.BadGzipFile) as error:
            raise UsageError(f"{self.name}: expected a whole gzip file, got {error}") from error
        finally:
            if raw is not sys.stdin.buffer:
                raw.close()

    def _states(self, lines: Iterator[bytes]) -> Iterator[Timed]:
        head = list(itertools.islice(lines, _LOOKED_AT))
        skipped = next((n for n, line in enumerate(head) if line.strip() and not _is_comment(line)), 0)
        first = head[skipped].removeprefix(b"\xef\xbb\xbf").strip() if head else b""
        everything = itertools.chain(head, lines)
        texts = (line.decode("utf-8", "replace") for line in itertools.islice(everything, skipped, None))
        if any(map(_NMEA.search, head)):
            yield from NmeaReader(self.losses).read(everything)
        elif first[:1] in (b"{", b"["):
            yield from read_json(texts, self.losses)
        elif is_header(first.decode("utf-8", "replace")):
            yield from self._table(texts)
        else:
            raise UsageError(f"{self.name}: expected NMEA, CSV with a header, or JSON, got {_shown(first)}")

    def _table(self, lines: Iterator[str]) -> Iterator[Timed]:
        try:
            yield from read_table(lines, self.losses, needs_time=self.needs_time)
        except UsageError as error:
            raise UsageError(f"{self.name}: {error}") from error


def _is_comment(line: bytes) -> bool:
    return line.startswith(_COMMENT) and not line.startswith(DANISH.encode())


def _plain(raw: BinaryIO) -> Iterator[bytes]:
    buffered = cast(io.BufferedReader, raw)
    # Buffered once more, gzip's own reader is three times as fast line by line.
    return iter(io.BufferedReader(gzip.GzipFile(fileobj=raw)) if buffered.peek(2)[:2] == _GZIP else raw)


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("utf-8", "replace")) if line else "nothing"
