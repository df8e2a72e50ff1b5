"""The agents' working states, one table each: bucket rows and, under a reserved key, the progress they include."""

from __future__ import annotations

from typing import Final

from vesselflow import streams
from vesselflow.tables.acknowledged import AcknowledgedTable

#: Faust's defaults take gigabytes: every table and partition is a database of its own.
ROCKSDB_OPTIONS: Final = {
    "block_cache_size": 4 << 20,
    "write_buffer_size": 4 << 20,
    "max_write_buffer_number": 2,
    "max_open_files": 64,
}

#: A changelog is read whole after an unclean stop, so it is compacted soon; nothing in it expires.
CHANGELOG: Final = {
    "cleanup.policy": "compact",
    "segment.ms": "600000",
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": "3600000",
    "max.message.bytes": "4194304",
}


def table(name: str, partitions: int, **options: object) -> AcknowledgedTable:
    """Declare one table of bytes; its options are its own, since Faust's store empties the dict it is given."""
    declared = AcknowledgedTable(
        streams.app,
        name=name,
        value_type=bytes,
        partitions=partitions,
        options=dict(ROCKSDB_OPTIONS),
        extra_topic_configs=CHANGELOG,
        beacon=streams.app.tables.beacon,
        **options,
    )
    streams.app.tables.add(declared)
    return declared


ingest: Final = table("state-ingest", streams.settings.source_partitions, key_type=bytes)
geofence: Final = table("state-geofence", streams.settings.position_partitions, key_type=bytes)
destination: Final = table("state-destination", streams.settings.position_partitions, key_type=bytes)
changes: Final = table("state-changes", streams.settings.position_partitions, key_type=bytes)
movement: Final = table("state-movement", streams.settings.position_partitions, key_type=bytes)
gap: Final = table("state-gap", streams.settings.position_partitions, key_type=bytes)
activity: Final = table("state-activity", streams.settings.position_partitions, key_type=bytes)
