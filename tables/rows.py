"""How rows and progress stand in a table. Every key begins with the partition.

Faust, asked outside of an event, searches all partitions' databases; the partition in the key keeps them apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from vesselflow.tables.acknowledged import AcknowledgedTable

Stored = Mapping[int, tuple[Mapping[int, bytes], bytes | None]]

_PROGRESS: Final = b"progress"
#: The window that holds the progress; no position is that old.
_PROGRESS_START_S: Final = -1.0


class BucketRows:
    """Rows under ``<partition>/<number>``, the progress under ``<partition>/progress``."""

    def __init__(self, table: AcknowledgedTable) -> None:
        self.table = table

    def key(self, partition: int, number: int | None) -> bytes:
        """Return the key of row *number*, or of the progress."""
        return b"%05d/%s" % (partition, _PROGRESS if number is None else b"%05d" % number)

    def read(self, partitions: set[int]) -> Stored:
        """Return the rows and the progress of each of *partitions*, from one pass over the table."""
        rows: dict[int, dict[int, bytes]] = defaultdict(dict)
        progress: dict[int, bytes] = {}
        for key, value in self.table.items():
            partition, _, number = key.partition(b"/")
            if number == _PROGRESS:
                progress[int(partition)] = value
            else:
                rows[int(partition)][int(number)] = value
        return {each: (rows[each], progress.get(each)) for each in partitions}


class WindowRows:
    """Rows under ``(partition, window)`` of a tumbling table; a row's number is its window's start in ms."""

    def __init__(self, windows: Any) -> None:
        self.table: AcknowledgedTable = windows.table
        self._size_s: float = windows.table.window.size

    def key(self, partition: int, number: int | None) -> tuple[int, tuple[float, float]]:
        """Return the key of the window that starts at *number* ms, or of the progress."""
        start_s = _PROGRESS_START_S if number is None else number / 1000
        return partition, (start_s, start_s + self._size_s)

    def read(self, partitions: set[int]) -> Stored:
        """Return the windows and the progress of each of *partitions*, from one pass over the table."""
        rows: dict[int, dict[int, bytes]] = defaultdict(dict)
        progress: dict[int, bytes] = {}
        for (partition, (start_s, _)), value in self.table.items():
            if start_s == _PROGRESS_START_S:
                progress[partition] = value
            else:
                rows[partition][round(start_s * 1000)] = value
        return {each: (rows[each], progress.get(each)) for each in partitions}
