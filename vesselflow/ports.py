"""What the shell needs from outside, as Protocols: adapters fulfil them on servers, fakes in memory.

Every method raises `Unavailable` when the outside cannot be reached or refuses for a while; callers decide
whether to wait, to go on without, or to give up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vesselflow.core.model import FenceVersion, Notification, PositionBatch


class Clock(Protocol):
    """The wall clock, so that a test can hold it."""

    def now_ms(self) -> int:
        """Return milliseconds UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SinkWrite:
    """What the sink writes for some records of one events partition, in one transaction.

    Goes on only from ``expected_offset``; moves the partition's progress to ``next_offset``. Of
    ``notifications``, those whose event is among the handled ones are left out; ``event_ids`` become handled.
    """

    app_id: str
    partition: int
    expected_offset: int | None
    next_offset: int
    event_ids: Sequence[str]
    notifications: Sequence[Notification]


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome: the rows inserted now, as ``{clientId, notification}`` for the channel.

    ``moved_to`` is set, and nothing was written, when the partition's progress was not the expected one.
    """

    published: Sequence[dict[str, Any]] = ()
    moved_to: int | None = None


class NotificationStore(Protocol):
    """Notifications, their handled events and the sink's progress: one Postgres transaction holds all."""

    async def progress(self, app_id: str, partition: int) -> int | None:
        """Return the next offset the sink has to handle; None when it never did."""
        ...

    async def write(self, write: SinkWrite) -> Written:
        """Write in one transaction that locks the progress first."""
        ...

    async def written_since(self, app_id: str, partition: int, seconds: float) -> list[dict[str, Any]]:
        """Return what was inserted from that partition in the last *seconds*, to be published again."""
        ...

    async def delete_expired(self) -> bool:
        """Delete expired notifications and old handled events; False when another process is at it."""
        ...


class PreferenceStore(Protocol):
    """Each client's preferences."""

    async def preferences(self) -> Mapping[str, Mapping[str, Any]]:
        """Return every client with a row or a fence: its stored preferences, ``{}`` without a row."""
        ...

    async def preferences_version(self) -> int:
        """Return a number that grows with every change of a preference or of the set of clients."""
        ...


class FenceStore(Protocol):
    """Fences with their history."""

    async def fences(self, since_ms: int) -> tuple[int, Sequence[FenceVersion]]:
        """Return the version and every fence state in force at or after *since_ms*."""
        ...

    async def fences_version(self) -> int:
        """Return a number that grows with every change of any fence."""
        ...


class StatsStore(Protocol):
    """The singleton row of activity statistics."""

    async def write_stats(self, row: Mapping[str, Any]) -> None:
        """Write the row; ``updated_at`` becomes now."""
        ...

    async def read_stats(self) -> Mapping[str, Any] | None:
        """Return the row, None when it is missing."""
        ...


class LiveStore(Protocol):
    """Last positions and the notifications channel: Redis."""

    async def move(self, batch: PositionBatch) -> None:
        """Store the newest position of every vessel of *batch*; older ones than stored change nothing."""
        ...

    async def publish(self, messages: Sequence[dict[str, Any]]) -> None:
        """Publish each ``{clientId, notification}`` on the channel ``notifications``."""
        ...

    def notifications(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what is published from now on; raises `Unavailable` when the connection breaks."""
        ...

    async def vessel(self, number: int) -> Mapping[str, str] | None:
        """Return the live hash of a vessel by IMO number or MMSI."""
        ...
