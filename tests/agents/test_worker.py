"""All loops of a process together: where they start, what they do before partitions go, how they stop."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from tests.agents.loops import TP0, Bench, Keeping, restarted, turns, with_progress
from tests.agents.standins import MemoryRows, event, shared
from vesselflow.core.errors import VesselflowError
from vesselflow.loop import Loop
from vesselflow.outbox import Outbox
from vesselflow.stage import Part
from vesselflow.worker import Worker


class Signal:
    def __init__(self) -> None:
        self.receivers: list[Any] = []

    def connect(self, receiver: Any) -> None:
        self.receivers.append(receiver)


class FakeApp:
    """Faust's app as far as `Worker` looks at it."""

    def __init__(self, *, earliest: int = 0, end: int = 100) -> None:
        self.starts: Any = None
        self.before_stop: list[Any] = []
        self.on_partitions_revoked = Signal()
        self.stopped_clean = False
        self.consumer = self.reader = shared().app.consumer
        self.consumer.earliest_offsets = self._all(earliest)
        self.consumer.highwaters = self._all(end)
        self.producer = SimpleNamespace()

    def _all(self, offset: int) -> Any:
        async def answer(*partitions: TP) -> dict[TP, int]:
            return dict.fromkeys(partitions, offset)

        return answer


def worker_of(app: Any, *stages: Any) -> Worker:
    worker = Worker(app, stall_exit_s=60.0)
    for stage in stages:
        worker.add(Loop(stage, worker))
    return worker


async def test_a_partition_starts_where_the_last_of_its_agents_is() -> None:
    app = FakeApp()
    worker = worker_of(app, Keeping(with_progress(30)), Keeping(with_progress(20)))

    starts = await app.starts({TP0})

    assert starts == {TP0: 20}
    assert [loop.parts[0].offset for loop in worker.loops] == [30, 20]


async def test_an_agent_without_progress_starts_at_the_logs_beginning() -> None:
    app = FakeApp(earliest=7)
    worker = worker_of(app, Keeping(with_progress(30)), Keeping())

    starts = await app.starts({TP0})

    assert starts == {TP0: 7}
    assert [loop.parts[0].offset for loop in worker.loops] == [30, 7]


async def test_a_log_that_ends_below_a_progress_stops_the_worker() -> None:
    app = FakeApp(end=12)
    worker_of(app, Keeping(with_progress(30)))

    with pytest.raises(VesselflowError, match="expects records/0 to reach offset 30, but it ends at 12"):
        await app.starts({TP0})


async def test_a_topic_of_which_only_the_newest_counts_starts_at_its_end() -> None:
    app = FakeApp(end=40)
    worker = worker_of(app, Keeping(with_progress(30)))
    worker.read_newest_only("newest")

    starts = await app.starts({TP0, TP("newest", 0)})

    assert starts == {TP0: 30, TP("newest", 0): 40}


async def opened(app: FakeApp, rows: MemoryRows) -> tuple[Worker, Loop]:
    """Return a worker whose one loop has read one record that was sent."""
    worker = worker_of(app, Keeping(rows))
    await app.starts({TP0})
    (loop,) = worker.loops
    part = loop.parts[0]
    part.event, part.offset = event(0), 1
    part.work.values.append(b"0")
    return worker, loop


async def test_partitions_are_checkpointed_before_they_go() -> None:
    app, rows = FakeApp(), MemoryRows()
    worker, loop = await opened(app, rows)

    await worker.revoked(app, {TP0})

    assert rows.read({0})[0][1] is not None
    assert loop.parts == {}


async def test_a_worker_whose_checkpoint_hangs_at_a_rebalance_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    app, rows = FakeApp(), MemoryRows(takes_at_once=False)
    worker, _ = await opened(app, rows)
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    monkeypatch.setattr("vesselflow.worker.REVOKE_S", 0.01)

    await worker.revoked(app, {TP0})

    assert exits == [70]


async def test_a_stop_checkpoints_and_then_allows_the_local_state(monkeypatch: pytest.MonkeyPatch) -> None:
    app, rows = FakeApp(), MemoryRows()
    worker, loop = await opened(app, rows)
    worker.also(asyncio.sleep(60))

    await worker.stop()

    assert app.stopped_clean
    assert loop.stopping
    assert rows.read({0})[0][1] is not None


async def test_a_stop_without_acknowledgement_forbids_the_local_state(monkeypatch: pytest.MonkeyPatch) -> None:
    app, rows = FakeApp(), MemoryRows(takes_at_once=False)
    worker, _ = await opened(app, rows)
    worker.also(asyncio.sleep(60))
    monkeypatch.setattr("vesselflow.worker.STOP_S", 0.01)

    await worker.stop()

    assert not app.stopped_clean


async def test_a_task_that_fails_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    app: Any = FakeApp()
    worker = worker_of(app)

    async def fail() -> None:
        raise RuntimeError("disk full")

    worker.also(fail())
    await turns()

    assert exits == [70]


async def stalled(app: FakeApp) -> tuple[Worker, Part]:
    """Return a worker with one part that has a lag of 70 and has not moved for an hour."""
    app.reader.ends[TP0] = 100
    worker = worker_of(app, Keeping(with_progress(30)))
    await app.starts({TP0})
    part = worker.loops[0].parts[0]
    part.moved_at -= 3600
    return worker, part


async def test_a_loop_that_stalls_with_lag_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    worker, _ = await stalled(FakeApp())

    worker._look(time.monotonic())

    assert exits == [70]


async def test_a_loop_without_lag_may_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    worker, part = await stalled(FakeApp())
    part.offset = 100

    worker._look(time.monotonic())

    assert exits == []


async def test_who_waited_for_the_outside_has_its_time_anew_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    worker, _ = await stalled(FakeApp())
    is_away = [True]
    worker.waits.append(lambda: bool(is_away))
    now = time.monotonic()
    worker._look(now)

    is_away.clear()
    worker._look(now + 1.0)
    assert exits == []

    worker._look(now + 3600.0)
    assert exits == [70]


async def test_the_loop_runs_on_the_real_outbox() -> None:
    # Sent in order, and written only when the one delivery is confirmed.
    delivery: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def send(*_: Any) -> asyncio.Future[None]:
        return delivery

    app: Any = SimpleNamespace(producer=SimpleNamespace(send=send))
    outbox = Outbox(app)
    sending = asyncio.create_task(outbox.run())
    bench = Bench(outbox=outbox)
    await bench.loop.take(event(0, b"0"))

    checkpoint = asyncio.create_task(bench.loop.checkpoint(bench.part))
    await turns()
    assert restarted(bench)[0] is None

    delivery.set_result(None)
    await checkpoint
    assert restarted(bench)[0] == 1
    sending.cancel()
