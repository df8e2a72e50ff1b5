"""Records that cannot be used are set aside, and the stream goes on."""

from __future__ import annotations

import pytest

from tests.agents.loops import Bench, Keeping
from tests.agents.standins import Fix, record_of
from vesselflow.agents.detecting import split_by_vessel
from vesselflow.core import wire
from vesselflow.dead_letters import dead_letter
from vesselflow.outbox import Outgoing
from vesselflow.stage import Part, Record
from vesselflow.state import advance, drop_seen


def test_an_invalid_record_is_set_aside_and_the_stream_goes_on() -> None:
    bench = Bench()
    bench.read(0)

    bench.read(1, value=b"I am bad")
    bench.read(2)

    (letter,) = bench.letters()
    assert bench.read_values == [0, 2]
    assert (letter.reason, letter.topic, letter.partition, letter.offset) == (
        "no-good: expected something else",
        "records",
        0,
        1,
    )
    assert letter.payload == "I am bad"
    assert bench.stage.tries == 3


def test_a_crashing_record_is_tried_again_and_then_set_aside_with_its_traceback() -> None:
    bench = Bench()

    bench.read(0, value=b"X")
    bench.read(1)

    (letter,) = bench.letters()
    assert bench.stage.tries == 5  # three times whole, once in pieces, and the next record
    assert letter.reason == "crash"
    assert letter.traceback is not None
    assert "RuntimeError: crash on purpose" in letter.traceback
    assert bench.read_values == [1]


class PerVessel(Keeping):
    """A stage over positions that crashes on vessel 13, and keeps origins as detectors do."""

    def work(self, part: Part, record: Record) -> list[Outgoing]:
        batch = wire.decode_positions(record.value)
        if 13 in batch.vessel:
            raise RuntimeError("vessel 13")
        fresh = drop_seen(batch, part.origins)
        part.work.values += [b"%d" % vessel for vessel in fresh.vessel.tolist()]
        part.origins = advance(part.origins, batch)
        return []

    def split(self, record: Record) -> list[Record]:
        return split_by_vessel(record)


def test_only_the_crashing_vessels_part_is_set_aside() -> None:
    bench = Bench(PerVessel())
    fixes = [Fix(vessel, offset=4, index=index) for index, vessel in enumerate((1, 13, 2, 1, 13, 3))]

    bench.read(0, value=record_of(*fixes))

    (letter,) = bench.letters()
    assert sorted(bench.read_values) == [1, 1, 2, 3]
    assert letter.reason == "crash"
    assert "vessel 13" in (letter.traceback or "")
    assert bench.part.origins == {0: (4, 5)}


def test_positions_after_a_crashing_one_are_known_when_they_come_again() -> None:
    bench = Bench(PerVessel())
    fixes = [Fix(vessel, offset=4, index=index) for index, vessel in enumerate((1, 13, 2))]
    bench.read(0, value=record_of(*fixes))

    bench.read(1, value=record_of(fixes[0], fixes[2]))

    assert sorted(bench.read_values) == [1, 2]


class Uncuttable(Keeping):
    def split(self, record: Record) -> list[Record]:
        raise RuntimeError("cannot be read")


def test_a_record_that_cannot_even_be_cut_is_set_aside_whole() -> None:
    bench = Bench(Uncuttable())

    bench.read(0, value=b"X")
    bench.read(1)

    assert [letter.reason for letter in bench.letters()] == ["crash"]
    assert bench.read_values == [1]


@pytest.mark.parametrize("byte", [b"\x00", b"\xff", b'"', b"a"])
def test_a_dead_letter_has_at_most_64_kb_whatever_it_holds(byte: bytes) -> None:
    record = Record("records", 0, 0, 0, byte * 200_000)

    letter = dead_letter(record, "crash", detail="d" * 100_000, trace="t" * 100_000)

    assert len(letter.value) <= 65_536
    assert wire.decode_dead_letter(letter.value).payload


def test_a_dead_letter_keeps_the_end_of_the_traceback() -> None:
    trace = "Traceback\n" + "a line\n" * 5000 + "KeyError: 'the cause'"

    letter = wire.decode_dead_letter(dead_letter(Record("records", 0, 0, 0, b""), "crash", trace=trace).value)

    assert (letter.traceback or "").endswith("KeyError: 'the cause'")
