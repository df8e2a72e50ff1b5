from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.fakes.outage import Outage
from vesselflow.core.model import Notification, iso
from vesselflow.ports import Clock, SinkWrite, Written


@dataclass
class Row:
    seq: int
    notification: Notification
    source: tuple[str, int]
    created_ms: int
    expires_ms: int
    is_read: bool = False

    def message(self) -> dict[str, Any]:
        one = self.notification
        return {
            "clientId": one.client_id,
            "notification": {
                "seq": self.seq,
                "id": one.id,
                "client_id": one.client_id,
                "type": one.type,
                "data": one.data,
                "is_read": self.is_read,
                "created_at": iso(self.created_ms),
                "expires_at": iso(self.expires_ms),
                "event_id": one.event_id,
                "pushed": one.pushed,
            },
        }


class MemoryNotifications(Outage):
    """Fulfils `NotificationStore` and `NotificationFeed`."""

    def __init__(self, clock: Clock, *, ttl: timedelta = timedelta(days=7), handled_days: int = 8) -> None:
        self.rows: dict[str, Row] = {}
        self.handled: dict[str, int] = {}
        self._clock = clock
        self._ttl_ms = ttl // timedelta(milliseconds=1)
        self._handled_ms = handled_days * 86_400_000
        self._progress: dict[tuple[str, int], int] = {}
        self._seq = 0

    async def progress(self, app_id: str, partition: int) -> int | None:
        self.check()
        return self._progress.get((app_id, partition))

    async def write(self, write: SinkWrite) -> Written:
        self.check()
        source = (write.app_id, write.partition)
        if self._progress.get(source) != write.expected_offset:
            return Written(moved_to=self._progress.get(source, 0))
        self._progress[source] = write.next_offset
        new = dict.fromkeys(id_ for id_ in write.event_ids if id_ not in self.handled)
        self.handled |= dict.fromkeys(new, self._clock.now_ms())
        inserted = [self._insert(one, source) for one in write.notifications if self._is_new(one, new)]
        return Written([row.message() for row in inserted if row.notification.pushed], len(inserted))

    async def written_since(self, app_id: str, partition: int, seconds: float) -> list[dict[str, Any]]:
        self.check()
        since_ms = self._clock.now_ms() - seconds * 1000
        return [
            row.message()
            for row in self._ordered()
            if row.source == (app_id, partition) and row.created_ms >= since_ms and row.notification.pushed
        ]

    async def delete_expired(self) -> bool:
        self.check()
        now_ms = self._clock.now_ms()
        self.rows = {id_: row for id_, row in self.rows.items() if row.expires_ms >= now_ms}
        self.handled = {id_: at_ms for id_, at_ms in self.handled.items() if at_ms >= now_ms - self._handled_ms}
        return True

    async def after(self, client_id: str, cursor: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        self.check()
        mine = [row for row in self._ordered() if row.notification.client_id == client_id and row.seq > cursor]
        return [(row.seq, row.message()) for row in mine[:limit]]

    async def latest_cursor(self) -> int:
        self.check()
        return max((row.seq for row in self.rows.values()), default=0)

    async def mark_read(self, client_id: str, ids: Sequence[str]) -> int:
        self.check()
        mine = [row for id_, row in self.rows.items() if id_ in ids and row.notification.client_id == client_id]
        for row in mine:
            row.is_read = True
        return len(mine)

    def _is_new(self, one: Notification, new_events: dict[str, None]) -> bool:
        return one.event_id in new_events and one.id not in self.rows

    def _insert(self, one: Notification, source: tuple[str, int]) -> Row:
        self._seq += 1
        now_ms = self._clock.now_ms()
        row = self.rows[one.id] = Row(self._seq, one, source, now_ms, now_ms + self._ttl_ms)
        return row

    def _ordered(self) -> list[Row]:
        return sorted(self.rows.values(), key=lambda row: row.seq)
