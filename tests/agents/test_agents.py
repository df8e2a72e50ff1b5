"""What each agent makes of its records, on memory: its stage, called as the loop calls it."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import shapely

from tests.agents.conftest import Memory
from tests.agents.standins import Changelog, Fix, MemoryRows, batch_of, event, finish, record_of, shared
from vesselflow import streams
from vesselflow.agents import activity, destination, geofence, ingest, live, stats
from vesselflow.agents.detecting import ALERT_LIMIT_MS
from vesselflow.core import wire
from vesselflow.core.destination import DestinationPolicy
from vesselflow.core.errors import InvalidRecord
from vesselflow.core.fence_policy import PolicyOptions
from vesselflow.core.geofence import FenceHistory
from vesselflow.core.model import DeadLetter, Event, FenceVersion, PositionBatch, concatenate, newest
from vesselflow.core.normalise import normalise_together
from vesselflow.core.partition import partition_of
from vesselflow.loop import Loop
from vesselflow.outbox import Outgoing
from vesselflow.rules import rules
from vesselflow.stage import Part, Record

ALBATROS, BELUGA = 235_000_001, 244_000_002
NOW_MS = 1_700_000_000_000


def on_memory(stage: Any, rows: MemoryRows | None = None) -> Any:
    """Return *stage* with tables in memory."""
    made = object.__new__(type(stage))
    vars(made).update(vars(stage))
    vars(made)["tables"] = {name: rows or MemoryRows(Changelog()) for name in stage.tables}
    return made


def record(value: bytes, *, offset: int = 0, partition: int = 0, received_ms: int = NOW_MS) -> Record:
    return Record("topic", partition, offset, received_ms, value)


# Ingest.


def state(vessel: int = ALBATROS, **fields: Any) -> dict[str, Any]:
    return {"MMSI": vessel, "Latitude": 50.0, "Longitude": 1.0, "Timestamp": NOW_MS, **fields}


def states(*elements: Any) -> bytes:
    return json.dumps(elements).encode()


def batches(outgoing: list[Outgoing]) -> list[tuple[int | None, PositionBatch]]:
    topic = streams.positions.get_topic_name()
    return [(each.partition, wire.decode_positions(each.value)) for each in outgoing if each.topic == topic]


def letters(outgoing: list[Outgoing]) -> list[DeadLetter]:
    topic = streams.dead_letters.get_topic_name()
    return [wire.decode_dead_letter(each.value) for each in outgoing if each.topic == topic]


@pytest.fixture
def stage() -> ingest.Ingest:
    return ingest.Ingest()


@pytest.fixture
def part(stage: ingest.Ingest) -> Part:
    return stage.open(0)


def test_small_records_wait_for_company_and_leave_as_one_batch(stage: ingest.Ingest, part: Part) -> None:
    for offset in range(3):
        assert stage.work(part, record(states(state()), offset=offset)) == []

    ((_, batch),) = batches(stage.flush(part))

    assert batch.source_offset.tolist() == [0, 1, 2]
    assert batch.vessel.tolist() == [ALBATROS] * 3
    assert stage.flush(part) == []


def test_each_position_goes_to_its_vessels_partition(stage: ingest.Ingest, part: Part) -> None:
    vessels = [ALBATROS + number for number in range(50)]
    stage.work(part, record(states(*(state(vessel) for vessel in vessels))))

    sent = batches(stage.flush(part))

    assert sorted(vessel for _, batch in sent for vessel in batch.vessel.tolist()) == vessels
    for target, batch in sent:
        assert {partition_of(vessel, streams.settings.position_partitions) for vessel in batch.vessel.tolist()} == {
            target
        }


def test_every_position_carries_its_origin(stage: ingest.Ingest) -> None:
    part = stage.open(4)
    stage.work(part, record(states(state(), "no state", state()), offset=8, partition=4))
    stage.work(part, record(states(state()), offset=9, partition=4))

    ((_, batch),) = batches(stage.flush(part))

    assert batch.source_partition.tolist() == [4, 4, 4]
    assert batch.source_offset.tolist() == [8, 8, 9]
    assert batch.source_index.tolist() == [0, 2, 0]


def test_a_big_record_is_cut_into_full_batches_in_order(stage: ingest.Ingest, part: Part) -> None:
    outgoing = stage.work(part, record(states(*(state() for _ in range(1200)))))
    sent = batches(outgoing + stage.flush(part))

    assert [len(batch) for _, batch in sent] == [500, 500, 200]
    assert np.concatenate([batch.source_index for _, batch in sent]).tolist() == list(range(1200))


def test_full_batches_do_not_wait(stage: ingest.Ingest, part: Part) -> None:
    outgoing = stage.work(part, record(states(*(state() for _ in range(700)))))

    assert [len(batch) for _, batch in batches(outgoing)] == [500]
    assert [len(batch) for _, batch in batches(stage.flush(part))] == [200]


def test_what_waits_leaves_when_its_time_is_up(
    stage: ingest.Ingest, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: start)
    stage.work(part, record(states(state())))
    assert stage.tick(part) == []

    monkeypatch.setattr(time, "monotonic", lambda: start + 0.021)
    assert len(batches(stage.tick(part))) == 1
    assert stage.tick(part) == []


def test_a_bad_element_goes_to_the_dead_letters_and_the_good_ones_go_on(stage: ingest.Ingest, part: Part) -> None:
    bad = state(Latitude=95.0)
    stage.work(part, record(states(state()), offset=6))
    stage.work(part, record(states(state(), bad, state(BELUGA)), offset=7))

    outgoing = stage.flush(part)

    (letter,) = letters(outgoing)
    assert (letter.reason.split(":")[0], letter.offset, letter.index) == ("bad-position", 7, 1)
    assert letter.topic == streams.STATES
    assert json.loads(letter.payload)["Latitude"] == 95.0
    assert sum(len(batch) for _, batch in batches(outgoing)) == 3


def test_a_record_that_is_not_json_goes_to_the_dead_letters_whole(stage: ingest.Ingest, part: Part) -> None:
    stage.work(part, record(b"{broken", offset=3))

    (letter,) = letters(stage.flush(part))

    assert (letter.reason.split(":")[0], letter.offset, letter.index, letter.payload) == (
        "not-json",
        3,
        None,
        "{broken",
    )


def test_static_data_are_joined_to_the_positions_that_follow(stage: ingest.Ingest, part: Part) -> None:
    stage.work(part, record(states(state()), offset=0))
    stage.work(
        part, record(states({"MMSI": ALBATROS, "VesselName": "ALBATROS", "AISDestination": "LE HAVRE"}), offset=1)
    )
    stage.work(part, record(states(state()), offset=2))

    ((_, batch),) = batches(stage.flush(part))

    assert [batch.text("name", row) for row in range(len(batch))] == [None, "ALBATROS"]
    assert [batch.text("destination", row) for row in range(len(batch))] == [None, "LE HAVRE"]


def test_static_data_outlive_a_restart() -> None:
    rows = MemoryRows(Changelog())
    loop = Loop(on_memory(ingest.Ingest(), rows), shared())
    loop.open({0})
    static = states({"MMSI": ALBATROS, "VesselName": "ALBATROS"})
    finish(loop.take(event(0, static, at_ms=NOW_MS)))
    finish(loop.checkpoint(loop.parts[0]))

    again = Loop(on_memory(ingest.Ingest(), rows), shared())
    assert again.open({0}) == {0: 1}
    part = again.parts[0]
    part.offset = 1
    finish(again.take(event(1, states(state()), at_ms=NOW_MS)))

    ((_, batch),) = batches(again.stage.flush(part))
    assert batch.text("name", 0) == "ALBATROS"


def test_a_checkpoint_holds_what_was_still_waiting() -> None:
    loop = Loop(on_memory(ingest.Ingest()), shared())
    loop.open({0})
    finish(loop.take(event(0, states(state()), at_ms=NOW_MS)))

    finish(loop.checkpoint(loop.parts[0]))

    outbox: Any = loop._outbox
    assert sum(len(batch) for _, batch in batches(outbox.sent)) == 1


def test_a_record_that_crashes_ingest_takes_no_other_along(
    stage: ingest.Ingest, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash_on_beluga(records: Any, *args: Any, **options: Any) -> Any:
        if any(str(BELUGA).encode() in each.value for each in records):
            raise RuntimeError("beluga")
        return normalise_together(records, *args, **options)

    monkeypatch.setattr("vesselflow.agents.ingest.normalise_together", crash_on_beluga)
    for offset, vessel in enumerate((ALBATROS, BELUGA, ALBATROS)):
        stage.work(part, record(states(state(vessel)), offset=offset))

    outgoing = stage.flush(part)

    (letter,) = letters(outgoing)
    assert (letter.reason, letter.offset) == ("crash", 1)
    assert "beluga" in (letter.traceback or "")
    assert [offset for _, batch in batches(outgoing) for offset in batch.source_offset.tolist()] == [0, 2]


# Detectors. How they judge is tested in tests/core; here every change counts at once.


@pytest.fixture(autouse=True)
def plain_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destination, "POLICY", DestinationPolicy(alert_limit_ms=ALERT_LIMIT_MS))
    monkeypatch.setattr(geofence, "OPTIONS", PolicyOptions(plain=True))


def events_in(outgoing: list[Outgoing]) -> list[Event]:
    topic = streams.events.get_topic_name()
    return [one for each in outgoing if each.topic == topic for one in wire.decode_events(each.value)]


def bound_for(*texts: str | None, offset: int = 0) -> bytes:
    return record_of(*(Fix(at_ms=NOW_MS + at, offset=offset + at, destination=text) for at, text in enumerate(texts)))


def test_a_change_of_destination_is_sent_once() -> None:
    stage = on_memory(destination.loop.stage)
    part = stage.open(0)

    outgoing = stage.work(part, record(bound_for("ROTTERDAM", "ROTTERDAM", "HAMBURG")))

    (one,) = events_in(outgoing)
    assert (one.kind, one.previous_destination, one.new_destination) == ("destination.changed", "ROTTERDAM", "HAMBURG")


def test_events_go_to_the_partition_that_holds_the_vessels_others() -> None:
    stage = on_memory(destination.loop.stage)
    count = streams.settings.event_partitions

    for number in (0, count - 1, count, streams.settings.position_partitions - 1):
        (sent,) = stage.work(stage.open(number), record(bound_for("A", "B"), partition=number))
        assert sent.partition == number % count


def test_positions_sent_again_with_other_borders_announce_nothing_again() -> None:
    # A B C, then again: A B | C D
    stage = on_memory(destination.loop.stage)
    part = stage.open(0)
    stage.work(part, record(bound_for("A", "B", "C"), offset=0))

    again = stage.work(part, record(bound_for("A", "B"), offset=1))
    rest = stage.work(part, record(bound_for("C", "D", offset=2), offset=2))

    assert again == []
    assert [(one.previous_destination, one.new_destination) for one in events_in(rest)] == [("C", "D")]


def test_a_replay_announces_the_same_under_the_same_ids() -> None:
    stage = on_memory(destination.loop.stage)
    value = bound_for("A", "B", "C")

    first = events_in(stage.work(stage.open(0), record(value)))
    second = events_in(stage.work(stage.open(0), record(value)))

    assert len(first) == 2
    assert first == second


def test_a_row_ahead_of_the_replay_announces_nothing_and_stays() -> None:
    # The checkpoint at 2 wrote the vessel's row and was cut off before the progress.
    rows = MemoryRows(Changelog(), takes_at_once=False)
    loop = Loop(on_memory(destination.loop.stage, rows), shared())
    loop.open({0})
    values = [bound_for("A"), bound_for("B", offset=1), bound_for("C", offset=2)]
    for offset in (0, 1):
        finish(loop.take(event(offset, values[offset])))
    finish(loop.checkpoint(loop.parts[0]))
    rows.take(1)

    again = Loop(on_memory(destination.loop.stage, MemoryRows(rows.changelog)), shared())
    assert again.open({0}) == {0: None}
    sent = [events_in(again.stage.work(again.parts[0], record(value, offset=at))) for at, value in enumerate(values)]

    assert [[one.new_destination for one in each] for each in sent] == [[], [], ["C"]]


def test_a_detector_that_crashes_has_changed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = on_memory(destination.loop.stage)
    part = stage.open(0)
    stage.work(part, record(bound_for("A")))
    before = (part.origins, part.work.states.rows.copy().tolist())

    monkeypatch.setattr(wire, "encode_events", lambda events: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        stage.work(part, record(bound_for("B", offset=1), offset=1))

    assert (part.origins, part.work.states.rows.tolist()) == before


def test_a_record_that_is_no_batch_is_invalid() -> None:
    stage = on_memory(destination.loop.stage)

    with pytest.raises(InvalidRecord):
        stage.work(stage.open(0), record(b"not a batch"))


def test_a_record_of_positions_is_cut_vessel_by_vessel() -> None:
    stage = on_memory(destination.loop.stage)
    value = record_of(Fix(1, offset=0), Fix(2, offset=1), Fix(1, offset=2))

    pieces = [wire.decode_positions(each.value) for each in stage.split(record(value))]

    assert [(piece.vessel.tolist(), piece.source_offset.tolist()) for piece in pieces] == [([1, 1], [0, 2]), ([2], [1])]


def test_geofence_judges_by_the_fences_in_force(memory: Memory) -> None:
    square = shapely.to_wkb(shapely.box(0.0, 0.0, 1.0, 1.0))
    version = FenceVersion("fence", "client", "Harbour", square, NOW_MS, None)
    stage = on_memory(geofence.loop.stage)
    part = stage.open(0)
    rules.fences = FenceHistory([version])

    outgoing = stage.work(
        part,
        record(
            record_of(
                Fix(at_ms=NOW_MS - 5, offset=0, lon_deg=0.5, lat_deg=0.5),
                Fix(at_ms=NOW_MS + 5, offset=1, lon_deg=0.5, lat_deg=0.5),
                Fix(at_ms=NOW_MS + 9, offset=2, lon_deg=5.0, lat_deg=5.0),
            )
        ),
    )

    assert [(one.kind, one.client_id, one.at_ms - NOW_MS) for one in events_in(outgoing)] == [
        ("geofence.entered", "client", 5),
        ("geofence.exited", "client", 9),
    ]


# Activity.


def seen(*ages_s: float, offset: int = 0) -> bytes:
    return record_of(
        *(Fix(ALBATROS + at, NOW_MS - round(age_s * 1000), offset=offset, index=at) for at, age_s in enumerate(ages_s))
    )


def partials(outgoing: list[Outgoing]) -> list[Any]:
    return [wire.decode_partial(each.value) for each in outgoing]


def test_a_partial_tells_the_partitions_activity(memory: Memory) -> None:
    stage = on_memory(activity.Activity())
    part = stage.open(3)
    stage.work(part, record(seen(1, 400, 5000)))

    (partial,) = partials(stage.tick(part))

    assert partial.partition == 3
    assert (partial.active_now, partial.active_last_hour, partial.total_vessels) == (1, 2, 3)
    assert partial.positions_last_hour == 2


def test_an_idle_partition_tells_that_its_counts_fell(memory: Memory) -> None:
    stage = on_memory(activity.Activity())
    part = stage.open(0)
    stage.work(part, record(seen(1)))
    stage.tick(part)
    assert stage.tick(part) == []

    memory.clock.advance(timedelta(minutes=10))

    (partial,) = partials(stage.tick(part))
    assert (partial.active_now, partial.active_last_hour) == (0, 1)


def test_nothing_is_told_while_a_replay_catches_up(memory: Memory) -> None:
    stage = on_memory(activity.Activity())
    part = stage.open(0)
    part.until = 5
    stage.work(part, record(seen(1)))
    part.offset = 1

    assert stage.tick(part) == []


def test_windows_that_no_statistic_reaches_are_deleted_from_the_table_too(memory: Memory) -> None:
    stage = on_memory(activity.Activity())
    part = stage.open(0)
    stage.work(part, record(seen(1, 24.9 * 3600)))
    assert len(dict(part.work.windows.changed())) == 2

    memory.clock.advance(timedelta(minutes=10))
    stage.tick(part)

    assert [body for _, body in part.work.windows.changed()] == [None]
    assert len(part.work.windows.sums) == 1


def test_a_window_counts_a_position_once_however_often_it_comes(memory: Memory) -> None:
    stage = on_memory(activity.Activity())
    part = stage.open(0)

    stage.work(part, record(seen(1, 2), offset=0))
    stage.work(part, record(seen(1, 2), offset=1))

    (partial,) = partials(stage.tick(part))
    assert partial.positions_last_hour == 2


def test_vessels_and_windows_come_back_after_a_restart(memory: Memory) -> None:
    stage = on_memory(activity.Activity())
    vars(stage)["tables"] = tables = {"state": MemoryRows(Changelog()), "windows": MemoryRows(Changelog())}
    loop = Loop(stage, shared())
    loop.open({0})
    finish(loop.take(event(0, seen(1, 400))))
    finish(loop.checkpoint(loop.parts[0]))

    again = on_memory(activity.Activity())
    vars(again)["tables"] = tables
    other = Loop(again, shared())
    assert other.open({0}) == {0: 1}

    other.parts[0].offset = 1
    assert partials(again.tick(other.parts[0])) == partials(stage.tick(loop.parts[0]))


async def test_the_row_is_written_when_it_can_be(memory: Memory) -> None:
    stage = on_memory(activity.Activity())
    part = stage.open(0)
    stage.work(part, record(seen(1)))
    (partial,) = partials(stage.tick(part))
    stats.partials.clear()
    stats.partials[0] = partial

    memory.stats.is_down = True
    await stats._write(stats.Timings())
    assert memory.stats.row is not None
    assert memory.stats.row["active_now"] == 0

    memory.stats.is_down = False
    await stats._write(stats.Timings())
    stats.partials.clear()
    assert memory.stats.row["active_now"] == 1


# Live.


def test_the_newest_position_of_each_vessel_is_kept() -> None:
    batch = batch_of(
        [Fix(1, 5, index=0), Fix(2, 1, index=1), Fix(1, 3, index=2), Fix(2, 4, index=3), Fix(2, 4, index=4)]
    )

    kept = newest(batch)

    assert dict(zip(kept.vessel.tolist(), kept.source_index.tolist(), strict=True)) == {1: 0, 2: 4}


def test_what_is_gathered_is_bounded_by_the_vessels() -> None:
    gathered = live.Newest()

    for at_ms in range(10 * live.GATHERED):
        gathered.add(batch_of([Fix(1, at_ms), Fix(2, at_ms)]))

    assert len(gathered._batches) < live.GATHERED
    taken = gathered.take()
    assert taken is not None
    assert sorted(zip(taken.vessel.tolist(), taken.at_ms.tolist(), strict=True)) == [(1, 639), (2, 639)]
    assert gathered.take() is None


async def test_positions_wait_for_redis_and_give_way_to_newer_ones(memory: Memory) -> None:
    live.gathered.take()
    memory.live.is_down = True
    await live._write(batch_of([Fix(ALBATROS, NOW_MS), Fix(BELUGA, NOW_MS)]))

    live.gathered.add(batch_of([Fix(ALBATROS, NOW_MS + 7)]))
    memory.live.is_down = False
    waiting = live.gathered.take()
    assert waiting is not None
    await live._write(waiting)

    assert {key: fields["at"] for key, fields in memory.live.hashes.items()} == {
        f"vessel:mmsi-{ALBATROS}": str(NOW_MS + 7),
        f"vessel:mmsi-{BELUGA}": str(NOW_MS),
    }


async def test_more_vessels_than_one_call_takes_all_arrive(memory: Memory) -> None:
    many = concatenate([batch_of([Fix(ALBATROS + number, NOW_MS)]) for number in range(live.CHUNK + 3)])

    await live._write(many)

    assert len(memory.live.hashes) == live.CHUNK + 3
