"""The loop reads in order or not at all: what is above the expected offset is dropped and sought, what is below is done."""

from __future__ import annotations

import time

import pytest

from tests.agents.loops import TP0, Bench


def test_records_are_worked_on_in_order() -> None:
    bench = Bench()

    bench.read(0, 1, 2)

    assert bench.read_values == [0, 1, 2]
    assert bench.part.offset == 3


def test_a_record_below_the_expected_one_is_done_already() -> None:
    bench = Bench()
    bench.read(0, 1, 2)

    bench.read(0, 1, 2, 3)

    assert bench.read_values == [0, 1, 2, 3]
    assert bench.reader.wanted == []


def test_a_gap_asks_for_the_expected_record_once_and_drops_the_rest() -> None:
    # expects 2; 5 6 7 come
    bench = Bench()
    bench.read(0, 1)

    bench.read(5, 6, 7)

    assert bench.reader.wanted == [(TP0, 2)]
    assert bench.read_values == [0, 1]


def test_the_record_that_was_asked_for_ends_the_gap() -> None:
    bench = Bench()
    bench.read(0, 5)

    bench.read(1, 2, 3, 4, 5)
    bench.read(9)

    assert bench.read_values == [0, 1, 2, 3, 4, 5]
    assert bench.reader.wanted == [(TP0, 1), (TP0, 6)]


def test_a_seek_that_brought_nothing_is_repeated_after_its_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    now = time.monotonic()
    bench.read(0, 5)

    monkeypatch.setattr(time, "monotonic", lambda: now + 0.5)
    bench.loop.seek_again(1.0)
    assert bench.reader.wanted == [(TP0, 1)]

    monkeypatch.setattr(time, "monotonic", lambda: now + 2.0)
    bench.loop.seek_again(1.0)
    assert bench.reader.wanted == [(TP0, 1), (TP0, 1)]


def test_a_seek_is_not_repeated_once_its_record_came(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    now = time.monotonic()
    bench.read(0, 5, 1)
    bench.reader.ends[TP0] = 2

    monkeypatch.setattr(time, "monotonic", lambda: now + 2.0)
    bench.loop.seek_again(1.0)

    assert bench.reader.wanted == [(TP0, 1)]


def test_records_at_the_logs_end_that_never_came_are_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    # The log holds 0 to 4; Faust dropped 1 to 4, and nothing later will tell.
    bench = Bench()
    now = time.monotonic()
    bench.read(0)
    bench.reader.ends[TP0] = 5

    monkeypatch.setattr(time, "monotonic", lambda: now + 2.0)
    bench.loop.seek_again(1.0)

    assert bench.reader.wanted == [(TP0, 1)]


def test_a_seek_to_the_logs_end_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    # The sink seeks to its progress, and no event has come since.
    bench = Bench()
    now = time.monotonic()
    bench.loop.seek(bench.part)
    bench.reader.ends[TP0] = 0

    monkeypatch.setattr(time, "monotonic", lambda: now + 2.0)
    bench.loop.seek_again(1.0)

    assert bench.reader.wanted == [(TP0, 0)]


def test_records_that_wait_for_the_agent_are_not_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    now = time.monotonic()
    bench.read(0)
    bench.reader.ends[TP0] = 5
    bench.reader.busy.add(TP0)

    monkeypatch.setattr(time, "monotonic", lambda: now + 2.0)
    bench.loop.seek_again(1.0)

    assert bench.reader.wanted == []


def test_a_hole_is_accepted_when_it_is_what_a_seek_to_its_beginning_brings() -> None:
    # The log holds 0 1 and then 5: retention, or a transaction's marker.
    bench = Bench()
    bench.read(0, 1, 5)

    bench.reader.sought[TP0] = (2, 5)
    bench.read(5, 6)

    assert bench.read_values == [0, 1, 5, 6]


def test_a_later_record_than_the_first_after_the_seek_is_no_proof_of_a_hole() -> None:
    bench = Bench()
    bench.read(0, 1, 5)

    bench.reader.sought[TP0] = (2, 2)
    bench.read(6)

    assert bench.read_values == [0, 1]


def test_the_first_record_after_a_seek_for_another_agent_is_no_proof_of_a_hole() -> None:
    # This agent expects 2, another one expects 5; both were given 8, and the seek for the other one came first.
    bench = Bench()
    bench.read(0, 1, 8)

    bench.reader.sought[TP0] = (5, 5)
    bench.read(5, 6, 7)
    assert bench.read_values == [0, 1]

    bench.reader.sought[TP0] = (2, 2)
    bench.read(2, 3, 4, 5)
    assert bench.read_values == [0, 1, 2, 3, 4, 5]


def test_a_record_of_a_partition_that_is_gone_is_dropped() -> None:
    bench = Bench()
    part = bench.part
    bench.loop.close()

    bench.read(0)

    assert part.work.values == []


def test_a_stopping_loop_takes_no_more_records() -> None:
    bench = Bench()
    bench.loop.stopping = True

    bench.read(0)

    assert bench.read_values == []
