"""Settings -> connections to Postgres and Redis, for a worker, a web instance or a command; each connects on first use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from vesselflow.adapters.changes import PostgresChanges
from vesselflow.adapters.clock import SystemClock
from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.notifications import PostgresFeed, PostgresNotifications
from vesselflow.adapters.pool import Database
from vesselflow.adapters.preferences import PostgresPreferences
from vesselflow.adapters.redis import RedisLive
from vesselflow.adapters.stats import PostgresStats
from vesselflow.outside import Outside
from vesselflow.settings import Settings, load_token_secret
from vesselflow.web.services import WebServices


def connected(settings: Settings) -> Outside:
    """Return connections to everything *settings* name."""
    database = Database(settings.database_url, connections=10)
    return Outside(
        notifications=PostgresNotifications(
            database, ttl=timedelta(days=settings.notification_ttl_days), handled_days=settings.handled_event_days
        ),
        feed=PostgresFeed(database),
        preferences=PostgresPreferences(database),
        fences=PostgresFences(database, delay_ms=round(settings.fence_delay_s * 1000)),
        changes=PostgresChanges(database),
        stats=PostgresStats(database),
        live=RedisLive(settings.redis_url, retention=timedelta(days=settings.vessel_retention_days)),
        clock=SystemClock(),
    )


def web_services(settings: Settings, ports: Outside, readiness: Callable[[], list[str]]) -> WebServices:
    """Return what a web instance is given; *readiness* tells why it should get no traffic yet."""
    return WebServices(
        stats=ports.stats,
        feed=ports.feed,
        live=ports.live,
        clock=ports.clock,
        token_secret=load_token_secret(settings),
        public_stats=settings.public_stats,
        queue_bound=settings.websocket_queue,
        readiness=readiness,
    )
