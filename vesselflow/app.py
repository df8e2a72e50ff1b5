"""The composition root: connects the outside, imports the agents and the web, and so makes the worker.

``faust -A vesselflow.app worker`` and ``vesselflow worker`` run this. Importing it connects to nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from vesselflow import agents, outside, streams
from vesselflow.adapters.topics import TopicSpec, create_topics
from vesselflow.connecting import connected, web_services
from vesselflow.core.errors import Unavailable
from vesselflow.outside import Outside
from vesselflow.rules import rules
from vesselflow.settings import Settings
from vesselflow.web.health import create_health_app
from vesselflow.web.server import create_app
from vesselflow.web.service import WebService
from vesselflow.worker import worker

logger = logging.getLogger(__name__)

app: Final = streams.app

EXPIRY_S: Final = 3600.0
RETRY_S: Final = 2.0


def not_ready() -> list[str]:
    """Return why this worker should not be counted on yet."""
    reasons = []
    if not rules.loaded.is_set():
        reasons.append("fences are not loaded")
    if app.in_recovery or app.rebalancing:
        reasons.append("tables recover")
    if not any(loop.parts for loop in worker.loops):
        reasons.append("no partitions assigned")
    return reasons


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """Return every topic as it is to be created."""
    names = [(topic.get_topic_name(), topic.partitions) for topic in streams.TOPICS]
    specs = [TopicSpec(name, count, settings.replication_factor, streams.TOPIC_CONFIGS[name]) for name, count in names]
    # Faust makes changelogs too late: a worker that joins before its metadata shows them is assigned none.
    changelogs = [(table.changelog_topic.get_topic_name(), table) for table in app.tables.values()]
    return specs + [
        TopicSpec(name, table.partitions or 1, settings.replication_factor, table.extra_topic_configs)
        for name, table in changelogs
    ]


async def _prepare() -> None:
    settings = streams.settings
    ports = connected(settings)
    outside.connect(ports)
    if settings.web_in_worker:
        # Health has to answer while tables recover, so the pages do too.
        web = WebService(create_app(web_services(settings, ports, not_ready)), settings.web_host, settings.web_port)
        await app.add_runtime_dependency(web)
    else:
        health = WebService(create_health_app(not_ready), settings.web_host, settings.port_of("health"))
        await app.add_runtime_dependency(health)
    await _until_topics_exist(settings)
    # Above its default of 100 messages Faust stops every topic until the changelogs have drained.
    app.producer.buffer.max_messages = 20_000
    worker.run()
    for job in (rules.keep(settings.fence_poll_s), agents.live.keep(), agents.stats.keep(), _expire(ports)):
        worker.also(job)


async def _until_topics_exist(settings: Settings) -> None:
    while True:
        try:
            created = await create_topics(settings.kafka_brokers, topic_specs(settings))
        except Unavailable as error:
            logger.warning("topics cannot be created yet: %s", error)
            await asyncio.sleep(RETRY_S)
        else:
            if created:
                logger.info("created topics %s", ", ".join(created))
            return


async def _expire(ports: Outside) -> None:
    while True:
        try:
            await ports.notifications.delete_expired()
            await ports.live.sweep()
        except Unavailable as error:
            logger.warning("expired notifications stay for now: %s", error)
        await asyncio.sleep(EXPIRY_S)


app.before_start.append(_prepare)

__all__ = ["agents", "app"]
