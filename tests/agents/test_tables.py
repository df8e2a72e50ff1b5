"""How rows stand in a table, and whether the broker has them."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest

from tests.agents.standins import event
from vesselflow import streams
from vesselflow.tables.acknowledged import AcknowledgedTable
from vesselflow.tables.rows import BucketRows, WindowRows


class Items(dict[Any, bytes]):
    """A table's rows, and the window that a windowed table knows."""

    window = SimpleNamespace(size=10.0)


def test_bucket_rows_come_back_by_partition_and_number() -> None:
    table: Any = Items()
    rows = BucketRows(table)
    for partition, number, body in ((3, 7, b"a"), (3, 12, b"b"), (4, 7, b"c"), (3, None, b"progress"), (11, 0, b"d")):
        table[rows.key(partition, number)] = body

    assert rows.read({3, 4, 5}) == {3: ({7: b"a", 12: b"b"}, b"progress"), 4: ({7: b"c"}, None), 5: ({}, None)}


def test_window_rows_come_back_by_partition_and_start() -> None:
    table: Any = Items()
    rows = WindowRows(SimpleNamespace(table=table))
    for partition, number, body in ((3, 0, b"a"), (3, 1_700_000_010_000, b"b"), (4, 0, b"c"), (3, None, b"progress")):
        table[rows.key(partition, number)] = body

    assert rows.read({3, 4}) == {3: ({0: b"a", 1_700_000_010_000: b"b"}, b"progress"), 4: ({0: b"c"}, None)}


def test_a_windows_key_is_the_span_that_faust_gives_it() -> None:
    table: Any = Items()

    assert WindowRows(SimpleNamespace(table=table)).key(3, 20_000) == (3, (20.0, 30.0))


Change = tuple[int, bytes, bytes | None]


@pytest.fixture
def sent() -> list[Change]:
    """What the table gave to its changelog: partition, key and value."""
    return []


def _send(sent: list[Change], **options: Any) -> Any:
    sent.append((options["partition"], options["key"], options["value"]))
    return SimpleNamespace(message=SimpleNamespace(partition=options["partition"]))


@pytest.fixture
def table(sent: list[Change], monkeypatch: pytest.MonkeyPatch) -> AcknowledgedTable:
    app = faust.App("tables-in-memory", store="memory://")
    made = AcknowledgedTable(app, name="rows", key_type=bytes, value_type=bytes, partitions=2)
    # What Faust asks the broker, and what it would send there.
    monkeypatch.setattr(made, "_verify_source_topic_partitions", lambda topic: None)
    monkeypatch.setattr(made.changelog_topic, "send_soon", partial(_send, sent))
    monkeypatch.setattr(made.data, "set_persisted_offset", lambda *_: None, raising=False)
    return made


def acknowledge(table: AcknowledgedTable, partition: int) -> None:
    delivered = SimpleNamespace(partition=partition, topic_partition=("rows", partition), offset=0)
    table._on_changelog_sent(SimpleNamespace(result=lambda: delivered))


def test_writes_go_to_the_partition_of_the_event_in_their_order(table: AcknowledgedTable, sent: list[Change]) -> None:
    table.write(event(0, partition=1), [(b"a", b"1"), (b"b", b"2"), (b"progress", b"3")])

    assert sent == [(1, b"a", b"1"), (1, b"b", b"2"), (1, b"progress", b"3")]
    assert dict(table.items()) == {b"a": b"1", b"b": b"2", b"progress": b"3"}


def test_none_deletes(table: AcknowledgedTable, sent: list[Change]) -> None:
    table.write(event(0), [(b"a", b"1"), (b"b", b"2")])

    table.write(event(1), [(b"a", None)])

    assert dict(table.items()) == {b"b": b"2"}
    assert sent[-1] == (0, b"a", None)


async def test_acknowledged_waits_for_the_partitions_writes_alone(table: AcknowledgedTable) -> None:
    table.write(event(0, partition=0), [(b"a", b"1"), (b"b", b"2")])
    table.write(event(0, partition=1), [(b"c", b"3")])
    waits = asyncio.create_task(table.acknowledged(0))

    acknowledge(table, 0)
    acknowledge(table, 1)
    await asyncio.sleep(0.02)
    assert not waits.done()

    acknowledge(table, 0)
    async with asyncio.timeout(5.0):
        await waits


async def test_nothing_written_is_acknowledged_at_once(table: AcknowledgedTable) -> None:
    async with asyncio.timeout(5.0):
        await table.acknowledged(1)


# The local state and its marker.


@pytest.fixture
def local(tmp_path: Path) -> Path:
    database = tmp_path / "tables" / "state-geofence-0.db"
    database.mkdir(parents=True)
    (database / "CURRENT").write_text("MANIFEST")
    return tmp_path


def test_after_a_clean_stop_the_local_state_is_used_once(local: Path) -> None:
    marker = local / "stopped-clean"
    marker.write_text("yes")

    streams._use_marker(marker, local / "tables")
    assert (local / "tables" / "state-geofence-0.db" / "CURRENT").exists()
    assert not marker.exists()

    streams._use_marker(marker, local / "tables")
    assert not (local / "tables" / "state-geofence-0.db").exists()


def test_a_first_start_has_no_local_state(tmp_path: Path) -> None:
    streams._use_marker(tmp_path / "stopped-clean", tmp_path / "tables")

    assert list(tmp_path.iterdir()) == []


def test_fausts_fast_iterator_is_there() -> None:
    streams.assert_fast_streams()
