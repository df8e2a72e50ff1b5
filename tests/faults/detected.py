"""What the detectors say of the whole input log when nothing ever stops them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from tests.faults.rig import Rig, read_all
from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.pool import Database
from vesselflow.core import destination, geofence, movement
from vesselflow.core.fences import FenceHistory
from vesselflow.core.model import Event, PositionBatch
from vesselflow.core.normalise import SourceRecord, normalise_together
from vesselflow.core.states import Detection, VesselStates
from vesselflow.core.statics import new_statics
from vesselflow.policies import fence_options
from vesselflow.settings import Settings
from vesselflow.streams import STATES

Detect = Callable[[VesselStates, PositionBatch, Any], Detection]


async def events_of_the_log(rig: Rig) -> dict[str, Event]:
    """Return the events of the rig's vessels by id, each detector run once over each partition of the input."""
    settings = rig.settings
    database = Database(settings.database_url)
    try:
        _, versions = await PostgresFences(database, delay_ms=round(settings.fence_delay_s * 1000)).fences(0)
    finally:
        await database.close()
    events: dict[str, Event] = {}
    for partition in range(settings.source_partitions):
        batches = list(_batches(await read_all(settings.kafka_brokers, STATES, partition), partition, settings))
        for states, detect, policy in _detectors(settings, FenceHistory(versions)):
            for batch in batches:
                detection = detect(states, batch, policy)
                states.apply(detection)
                events.update({event.id: event for event in detection.events})
    return {id: event for id, event in events.items() if rig.is_ours(event)}


def _detectors(settings: Settings, fences: FenceHistory) -> Iterator[tuple[VesselStates, Detect, Any]]:
    limit_ms, hold_off_ms = round(settings.alert_limit_s * 1000), round(settings.change_hold_off_s * 1000)
    yield geofence.new_states(1), geofence.detect, fence_options(settings).policy(fences, alert_limit_ms=limit_ms)
    policy = destination.default_policy(hold_off_ms=hold_off_ms, alert_limit_ms=limit_ms)
    yield destination.new_states(1), destination.detect, policy
    moves = movement.MovementPolicy(
        stop_below_kn=settings.stop_below_kn,
        start_above_kn=settings.start_above_kn,
        confirm_ms=round(settings.movement_confirm_s * 1000),
        alert_limit_ms=limit_ms,
    )
    yield movement.new_states(1), movement.detect, moves


def _batches(records: Sequence[tuple[bytes, int]], partition: int, settings: Settings) -> Iterator[PositionBatch]:
    statics = new_statics()
    numbered = enumerate(records)
    while group := list(islice(numbered, 200)):
        found, _ = normalise_together(
            [SourceRecord(value, offset, received_ms) for offset, (value, received_ms) in group],
            statics,
            identity="mmsi",
            source_partition=partition,
            future_limit_ms=round(settings.future_limit_s * 1000),
        )
        statics.apply(found.detection)
        yield found.batch
