"""Crashes, checkpoints cut off, late writers and records sent twice, in any order: the states come out the same.

The machine has one partition's log, the tables' changelogs at the broker, one owner and any number of paused
ones. Everything that is the program's is the program's own: stage, loop, ledger. At the end the last owner
crashes, another replays, and both its states and all events ever sent are compared with those of one clean run.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.agents.standins import Changelog, FakeOutbox, Fix, MemoryRows, event, finish, record_of, shared
from vesselflow import streams
from vesselflow.agents.activity import Activity
from vesselflow.agents.detecting import Detector
from vesselflow.agents.gap import CLOCK, GapDetector
from vesselflow.core import gap, wire
from vesselflow.core.gap import GapPolicy
from vesselflow.core.model import Event, PositionBatch
from vesselflow.core.states import Detection, VesselStates, bucket_of
from vesselflow.loop import Loop
from vesselflow.stage import Part

STATE = np.dtype([("vessel", "<i8"), ("count", "<i8"), ("digest", "<i8"), ("destination", "<i4")])
SOURCES = (0, 1)
#: How many records are read; how many writes the broker takes of each table before all is cut off.
COUNT = st.integers(0, 6)
ALL = 10**6
TAKES = st.lists(st.one_of(st.integers(0, 8), st.just(ALL)), min_size=2, max_size=2)
#: A vessel's positions come from one source, as they do by its hash.
VESSELS = {0: (1, 2, 3), 1: (4, 5, 6)}


def sharing_a_bucket() -> dict[int, tuple[int, ...]]:
    """Return the vessels with one more of each source, both in the bucket of vessel 1."""
    candidates = np.arange(7, 5000)
    alike = candidates[bucket_of(candidates, streams.settings.buckets) == bucket_of(np.array([1]), 64)[0]]
    return {source: (*VESSELS[source], int(alike[source])) for source in SOURCES}


def new_states(buckets: int) -> VesselStates:
    return VesselStates(STATE, text_fields=("destination",), buckets=buckets)


def detect(states: VesselStates, batch: PositionBatch, policy: None) -> Detection:
    """Count and digest each vessel's positions; every third one is an event that tells the digest."""
    slots = states.slots(batch.vessel)
    rows, events = states.rows.copy(), []
    notes: dict[int, list[int]] = {}
    # Some positions change nothing, as most do for a real detector.
    counted = [row for row in range(len(batch)) if batch.at_ms[row] % 5]
    for row in counted:
        slot, at_ms = int(slots[row]), int(batch.at_ms[row])
        rows[slot]["count"] += 1
        rows[slot]["digest"] = (int(rows[slot]["digest"]) * 31 + at_ms) % 1_000_003
        rows[slot]["destination"] = states.strings.number(batch.text("destination", row))
        notes[slot] = [*notes.get(slot, states.notes.get(slot, [])), at_ms][-2:]
        if at_ms % 3 == 0:
            events.append(toy_event(int(batch.vessel[row]), at_ms, int(rows[slot]["digest"])))
    changed = np.unique(slots[counted])
    return Detection(changed, rows[changed], notes, events)


def toy_event(vessel: int, at_ms: int, digest: int) -> Event:
    return Event(
        id=f"{vessel}/{at_ms}/{digest}",
        kind="toy.counted",
        vessel=vessel,
        at_ms=at_ms,
        first_fix_ms=at_ms,
        received_ms=at_ms,
        lon_deg=0.0,
        lat_deg=0.0,
    )


@dataclass
class Owner:
    """One process: its loop, what it has not sent and what the broker has not taken."""

    loop: Loop
    outbox: FakeOutbox
    tables: Mapping[str, MemoryRows]

    @property
    def part(self) -> Part:
        return self.loop.parts[0]


@dataclass
class Source:
    """One partition of ingest: all its positions, and the instances of ingest that send them."""

    number: int
    unit_ms: int = 1
    fixes: list[Fix] = field(default_factory=list)
    cursors: list[int] = field(default_factory=lambda: [0])
    sent: int = 0

    def add(self, vessel: int, step: int) -> None:
        place = len(self.fixes)
        at_ms = (self.fixes[-1].at_ms if self.fixes else 0) + step * self.unit_ms
        destination = ("A", "B", None)[at_ms % 3]
        self.fixes.append(Fix(vessel, at_ms, self.number, place // 3, place % 3, destination=destination))

    def send(self, instance: int, count: int) -> bytes | None:
        start = self.cursors[instance % len(self.cursors)]
        batch = self.fixes[start : start + count]
        self.cursors[instance % len(self.cursors)] += len(batch)
        self.sent = max(self.sent, start + len(batch))
        return record_of(*batch) if batch else None


class Recovery(RuleBasedStateMachine):
    """Whatever happens to an agent between two of its checkpoints, and in the middle of one."""

    names: ClassVar[tuple[str, ...]]
    unit_ms: ClassVar[int] = 1
    vessels = sharing_a_bucket()

    def stage(self, tables: Mapping[str, MemoryRows]) -> Any:
        raise NotImplementedError

    def seen(self, part: Part) -> Any:
        """Return the states of *part* in a form that can be compared."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.sources = {number: Source(number, self.unit_ms) for number in SOURCES}
        self.log: list[bytes] = []
        self.changelogs = {name: Changelog() for name in self.names}
        self.events: set[str] = set()
        self.late: list[Owner] = []
        self.owner = self.start(self.changelogs)

    def start(self, changelogs: Mapping[str, Changelog]) -> Owner:
        outbox = FakeOutbox()
        tables = {name: MemoryRows(changelog, takes_at_once=False) for name, changelog in changelogs.items()}
        owner = Owner(Loop(self.stage(tables), shared(outbox)), outbox, tables)
        start = owner.loop.open({0})[0]
        owner.part.offset = 0 if start is None else start
        return owner

    def read(self, owner: Owner, log: list[bytes], count: int) -> None:
        for _ in range(min(count, len(log) - owner.part.offset)):
            finish(owner.loop.take(event(owner.part.offset, log[owner.part.offset])))

    def checkpoint(self, owner: Owner, takes: list[int]) -> None:
        finish(owner.loop.checkpoint(owner.part))
        self.events |= ids(owner)
        self.take(owner, takes)

    def take(self, owner: Owner, takes: list[int]) -> None:
        for name, count in zip(self.names, takes, strict=False):
            owner.tables[name].take(count)

    @initialize(seed=st.integers(0, 10**6))
    def the_day_begins(self, seed: int) -> None:
        """Fill the log, so that the steps can be about owners; what ingest sends twice is in it as well."""
        draw = random.Random(seed)
        for _ in range(60):
            source = draw.choice(SOURCES)
            self.sources[source].add(draw.choice(self.vessels[source]), draw.randrange(8))
        for _ in range(30):
            if draw.random() < 0.2:
                self.ingest_starts_again(draw.choice(SOURCES), draw.randrange(12))
            self.ingest_sends([(draw.choice(SOURCES), draw.randrange(2), draw.randrange(1, 6))])

    @rule(reports=st.lists(st.tuples(st.sampled_from(SOURCES), st.integers(0, 3), st.integers(0, 7)), min_size=1))
    def vessels_report(self, reports: list[tuple[int, int, int]]) -> None:
        for source, vessel, step in reports:
            self.sources[source].add(self.vessels[source][vessel], step)

    @rule(sends=st.lists(st.tuples(st.sampled_from(SOURCES), st.integers(0, 1), st.integers(1, 6)), min_size=1))
    def ingest_sends(self, sends: list[tuple[int, int, int]]) -> None:
        for source, instance, count in sends:
            record = self.sources[source].send(instance, count)
            if record is not None:
                self.log.append(record)

    @rule(source=st.sampled_from(SOURCES), back=st.integers(0, 12))
    def ingest_starts_again(self, source: int, back: int) -> None:
        one = self.sources[source]
        # The instance before may be paused and send on later, so both stay.
        one.cursors = [max(0, one.sent - back), one.cursors[0]]

    @rule(count=COUNT)
    def the_owner_reads(self, count: int) -> None:
        self.read(self.owner, self.log, count)

    @rule(count=COUNT)
    def the_owner_checkpoints(self, count: int) -> None:
        self.read(self.owner, self.log, count)
        self.checkpoint(self.owner, [ALL, ALL])

    @rule(takes=TAKES)
    def the_owner_checkpoints_and_crashes(self, takes: list[int]) -> None:
        self.checkpoint(self.owner, takes)
        self.owner = self.start(self.changelogs)

    @rule(takes=TAKES)
    def the_owner_checkpoints_and_is_paused(self, takes: list[int]) -> None:
        self.checkpoint(self.owner, takes)
        self.late.append(self.owner)
        self.owner = self.start(self.changelogs)

    @rule(count=COUNT)
    def the_owner_is_paused(self, count: int) -> None:
        self.read(self.owner, self.log, count)
        self.late.append(self.owner)
        self.owner = self.start(self.changelogs)

    @precondition(lambda self: self.late)
    @rule(which=st.integers(0, 3), count=COUNT, takes=TAKES)
    def a_late_owner_reads_and_checkpoints(self, which: int, count: int, takes: list[int]) -> None:
        owner = self.late[which % len(self.late)]
        self.read(owner, self.log, count)
        self.checkpoint(owner, takes)

    @precondition(lambda self: self.late)
    @rule(which=st.integers(0, 3), takes=TAKES)
    def the_broker_takes_more_of_a_late_owner(self, which: int, takes: list[int]) -> None:
        self.take(self.late[which % len(self.late)], takes)

    def clean_log(self) -> list[bytes]:
        """Return every position once, in large records."""
        return [record_of(*one.fixes[: one.sent]) for one in self.sources.values() if one.sent]

    def teardown(self) -> None:
        last = self.start(self.changelogs)
        self.read(last, self.log, len(self.log))
        clean_log = self.clean_log()
        clean = self.start({name: Changelog() for name in self.names})
        self.read(clean, clean_log, len(clean_log))
        finish(last.outbox.acknowledged(last.part.sent))
        finish(clean.outbox.acknowledged(clean.part.sent))

        assert self.seen(last.part) == self.seen(clean.part)
        assert self.events | ids(last) == ids(clean)


def ids(owner: Owner) -> set[str]:
    assert all(each.topic == streams.events.get_topic_name() for each in owner.outbox.sent)
    return {one.id for each in owner.outbox.sent for one in wire.decode_events(each.value)}


def by_vessel(states: VesselStates) -> dict[int, tuple[Any, ...]]:
    """Return the rows that are not empty, texts for their numbers, and their notes."""
    found = {}
    for slot, row in enumerate(states.rows):
        values = {name: row[name].item() for name in states.dtype.names or ()}
        vessel = values.pop("vessel")
        values |= {name: states.strings.text(values[name]) for name in states.text_fields}
        if any(values.values()):
            found[vessel] = (values, states.notes.get(slot))
    return found


class DetectorRecovery(Recovery):
    names = ("state",)

    def stage(self, tables: Mapping[str, MemoryRows]) -> Any:
        stage = Detector("toy", None, new_states, detect, lambda: None)
        vars(stage)["tables"] = tables
        return stage

    def seen(self, part: Part) -> Any:
        return by_vessel(part.work.states)


class ActivityRecovery(Recovery):
    """Two tables, each with a ledger of its own; counters, which a replay would count twice."""

    names = ("state", "windows")

    def stage(self, tables: Mapping[str, MemoryRows]) -> Any:
        stage = Activity()
        vars(stage)["tables"] = tables
        return stage

    def seen(self, part: Part) -> Any:
        return by_vessel(part.work.buckets.states), part.work.windows.sums


class GapRecovery(Recovery):
    """A clock that all vessels move, so that it matters in which order they were heard."""

    names = ("state",)
    unit_ms = 60_000

    def stage(self, tables: Mapping[str, MemoryRows]) -> Any:
        policy = GapPolicy(gap_ms=20 * self.unit_ms, break_ms=6 * self.unit_ms)
        stage = GapDetector("gap", None, gap.new_states, gap.detect, lambda: policy)
        vars(stage)["tables"] = tables
        return stage

    def clean_log(self) -> list[bytes]:
        return self.log

    def seen(self, part: Part) -> Any:
        return by_vessel(part.work.states), part.origins.get(CLOCK)


for machine in (DetectorRecovery, ActivityRecovery, GapRecovery):
    # The same examples every time: what they cover shall not depend on luck.
    machine.TestCase.settings = settings(
        max_examples=100, stateful_step_count=30, deadline=None, derandomize=True, database=None
    )

TestDetectorRecovery = DetectorRecovery.TestCase
TestActivityRecovery = ActivityRecovery.TestCase
TestGapRecovery = GapRecovery.TestCase
