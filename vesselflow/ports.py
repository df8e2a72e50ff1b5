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

    Goes on only from ``expected_offset`` (None: the partition has no progress yet); moves the partition's progress
    to ``next_offset``. ``event_ids`` become handled. Of ``notifications``, those whose event was handled before are left
    out; each one's event has to be among ``event_ids``.
    """

    app_id: str
    partition: int
    expected_offset: int | None
    next_offset: int
    event_ids: Sequence[str]
    notifications: Sequence[Notification]


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome: the rows inserted now that are to be pushed, as ``{clientId, notification}`` for the channel.

    ``inserted`` counts those held back as well. ``moved_to`` is set, and nothing was written, when the partition's
    progress was not the expected one: it is the actual one, 0 when a progress was expected and there is none.
    """

    published: Sequence[dict[str, Any]] = ()
    inserted: int = 0
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
        """Return what was inserted from that partition in the last *seconds* and not held back, oldest first."""
        ...

    async def delete_expired(self) -> bool:
        """Delete expired notifications and old handled events; False when another process is at it."""
        ...


class NotificationFeed(Protocol):
    """What a client reads: its notifications in the order in which they became visible."""

    async def after(self, client_id: str, cursor: int, limit: int) -> Sequence[tuple[int, dict[str, Any]]]:
        """Return at most *limit* of the client's ``(cursor, {clientId, notification})`` after *cursor*, in order.

        No row ever becomes visible with a cursor below one that was returned before. Rows that were held back
        (``pushed`` false in the notification) are among them.
        """
        ...

    async def latest_cursor(self) -> int:
        """Return the cursor of the newest notification of anyone, 0 when there is none."""
        ...

    async def mark_read(self, client_id: str, ids: Sequence[str]) -> int:
        """Mark those of the client's notifications as read; return how many of *ids* are the client's."""
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
        """Return the version and every fence state in force at or after *since_ms*, oldest first."""
        ...

    async def fences_version(self) -> int:
        """Return a number that grows with every change of any fence."""
        ...

    async def fences_after(self, version: int) -> tuple[int, Sequence[FenceVersion]]:
        """Return the version, and every fence state that a change after *version* began or ended, oldest first.

        A state has one id and ``from_ms`` for good; one that was returned before comes again when it ends.
        """
        ...


class ChangeFeed(Protocol):
    """Tells at once that fences or preferences have changed."""

    def changes(self) -> AsyncIterator[None]:
        """Yield once it listens and after each change from then on; several at a time may be told as one.

        Raises `Unavailable` when the connection breaks. What gets lost is to be found by the versions.
        """
        ...


class StatsStore(Protocol):
    """The singleton row of activity statistics."""

    async def write_stats(self, row: Mapping[str, Any]) -> None:
        """Write the row; ``updated_at`` becomes now."""
        ...

    async def read_stats(self) -> Mapping[str, Any] | None:
        """Return the row by its columns, None when it is missing; ``updated_at`` is an aware datetime."""
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

    async def sweep(self) -> int:
        """Take vessels out of the geo index whose hash has expired; return how many."""
        ...
