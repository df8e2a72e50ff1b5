"""The Faust app and every topic, side by side. Importing this reads the environment and connects to nothing."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import faust
import faust.app
from faust.sensors import Sensor
from faust.transport.drivers import TRANSPORTS
from faust.types import TP

from vesselflow.core.errors import VesselflowError
from vesselflow.settings import Settings
from vesselflow.transport import Consumer

#: The plan's topic: whoever writes vessel states, writes them there.
STATES: Final = "vessel.state.changed"

#: Exit code of a worker that ends itself so that it is started again (EX_SOFTWARE of sysexits.h).
EXIT_RESTART: Final = 70

TRANSPORTS.aliases["vesselflow"] = "vesselflow.transport:Transport"

Hook = Callable[[], Awaitable[None]]
StartOffsets = Callable[[set[TP]], Awaitable[Mapping[TP, int]]]

settings: Final = Settings.from_env(os.environ)


class BootStrategy(faust.app.BootStrategy):
    """Faust's way to start, without Faust's own pages: they show the tables to anyone.

    The worker command switches them on whatever the setting says. Source: faust/cli/worker.py.
    """

    enable_web = False


class App(faust.App):
    """Faust's app with the three moments that the loop needs and Faust does not offer.

    ``starts`` answers where to read each partition from, once tables are recovered; ``before_start`` runs before
    anything is started; ``before_stop`` while streams and tables still work.
    """

    BootStrategy = BootStrategy
    starts: StartOffsets | None = None
    before_start: list[Hook]
    before_stop: list[Hook]
    #: Whether the local state may be used at the next start; the last checkpoint sets it.
    stopped_clean = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.before_start = []
        self.before_stop = []
        super().__init__(*args, **kwargs)

    @property
    def reader(self) -> Consumer:
        """The consumer, as what it is."""
        return cast(Consumer, self.consumer)

    async def start_offsets(self, partitions: set[TP]) -> Mapping[TP, int]:
        """Return where to start each of *partitions*."""
        return await self.starts(partitions) if self.starts else {}

    async def on_first_start(self) -> None:
        """Make the folder of the local state; Faust makes only its last part."""
        _make_folder(Path(self.conf.datadir))
        await super().on_first_start()

    async def on_start(self) -> None:
        """Discard the local state of an unclean stop, then start."""
        assert_fast_streams()
        _use_marker(self.marker, Path(self.conf.tabledir))
        for hook in self.before_start:
            await hook()
        await super().on_start()

    async def on_stop(self) -> None:
        """Let the loop checkpoint, stop, and only then mark the local state as usable."""
        for hook in self.before_stop:
            await hook()
        await super().on_stop()
        if self.stopped_clean:
            self.marker.write_text("the last checkpoint was acknowledged\n")

    @property
    def marker(self) -> Path:
        """The file that says the local state is complete."""
        return Path(self.conf.datadir) / "stopped-clean"


class ExitOnSendError(Sensor):
    """End the process when a record cannot be sent for good: going on would lose it."""

    def on_send_error(self, producer: Any, exc: BaseException, state: Any) -> None:
        """Exit at once, without a checkpoint."""
        os._exit(EXIT_RESTART)


def assert_fast_streams() -> None:
    """Refuse to start without Faust's Cython iterator: the Python one acknowledges what it never delivered.

    Source: faust/streams.py, `Stream._py_aiter`, which acks events of an old generation.
    """
    if importlib.import_module("faust.streams")._CStreamIterator is None:
        raise VesselflowError(
            "expected Faust's Cython extensions, found none: reinstall faust-streaming from its wheel"
        )


def _make_folder(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)


def _use_marker(marker: Path, tables: Path) -> None:
    # After kill -9 the local tables hold values that never reached the changelog; the changelog rebuilds them.
    if marker.exists():
        marker.unlink()
    else:
        for database in tables.glob("*.db"):
            shutil.rmtree(database, ignore_errors=True)


app: Final = App(
    settings.app_id,
    broker=[f"vesselflow://{broker}" for broker in settings.kafka_brokers.split(",")],
    store="rocksdb://",
    datadir=str(settings.data_dir),
    key_serializer="raw",
    value_serializer="raw",
    processing_guarantee="at_least_once",
    consumer_auto_offset_reset="earliest",
    # A worker that comes back within the session keeps its partitions.
    consumer_group_instance_id=f"{settings.app_id}-{os.uname().nodename}-{settings.worker_name}",
    broker_session_timeout=10.0,
    broker_heartbeat_interval=2.0,
    broker_rebalance_timeout=15.0,
    broker_request_timeout=30.0,
    # Our own watch ends a worker that stalls; a long wait for Postgres is no reason to leave the group.
    broker_max_poll_interval=86_400.0,
    broker_max_poll_records=200,
    # The loop commits its own progress as a hint; Faust's commit finds nothing acknowledged.
    broker_commit_interval=3600.0,
    broker_commit_every=10**9,
    broker_commit_livelock_soft_timeout=10**9,
    consumer_max_fetch_size=1 << 20,
    producer_acks=-1,
    producer_linger=0.005,
    producer_max_batch_size=262_144,
    producer_max_request_size=4 << 20,
    producer_compression_type="snappy",
    # A batch that waits out this time is lost; the process would rather end than lose one.
    producer_request_timeout=6 * 3600.0,
    stream_buffer_maxsize=64,
    stream_wait_empty=False,
    stream_recovery_delay=0.0,
    table_standby_replicas=0,
    topic_replication_factor=settings.replication_factor,
    topic_disable_leader=True,
    worker_redirect_stdouts=False,
)
app.sensors.add(ExitOnSendError())


def _topic(name: str, partitions: int) -> Any:
    return app.topic(name, key_type=bytes, value_type=bytes, partitions=partitions)


states: Final = _topic(STATES, settings.source_partitions)
positions: Final = _topic(f"{settings.app_id}.positions", settings.position_partitions)
events: Final = _topic(f"{settings.app_id}.events", settings.event_partitions)
activity: Final = _topic(f"{settings.app_id}.activity", 1)
dead_letters: Final = _topic(f"{settings.app_id}.dead-letters", 1)

DAY_MS: Final = 86_400_000

#: What each topic is created with, beyond its partitions and copies.
TOPIC_CONFIGS: Final[Mapping[str, Mapping[str, str]]] = {
    # "How late is it" is judged by when the record reached Kafka, so producers' clocks must not count.
    STATES: {
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(7 * DAY_MS),
        "max.message.bytes": "4194304",
    },
    positions.get_topic_name(): {"retention.ms": str(2 * DAY_MS), "max.message.bytes": "4194304"},
    events.get_topic_name(): {"retention.ms": str(14 * DAY_MS), "max.message.bytes": "4194304"},
    activity.get_topic_name(): {"retention.ms": str(DAY_MS)},
    dead_letters.get_topic_name(): {"retention.ms": str(14 * DAY_MS)},
}
TOPICS: Final = (states, positions, events, activity, dead_letters)
