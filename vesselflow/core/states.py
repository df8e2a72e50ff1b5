"""What a detector remembers: one row a vessel, as arrays, with room for what does not fit a row.

A detector reads a `VesselStates` and returns a `Detection`; it never writes. The caller applies the
detection in one step, so a detector that crashes half-way has changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vesselflow.core.model import Event, IntArray

Rows = npt.NDArray[np.void]

#: Knuth's multiplicative hash, 64 bits. Source: D. E. Knuth, TAOCP vol. 3, section 6.4.
#: MMSIs often end in 000, so their low bits alone would fill few buckets.
_KNUTH: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Detection:
    """What one batch changed: new rows for slots, new notes (None takes a note away), and the events.

    ``counts`` tells how many fixes were left out, by reason.
    """

    slots: IntArray
    rows: Rows
    notes: Mapping[int, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=dict)


class Strings:
    """Texts as small numbers, so that a column of text is a column of integers. -1 is None."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts = list(texts)
        self._numbers = {text: number for number, text in enumerate(self._texts)}

    def __len__(self) -> int:
        return len(self._texts)

    def number(self, text: str | None) -> int:
        """Return the number of *text*, giving it one if it is new."""
        if text is None:
            return -1
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        return number

    def text(self, number: int) -> str | None:
        """Return the text behind *number*."""
        return self._texts[number] if number >= 0 else None

    @property
    def texts(self) -> Sequence[str]:
        """Every text by its number; more may be added, none ever moves."""
        return self._texts

    def known(self, texts: Sequence[str]) -> IntArray:
        """Return the numbers of *texts*, -2 where one has none, and -1 as the last element; none gets a number."""
        numbers = np.empty(len(texts) + 1, dtype=np.int64)
        numbers[:-1] = np.fromiter(map(self._numbers.get, texts, repeat(-2)), dtype=np.int64, count=len(texts))
        numbers[-1] = -1
        return numbers

    def translate(self, texts: tuple[str | None, ...]) -> IntArray:
        """Return the numbers of *texts*, and -1 as the last element, so that index -1 stays -1."""
        return np.array([*map(self.number, texts), -1], dtype=np.int64)


class VesselStates:
    """Rows of one structured dtype, one a vessel; the first field is ``vessel``.

    ``text_fields`` names the integer fields that hold numbers of `strings`. A new row is all zeros but for
    the vessel and -1 in the text fields. ``notes`` holds, by slot, what does not fit a row: plain values
    that msgpack can carry.
    """

    def __init__(self, dtype: npt.DTypeLike, *, text_fields: tuple[str, ...] = (), buckets: int = 256) -> None:
        self.dtype = np.dtype(dtype)
        self.text_fields = text_fields
        self.buckets = buckets
        self.strings = Strings()
        self.notes: dict[int, Any] = {}
        self.dirty = np.zeros(buckets, dtype=np.bool_)
        self._slots: dict[int, int] = {}
        #: The vessels in ascending order, and the slot of each: a batch finds its own there three times as fast.
        self._vessels: IntArray = np.empty(0, dtype=np.int64)
        self._slot_of: IntArray = np.empty(0, dtype=np.int64)
        self._rows: Rows = np.zeros(64, dtype=self.dtype)
        self._bucket_of: IntArray = np.zeros(64, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def rows(self) -> Rows:
        """The rows in use, by slot. Read only by agreement: `apply` writes."""
        return self._rows[: len(self._slots)]

    @property
    def bucket_of(self) -> IntArray:
        """The bucket of every slot in use."""
        return self._bucket_of[: len(self._slots)]

    def find(self, vessel: int) -> int | None:
        """Return the slot of *vessel*, or None when it was never seen."""
        return self._slots.get(vessel)

    def slots(self, vessels: IntArray) -> IntArray:
        """Return the slot of each vessel; a vessel never seen gets an empty row."""
        slots = self._found(vessels)
        if slots.size and slots.min() < 0:
            self._add(list(dict.fromkeys(vessels[slots < 0].tolist())))
            slots = self._found(vessels)
        return slots

    def apply(self, detection: Detection) -> None:
        """Take over what *detection* changed."""
        # `put` copies rows some ten times as fast as an index does.
        self.rows.put(detection.slots, detection.rows)
        self.dirty[self.bucket_of[detection.slots]] = True
        for slot, note in detection.notes.items():
            self.dirty[self._bucket_of[slot]] = True
            if note is None:
                self.notes.pop(slot, None)
            else:
                self.notes[slot] = note

    def in_bucket(self, bucket: int) -> IntArray:
        """Return the slots of *bucket*."""
        return np.flatnonzero(self.bucket_of == bucket)

    def by_bucket(self, buckets: IntArray) -> Iterator[tuple[int, IntArray]]:
        """Yield each of *buckets* with its slots; one sort for all of them."""
        order = np.argsort(self.bucket_of, kind="stable")
        starts = np.searchsorted(self.bucket_of[order], np.arange(self.buckets + 1))
        for bucket in buckets.tolist():
            yield bucket, order[starts[bucket] : starts[bucket + 1]]

    def _found(self, vessels: IntArray) -> IntArray:
        if not len(self._vessels):
            return np.full(len(vessels), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(self._vessels, vessels), len(self._vessels) - 1)
        return np.where(self._vessels[places] == vessels, self._slot_of[places], -1)

    def _add(self, vessels: list[int]) -> None:
        """Give an empty row to each of *vessels*, all of them new; at once, since a fleet often comes at once."""
        first, end = len(self._slots), len(self._slots) + len(vessels)
        while end > len(self._rows):
            self._grow()
        rows = self._rows[first:end]
        rows["vessel"] = vessels
        for name in self.text_fields:
            rows[name] = -1
        self._bucket_of[first:end] = bucket_of(rows["vessel"].astype(np.int64), self.buckets)
        self._slots.update(zip(vessels, range(first, end), strict=True))
        order = np.argsort(vessels)
        added = np.array(vessels, dtype=np.int64)[order]
        places = np.searchsorted(self._vessels, added)
        self._vessels = np.insert(self._vessels, places, added)
        self._slot_of = np.insert(self._slot_of, places, first + order)

    def _grow(self) -> None:
        self._rows = np.concatenate([self._rows, np.zeros(len(self._rows), dtype=self.dtype)])
        self._bucket_of = np.concatenate([self._bucket_of, np.zeros_like(self._bucket_of)])


def bucket_of(vessels: IntArray, buckets: int) -> IntArray:
    """Return the bucket of each vessel: the same on every machine, for ever."""
    mixed = vessels.astype(np.uint64) * _KNUTH
    return ((mixed >> np.uint64(33)) % np.uint64(buckets)).astype(np.int64)
