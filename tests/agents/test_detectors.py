"""The agents of changes, movement and gap with the settings' policy, on memory: their stages, called as the loop calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.agents.standins import Changelog, MemoryRows, event, finish, shared
from tests.core.tracks import Fix, batch_of
from vesselflow import streams
from vesselflow.agents import changes, gap, movement
from vesselflow.core import wire
from vesselflow.core.model import Event
from vesselflow.loop import Loop
from vesselflow.outbox import Outgoing
from vesselflow.stage import Record

MINUTE_MS = 60_000
NOON_MS = 1_767_268_800_000
SILENT, OTHER = 235_000_001, 235_000_002


def record(fixes: Sequence[Fix], offset: int = 0) -> Record:
    batch = replace(batch_of(fixes), source_offset=np.full(len(fixes), offset))
    return Record("topic", 0, offset, NOON_MS, wire.encode_positions(batch))


def on_memory(stage: Any, rows: MemoryRows | None = None) -> Any:
    """Return *stage* with a table in memory."""
    made = object.__new__(type(stage))
    vars(made).update(vars(stage) | {"tables": {"state": rows or MemoryRows(Changelog())}})
    return made


def kinds(outgoing: Sequence[Outgoing]) -> list[str]:
    assert all(each.topic == streams.events.get_topic_name() for each in outgoing)
    events: list[Event] = [one for each in outgoing for one in wire.decode_events(each.value)]
    return [one.kind for one in events]


def every(minutes: int, count: int, *, start: int = 0, vessel: int = SILENT, **values: Any) -> list[Fix]:
    moments = [NOON_MS + (start + number * minutes) * MINUTE_MS for number in range(count)]
    return [Fix(vessel=vessel, at_ms=at_ms, **values) for at_ms in moments]


@pytest.mark.parametrize(
    ("agent", "fixes", "told"),
    [
        (
            changes,
            [*every(5, 3, draught_m=7.0, nav_status=0), *every(5, 3, start=15, draught_m=9.0, nav_status=5)],
            ["status.changed", "draught.changed"],
        ),
        (movement, [*every(1, 3, sog_kn=12.0), *every(1, 6, start=3, sog_kn=0.1)], ["movement.stopped"]),
        (
            gap,
            sorted([*every(1, 1), *every(10, 50, vessel=OTHER), *every(1, 1, start=400)], key=lambda fix: fix.at_ms),
            ["gap.started", "gap.ended"],
        ),
    ],
    ids=["changes", "movement", "gap"],
)
def test_what_is_detected_by_default_is_sent_once(agent: Any, fixes: list[Fix], told: list[str]) -> None:
    stage = on_memory(agent.loop.stage)
    part = stage.open(0)

    assert kinds(stage.work(part, record(fixes))) == told
    # Sent again by ingest, under a new offset.
    assert stage.work(part, replace(record(fixes), offset=1)) == []


def test_the_clock_goes_on_after_a_restart() -> None:
    rows = MemoryRows(Changelog())
    before = Loop(on_memory(gap.loop.stage, rows), shared())
    before.open({0})
    finish(before.take(event(0, record(every(1, 1)).value)))
    # The table's rows of the silent vessel alone tell nothing of the other one, which is ahead in time.
    finish(before.take(event(1, record(every(10, 30, vessel=OTHER), 1).value)))
    finish(before.checkpoint(before.parts[0]))

    after = Loop(on_memory(gap.loop.stage, MemoryRows(rows.changelog)), shared())
    after.open({0})
    part = after.parts[0]
    outgoing = after.stage.work(part, record(every(10, 10, start=300, vessel=OTHER), 2))

    assert part.origins[gap.CLOCK] == (NOON_MS + 390 * MINUTE_MS, NOON_MS)
    assert kinds(outgoing) == ["gap.started"]
