"""Working state to rows and back, and what the ledger makes of rows and progress that do not fit each other.

In the timelines a row is written as its offset, `P` is the progress, and time runs to the right:

    A10 B10 P10 | A20           rows A and B and the progress at offset 10, then row A at 20 and no progress
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from tests.agents.standins import Fix, batch_of
from vesselflow import state
from vesselflow.core.states import Detection, VesselStates, bucket_of
from vesselflow.state import Buckets, Ledger, Origins, Progress, Row, advance, drop_seen, restore, snapshot

STATE = np.dtype([("vessel", "<i8"), ("count", "<i4"), ("destination", "<i4")])
#: Vessels of three different buckets of four.
A, B, C = 1, 2, 3
BUCKETS = 4
BUCKET = {vessel: int(bucket_of(np.array([vessel]), BUCKETS)[0]) for vessel in (A, B, C)}


def buckets_of(dtype: Any = STATE, text_fields: tuple[str, ...] = ("destination",)) -> Buckets:
    return Buckets(VesselStates(dtype, text_fields=text_fields, buckets=BUCKETS))


def put(buckets: Buckets, vessel: int, count: int, destination: str | None = None, note: Any = None) -> None:
    states = buckets.states
    slots = states.slots(np.array([vessel]))
    rows = states.rows[slots]
    rows["count"], rows["destination"] = count, states.strings.number(destination)
    states.apply(Detection(slots, rows, {int(slots[0]): note}))


def found(buckets: Buckets) -> dict[int, tuple[int, str | None, Any]]:
    states = buckets.states
    return {
        int(row["vessel"]): (int(row["count"]), states.strings.text(int(row["destination"])), states.notes.get(slot))
        for slot, row in enumerate(states.rows)
    }


class Log:
    """A table's changelog, as far as one partition is concerned."""

    def __init__(self) -> None:
        self.rows: dict[int, bytes] = {}
        self.progress: bytes | None = None

    def write(self, buckets: Buckets, offset: int, origins: Origins | None = None, *, only: int | None = None) -> None:
        """Write a checkpoint; with *only* it is cut off after so many rows."""
        changed, progress = snapshot(buckets, offset, origins or {})
        for number, body in changed[:only]:
            assert body is not None
            self.rows[number] = body
        if only is None:
            self.progress = progress

    def restored(self) -> Buckets:
        buckets = buckets_of()
        restore(buckets, self.rows, self.progress)
        return buckets


def test_the_vessels_of_the_test_are_in_buckets_of_their_own() -> None:
    assert len(set(BUCKET.values())) == 3


# Rows.


def test_rows_texts_and_notes_come_back() -> None:
    log, buckets = Log(), buckets_of()
    put(buckets, A, 1, "ROTTERDAM", {"fence": 5})
    put(buckets, B, 2, None)
    put(buckets, C, 3, "SINGAPORE")
    log.write(buckets, 10)

    assert found(log.restored()) == {A: (1, "ROTTERDAM", {"fence": 5}), B: (2, None, None), C: (3, "SINGAPORE", None)}


def test_texts_keep_their_meaning_where_other_texts_came_first() -> None:
    log, buckets = Log(), buckets_of()
    put(buckets, A, 1, "ROTTERDAM")
    log.write(buckets, 10)
    other = buckets_of()
    put(other, C, 9, "SINGAPORE")

    restore(other, log.rows, log.progress)

    assert found(other) == {C: (9, "SINGAPORE", None), A: (1, "ROTTERDAM", None)}


def test_a_note_that_was_taken_away_stays_away() -> None:
    log, buckets = Log(), buckets_of()
    put(buckets, A, 1, note="inside")
    log.write(buckets, 10)
    put(buckets, A, 2, note=None)
    log.write(buckets, 20)

    assert found(log.restored()) == {A: (2, None, None)}


def test_only_changed_buckets_are_written() -> None:
    buckets = buckets_of()
    put(buckets, A, 1)
    put(buckets, B, 1)
    snapshot(buckets, 10, {})
    put(buckets, B, 2)

    changed, _ = snapshot(buckets, 20, {})

    assert [number for number, _ in changed] == [BUCKET[B]]


def test_a_field_added_later_starts_empty_and_a_dropped_one_is_left_behind() -> None:
    log, buckets = Log(), buckets_of()
    put(buckets, A, 7, "ROTTERDAM")
    log.write(buckets, 10)
    later = buckets_of(np.dtype([("vessel", "<i8"), ("flag", "<i4"), ("count", "<i8")]), ("flag",))

    restore(later, log.rows, log.progress)

    assert later.states.rows.tolist() == [(A, -1, 7)]


# The ledger. Each test: what the changelog holds, then where reading starts and which rows skip what.


def row(offset: int, origins: Origins | None = None) -> Row:
    return Row(state.VERSION, offset, origins or {}, b"")


def progress(offset: int, rows: dict[int, int], origins: Origins | None = None) -> Progress:
    return Progress(state.VERSION, offset, origins or {}, rows)


def test_a_complete_checkpoint_starts_at_its_progress() -> None:
    # A5 P5 | B10 P10
    ledger = Ledger.restore(progress(10, {1: 5, 2: 10}), {1: row(5), 2: row(10)})

    assert (ledger.start, ledger.until) == (10, 10)
    assert ledger.includes(1, 9)
    assert ledger.includes(2, 9)
    assert not ledger.includes(1, 10)


def test_rows_ahead_of_the_progress_skip_what_they_include() -> None:
    # A10 B10 P10 | A20 ... cut off
    ledger = Ledger.restore(progress(10, {1: 10, 2: 10}), {1: row(20), 2: row(10)})

    assert (ledger.start, ledger.until) == (10, 20)
    assert [ledger.includes(1, offset) for offset in (10, 19, 20)] == [True, True, False]
    assert [ledger.includes(2, offset) for offset in (9, 10)] == [True, False]


def test_a_row_that_is_new_and_ahead_skips_as_well() -> None:
    # A10 P10 | B20 ... cut off
    ledger = Ledger.restore(progress(10, {1: 10}), {1: row(10), 2: row(20)})

    assert (ledger.start, ledger.until) == (10, 20)
    assert ledger.includes(2, 19)


def test_a_late_writers_older_row_moves_the_start_back() -> None:
    # paused owner:            ..................... A12
    # new owner:     A20 B20 P20 | B30 P30
    origins = {0: (7, 1)}
    ledger = Ledger.restore(progress(30, {1: 20, 2: 30}, {0: (9, 0)}), {1: row(12, origins), 2: row(30)})

    assert ledger.start == 12
    assert ledger.origins == origins
    assert [ledger.includes(1, offset) for offset in (11, 12, 29)] == [True, False, False]
    assert [ledger.includes(2, offset) for offset in (12, 29, 30)] == [True, True, False]
    assert ledger.until == 30


def test_a_row_without_a_late_writer_skips_up_to_the_progress_while_others_replay() -> None:
    # C5 | ... P30, and a late A12: C has not changed since 5, which is not the same as being old
    ledger = Ledger.restore(progress(30, {1: 20, 3: 5}), {1: row(12), 3: row(5)})

    assert ledger.start == 12
    assert [ledger.includes(3, offset) for offset in (12, 29, 30)] == [True, True, False]


def test_of_two_late_rows_the_older_one_decides_the_start() -> None:
    # A20 B20 P20, then late: A12 B15
    ledger = Ledger.restore(progress(20, {1: 20, 2: 20}), {1: row(12, {0: (1, 0)}), 2: row(15, {0: (2, 0)})})

    assert (ledger.start, ledger.origins, ledger.until) == (12, {0: (1, 0)}, 20)
    assert [ledger.includes(2, offset) for offset in (14, 15)] == [True, False]


def test_a_late_writers_newer_row_is_ahead() -> None:
    # paused owner, further on:      A25
    # new owner:      A10 P10 | P20
    ledger = Ledger.restore(progress(20, {1: 10}), {1: row(25)})

    assert (ledger.start, ledger.until) == (20, 25)
    assert [ledger.includes(1, offset) for offset in (20, 24, 25)] == [True, True, False]


def test_a_late_row_between_the_listed_one_and_the_progress_is_replayed_from_there() -> None:
    # A10 P10 | P30, and a late A20, which may lack what happened from 20 to 30
    ledger = Ledger.restore(progress(30, {1: 10}), {1: row(20)})

    assert (ledger.start, ledger.until) == (20, 30)


def test_a_late_writers_progress_leaves_the_new_owners_rows_ahead() -> None:
    # new owner:      A20 B20 P20
    # paused owner:               A12 P12   (it lists B as of 10)
    ledger = Ledger.restore(progress(12, {1: 12, 2: 10}), {1: row(12), 2: row(20)})

    assert (ledger.start, ledger.until) == (12, 20)
    assert [ledger.includes(2, offset) for offset in (12, 19, 20)] == [True, True, False]
    assert [ledger.includes(1, offset) for offset in (11, 12)] == [True, False]


def test_late_and_cut_off_rows_together_replay_from_the_one_to_the_other() -> None:
    # A20 B20 P20 | B30 ... cut off; late: A12
    ledger = Ledger.restore(progress(20, {1: 20, 2: 20}), {1: row(12), 2: row(30)})

    assert (ledger.start, ledger.until) == (12, 30)


def test_a_first_checkpoint_cut_off_starts_at_the_logs_beginning() -> None:
    # A10 ... cut off
    ledger = Ledger.restore(None, {1: row(10, {0: (4, 0)})})

    assert (ledger.start, ledger.origins, ledger.until) == (None, {}, 10)
    assert [ledger.includes(1, offset) for offset in (0, 9, 10)] == [True, True, False]
    assert not ledger.includes(2, 0)


def test_nothing_stored_starts_at_the_logs_beginning() -> None:
    ledger = Ledger.restore(None, {})

    assert (ledger.start, ledger.until) == (None, 0)


def test_the_start_comes_with_the_origins_of_the_progress() -> None:
    ledger = Ledger.restore(progress(10, {}, {0: (3, 1), 2: (8, 0)}), {})

    assert ledger.origins == {0: (3, 1), 2: (8, 0)}


def test_a_late_row_that_was_put_right_is_no_longer_late() -> None:
    # A20 P20, late: A12; restored, replayed and written again: A30 P30
    log = Log()
    first = buckets_of()
    put(first, A, 20)
    log.write(first, 20)
    late = buckets_of()
    put(late, A, 12)
    log.write(late, 12, only=1)
    again = log.restored()
    put(again, A, 30)
    log.write(again, 30)

    ledger = log.restored().ledger

    assert (ledger.start, ledger.until) == (30, 30)


def test_a_late_row_that_did_not_change_in_the_replay_is_replayed_once_more() -> None:
    # A20 P20, late: A12; restored and replayed without a change of A; B30 P30
    log = Log()
    first = buckets_of()
    put(first, A, 20)
    log.write(first, 20)
    late = buckets_of()
    put(late, A, 20)
    log.write(late, 12, only=1)
    again = log.restored()
    put(again, B, 30)
    log.write(again, 30)

    ledger = log.restored().ledger

    # What A12 holds was right at 30, so it is as good as a row listed at 12.
    assert (ledger.start, ledger.until) == (30, 30)


def test_only_the_rows_written_last_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MOST_LISTED", 3)
    ledger = Ledger()

    ledger.note([1, 2, 3], 10)
    ledger.note([1], 20)
    listed = ledger.note([4], 30)

    assert listed == {3: 10, 1: 20, 4: 30}


def test_a_row_that_is_not_listed_any_more_counts_as_what_it_is() -> None:
    # row 9 was written too long ago to be listed
    ledger = Ledger.restore(progress(30, {1: 30}), {1: row(30), 9: row(3)})

    assert (ledger.start, ledger.until) == (30, 30)
    assert ledger.includes(9, 29)


def test_a_deleted_row_is_listed_so_that_a_late_copy_is_noticed() -> None:
    # row 5 deleted at 20; late: row 5 as of 12
    ledger = Ledger()
    ledger.note([5], 10)
    listed = ledger.note([5], 20)

    late = Ledger.restore(progress(20, listed), {5: row(12)})

    assert late.start == 12


def test_unseen_tells_vessels_apart_by_their_buckets() -> None:
    log, buckets = Log(), buckets_of()
    for vessel in (A, B, C):
        put(buckets, vessel, 1)
    log.write(buckets, 10)
    put(buckets, A, 2)
    log.write(buckets, 20, only=1)
    restored = log.restored()

    ahead = restored.unseen(np.array([A, B, A, C]), 15)

    assert ahead is not None
    assert ahead.tolist() == [False, True, False, True]
    assert restored.unseen(np.array([A, B]), 20) is None


def test_a_row_is_bytes_that_name_their_version() -> None:
    buckets = buckets_of()
    put(buckets, A, 1)
    changed, encoded = snapshot(buckets, 10, {3: (4, 5)})

    assert changed[0][1] is not None
    assert msgspec.msgpack.decode(changed[0][1])[:3] == [1, 10, {3: [4, 5]}]
    assert msgspec.msgpack.decode(encoded) == [1, 10, {3: [4, 5]}, {BUCKET[A]: 10}]


# Origins.


def places(*origins: tuple[int, int, int]) -> Any:
    return batch_of([Fix(source=source, offset=offset, index=index) for source, offset, index in origins])


def kept(batch: Any) -> list[tuple[int, int, int]]:
    return list(
        zip(batch.source_partition.tolist(), batch.source_offset.tolist(), batch.source_index.tolist(), strict=True)
    )


def test_positions_at_or_below_the_origin_of_their_source_are_dropped() -> None:
    # source 0 was seen up to record 5, element 1; source 1 up to record 2, element 0; source 2 never
    batch = places((0, 5, 0), (1, 2, 1), (0, 5, 1), (2, 0, 0), (0, 5, 2), (1, 2, 0), (0, 6, 0))

    fresh = drop_seen(batch, {0: (5, 1), 1: (2, 0)})

    assert kept(fresh) == [(1, 2, 1), (2, 0, 0), (0, 5, 2), (0, 6, 0)]


def test_a_batch_of_new_positions_is_returned_as_it_is() -> None:
    batch = places((0, 5, 0), (0, 5, 1))

    assert drop_seen(batch, {0: (4, 9)}) is batch


def test_origins_advance_source_by_source() -> None:
    before = {0: (1, 0), 7: (3, 3)}

    after = advance(before, places((0, 5, 0), (1, 2, 1), (0, 5, 1), (1, 2, 2)))

    assert after == {0: (5, 1), 1: (2, 2), 7: (3, 3)}
    assert before == {0: (1, 0), 7: (3, 3)}


def test_origins_never_move_back() -> None:
    # ingest sent 0..9, crashed, and sends again with other borders: 0..4, then 5..12
    origins = advance({}, places(*((0, place, 0) for place in range(10))))
    origins = advance(origins, places(*((0, place, 0) for place in range(5))))

    fresh = drop_seen(places(*((0, place, 0) for place in range(5, 13))), origins)

    assert kept(fresh) == [(0, 10, 0), (0, 11, 0), (0, 12, 0)]
