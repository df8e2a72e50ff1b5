"""``vesselflow state VESSEL``: what every agent knows of a vessel, read from where it is kept."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import click
import numpy as np

from vesselflow.adapters.log import Log, open_log
from vesselflow.adapters.notifications import PostgresFeed
from vesselflow.adapters.pool import Database
from vesselflow.adapters.redis import RedisLive
from vesselflow.cli._output import print_indented, reader_may_leave
from vesselflow.cli._readable import CHANGELOG, bucket_vessels, readable_vessel
from vesselflow.core.model import parse_vessel_id, vessel_id
from vesselflow.core.partition import partition_of
from vesselflow.core.states import bucket_of
from vesselflow.settings import Settings

AGENTS: Final = ("ingest", "geofence", "destination", "changes", "movement", "gap", "activity")


@click.command("state")
@click.argument("vessel")
@click.option("--notifications", default=5, show_default=True, help="How many of its latest notifications to show.")
def command(vessel: str, notifications: int) -> int:
    """Print as JSON what every agent knows of VESSEL: imo:9074729, mmsi:235012345 or the number alone.

    The tables are read from their changelogs, so no worker has to run, and what is shown is as old as the last
    checkpoint: some seconds. Null: this agent has not seen the vessel. The exit code is 1 when nobody has.
    """
    number = parse_vessel_id(vessel)
    settings = Settings.from_env(os.environ)
    found = asyncio.run(known(settings, number, notifications))
    with reader_may_leave():
        print_indented({"vessel": vessel_id(number), **found})
    return 0 if any(found.values()) else 1


async def known(settings: Settings, vessel: int, notifications: int = 5) -> dict[str, object]:
    """Return by agent what it knows of *vessel*, None where it is unknown.

    Raises:
        Unavailable: Kafka, Postgres or Redis does not answer.
        UsageError: the tables have no changelogs yet.
    """
    states = await asyncio.gather(*(_state(settings, agent, vessel) for agent in AGENTS))
    database = Database(settings.database_url, connections=1)
    live = RedisLive(settings.redis_url, retention=timedelta(days=settings.vessel_retention_days))
    try:
        return {
            **dict(zip(AGENTS, states, strict=True)),
            "live": await live.vessel(vessel),
            "notifications": await PostgresFeed(database).of_vessel(vessel_id(vessel), notifications),
        }
    finally:
        await live.close()
        await database.close()


async def _state(settings: Settings, agent: str, vessel: int) -> Mapping[str, object] | None:
    async with open_log(settings.kafka_brokers, f"{settings.app_id}-state-{agent}{CHANGELOG}") as log:
        found = await _in_buckets(log, settings.buckets, vessel)
        # Somebody else's producer may choose partitions of vessel.state.changed in its own way; ours is looked at first.
        own = partition_of(vessel, len(log.partitions))
        return next((found[each] for each in sorted(found, key=lambda each: (each != own, each))), None)


async def _in_buckets(log: Log, buckets: int, vessel: int) -> dict[int, Mapping[str, object]]:
    """Return the vessel's row of each partition that has one."""
    bucket = int(bucket_of(np.array([vessel]), buckets)[0])
    newest: dict[int, bytes | None] = {}
    await log.go_back(None)
    async for record in log.until_now():
        if record.key == b"%05d/%05d" % (record.partition, bucket):
            newest[record.partition] = record.value
    return {
        partition: readable_vessel(row)
        for partition, value in newest.items()
        for row in (bucket_vessels(value) if value else ())
        if row["vessel"] == vessel
    }
