"""What this process is connected to. The app connects it; everything else asks for `current`."""

from __future__ import annotations

from dataclasses import dataclass

from vesselflow.ports import (
    ChangeFeed,
    Clock,
    FenceStore,
    LiveStore,
    NotificationFeed,
    NotificationStore,
    PreferenceStore,
    StatsStore,
)


@dataclass(frozen=True, slots=True)
class Outside:
    """One connection for each port."""

    notifications: NotificationStore
    feed: NotificationFeed
    preferences: PreferenceStore
    fences: FenceStore
    changes: ChangeFeed
    stats: StatsStore
    live: LiveStore
    clock: Clock


_connected: Outside | None = None


def connect(outside: Outside) -> None:
    """Make *outside* the current one."""
    global _connected
    _connected = outside


def current() -> Outside:
    """Return what this process is connected to.

    Raises:
        RuntimeError: nothing was connected; only a mistake in the order of start does that.
    """
    if _connected is None:
        raise RuntimeError("expected the app to have connected the outside, nothing is connected")
    return _connected
