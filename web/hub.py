"""Messages -> the sockets they are for: rooms of clients, one bounded outbox a socket. No I/O, no clock.

An outbox never drops a notification. One that is full closes its socket with `Close.RESUME`: the
client comes back and asks for what follows its cursor. Positions are another matter: only the newest of
each vessel waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

from vesselflow.web import frames

Message = Mapping[str, Any]
#: A row of the feed: its cursor and the message.
Row = tuple[int, Message]

#: Pushes that one socket may be ahead of the feed: five seconds of 2,000 a second, for one client.
MOST_PUSHED: Final = 10_000


class Close(IntEnum):
    """Why the server closes a socket. Below 4000 the codes of RFC 6455 and its registry; above, our own."""

    NORMAL = 1000
    POLICY = 1008
    RESTART = 1012
    LATER = 1013
    #: Could not keep up; connect again and resume from the cursor.
    RESUME = 4000
    #: Did not answer a ping; connect again and resume from the cursor.
    SILENT = 4001
    #: No token, or none that is good; log in first.
    UNAUTHORISED = 4401
    #: No token came in time.
    AUTH_TIMEOUT = 4408


class Outbox:
    """What waits for one socket, in the order it is to be sent.

    Notifications are numbered (``seq``) in the order in which they became visible. Those above the hello's
    cursor are put once each, whether they come by push, from the feed or by both: ``cursor`` is as far as the feed
    has come, and of pushes above it the numbers are remembered. Those at or below are put when the client resumes.

    ``notified`` counts the notifications put. ``wake`` is called when something was put or the outbox closed.
    """

    def __init__(self, client_id: str, bound: int, wake: Callable[[], None]) -> None:
        self.client_id = client_id
        self.cursor = 0
        self.notified = 0
        self.closing: Close | None = None
        self._bound = bound
        self._wake = wake
        self._frames: deque[str] = deque()
        self._positions: dict[int, Mapping[str, Any]] = {}
        self._pushed: set[int] = set()
        self._held: deque[Message] | None = None
        self._resumed = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def is_held(self) -> bool:
        """Whether pushes are kept back, since what was missed comes first."""
        return self._held is not None

    @property
    def has_room(self) -> bool:
        """Whether a page of the feed may be added."""
        return len(self._frames) * 2 <= self._bound

    @property
    def safe_cursor(self) -> int:
        """The cursor from which the client may resume: everything up to it has been put."""
        return self._resumed if self.is_held else self.cursor

    def send(self, frame: str) -> None:
        """Put a frame that is no notification."""
        self._put(frame)

    def push(self, message: Message, frame: str) -> None:
        """Put a notification that was published, unless it is here already; while held, keep it for later."""
        seq = message["notification"]["seq"]
        if self._held is not None:
            self._held.append(message)
        elif seq > self.cursor and seq not in self._pushed and self._may_remember():
            self._pushed.add(seq)
            self._notify(frame)

    def feed(self, row: Row, frame: str) -> None:
        """Put the feed's next notification, unless it was put or is to be held back."""
        seq, message = row
        if seq <= self.cursor:
            return
        self.cursor = seq
        if seq in self._pushed:
            self._pushed.remove(seq)
        elif is_wanted(message):
            self._notify(frame)

    def hold(self, cursor: int) -> None:
        """Keep pushes back, so that what was missed after *cursor* comes first; the feed brings what does not fit."""
        self._held = deque(maxlen=self._bound)
        self._resumed = cursor

    def replay(self, row: Row) -> None:
        """Put one of the notifications that were missed."""
        self._resumed, message = row
        if is_wanted(message):
            self._notify(frames.notification(message, self._resumed))

    def release(self) -> None:
        """Put what was kept back."""
        held, self._held = self._held or (), None
        for message in held:
            self.push(message, frames.notification(message))

    def move(self, vessel: int, position: Mapping[str, Any]) -> None:
        """Put a vessel's position in the place of its last one."""
        self._positions[vessel] = position
        self._wake()

    def take(self) -> list[str]:
        """Return everything that waits, and forget it."""
        taken = list(self._frames)
        self._frames.clear()
        if self._positions:
            taken.append(frames.positions(self._positions.values()))
            self._positions = {}
        return taken

    def close(self, why: Close) -> None:
        """Take no more; the first reason stays."""
        self.closing = self.closing or why
        self._wake()

    def _may_remember(self) -> bool:
        """Tell whether one more push fits; the feed brings those that do not, a little later."""
        if len(self._pushed) >= MOST_PUSHED:
            # A row that was deleted before the feed came to it would stay for good.
            self._pushed = {seq for seq in self._pushed if seq > self.cursor}
        return len(self._pushed) < MOST_PUSHED

    def _notify(self, frame: str) -> None:
        self.notified += 1
        self._put(frame)

    def _put(self, frame: str) -> None:
        if self.closing:
            return
        if len(self._frames) >= self._bound:
            self.close(Close.RESUME)
            return
        self._frames.append(frame)
        self._wake()


class Hub:
    """The rooms of this process: ``client:{clientId}`` -> the outboxes of that client's sockets."""

    def __init__(self) -> None:
        self._rooms: dict[str, set[Outbox]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._rooms.values()))

    def join(self, outbox: Outbox) -> None:
        """Let *outbox* take part in its client's room."""
        self._rooms.setdefault(room(outbox.client_id), set()).add(outbox)

    def leave(self, outbox: Outbox) -> None:
        """Take *outbox* out of its room; harmless when it is not there."""
        name = room(outbox.client_id)
        outboxes = self._rooms.get(name, set())
        outboxes.discard(outbox)
        if not outboxes:
            self._rooms.pop(name, None)

    def publish(self, message: Message) -> int:
        """Hand a published ``{clientId, notification}`` to its client's sockets; return how many there are."""
        outboxes = self._rooms.get(room(message["clientId"]), ())
        if outboxes:
            # Encoded once, whatever the number of sockets.
            frame = frames.notification(message)
            for outbox in tuple(outboxes):
                outbox.push(message, frame)
        return len(outboxes)

    def deliver(self, client_id: str, rows: Sequence[Row]) -> None:
        """Hand rows of the feed, in order, to those of the client's sockets that have not passed them.

        A socket that is held reads what it missed by itself, at its own pace.
        """
        outboxes = [outbox for outbox in self._rooms.get(room(client_id), ()) if not outbox.is_held]
        for row in rows if outboxes else ():
            frame = frames.notification(row[1])
            for outbox in outboxes:
                outbox.feed(row, frame)

    def cursors(self) -> dict[str, int]:
        """Return every client with a socket that is not held, with the smallest cursor of these."""
        smallest: dict[str, int] = {}
        for outbox in self._all():
            if not outbox.is_held:
                known = smallest.get(outbox.client_id, outbox.cursor)
                smallest[outbox.client_id] = min(known, outbox.cursor)
        return smallest

    def close(self, why: Close) -> None:
        """Close every socket."""
        for outbox in self._all():
            outbox.close(why)

    def _all(self) -> Iterable[Outbox]:
        return [outbox for outboxes in self._rooms.values() for outbox in outboxes]


def room(client_id: str) -> str:
    """Return the name of a client's room."""
    return f"client:{client_id}"


def is_wanted(message: Message) -> bool:
    """Tell whether the notification may be sent: quiet hours, mutes and limits hold back the push, not the row."""
    return message["notification"].get("pushed") is not False


def is_message(value: object) -> bool:
    """Tell whether *value* is a ``{clientId, notification}`` whose notification is numbered."""
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("clientId"), str)
        and isinstance(value.get("notification"), Mapping)
        and isinstance(value["notification"].get("seq"), int)
    )
