"""What the web side is given: ports, and the values of the settings that concern it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from vesselflow.ports import Clock, LiveStore, NotificationFeed, StatsStore


@dataclass(frozen=True, slots=True)
class Times:
    """How long the WebSocket side waits for what, in seconds."""

    auth_s: float = 5.0
    ping_s: float = 20.0
    #: At most `ping_s`, or the next ping would start the wait again.
    pong_s: float = 20.0
    close_s: float = 5.0
    tick_s: float = 1.0
    #: Between two looks into Postgres for notifications that were never pushed.
    read_s: float = 5.0
    #: Longest wait before Redis is tried again.
    backoff_s: float = 5.0


def _nothing_missing() -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class WebServices:
    """The ports and settings behind one web instance.

    ``allowed_origins`` are further origins (``https://fleet.example``) whose pages may use a cookie here.
    ``readiness`` returns the reasons why this process should get no traffic yet; none when it is ready.
    """

    stats: StatsStore
    feed: NotificationFeed
    live: LiveStore
    clock: Clock
    token_secret: str = field(repr=False)
    public_stats: bool = True
    queue_bound: int = 1000
    socket_capacity: int = 5000
    allowed_origins: frozenset[str] = frozenset()
    readiness: Callable[[], list[str]] = _nothing_missing
    times: Times = Times()
