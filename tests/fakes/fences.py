import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from tests.fakes.changes import MemoryChanges
from tests.fakes.outage import Outage
from vesselflow.core.model import FenceVersion
from vesselflow.ports import Clock


@dataclass(frozen=True)
class Fence:
    client_id: str
    name: str
    wkb: bytes
    is_active: bool = True
    rules: str = "{}"


class MemoryFences(Outage):
    """Fulfils `FenceStore`; fences are put, changed and deleted by id, and *changes* announces it."""

    def __init__(self, clock: Clock, *, delay_ms: int = 1500, changes: MemoryChanges | None = None) -> None:
        self.current: dict[str, Fence] = {}
        #: What was loaded: None is everything, a number what changed after that version.
        self.loads: list[int | None] = []
        self._clock = clock
        self._delay_ms = delay_ms
        self._changes = changes or MemoryChanges()
        self._versions: list[FenceVersion] = []
        self._touched: dict[tuple[str, int], int] = {}
        self._version = 0
        self._at_ms = 0

    async def fences(self, since_ms: int) -> tuple[int, Sequence[FenceVersion]]:
        self.check()
        self.loads.append(None)
        return self._version, [v for v in self._versions if v.until_ms is None or v.until_ms > since_ms]

    async def fences_after(self, version: int) -> tuple[int, Sequence[FenceVersion]]:
        self.check()
        self.loads.append(version)
        return self._version, [v for v in self._versions if self._touched[v.id, v.from_ms] > version]

    async def fences_version(self) -> int:
        self.check()
        return self._version

    def put(self, id_: str, fence: Fence) -> None:
        """Insert the fence *id_* or change it into *fence*."""
        before = self.current.get(id_)
        self.current[id_] = fence
        self._keep(id_, before, fence)

    def change(self, id_: str, **changes: str | bytes | bool) -> None:
        self.put(id_, dataclasses.replace(self.current[id_], **changes))  # type: ignore[arg-type]

    def delete(self, id_: str) -> None:
        self._keep(id_, self.current.pop(id_), None)

    def _keep(self, id_: str, before: Fence | None, after: Fence | None) -> None:
        before, after = (one if one and one.is_active else None for one in (before, after))
        if before == after:
            return
        self._version += 1
        self._at_ms = at_ms = max(self._at_ms + 1, self._clock.now_ms() + self._delay_ms)
        if before:
            ended = next(v for v in self._versions if v.id == id_ and v.until_ms is None)
            self._versions[self._versions.index(ended)] = replace(ended, until_ms=at_ms)
            self._touched[id_, ended.from_ms] = self._version
        if after:
            self._versions.append(FenceVersion(id_, after.client_id, after.name, after.wkb, at_ms, rules=after.rules))
            self._touched[id_, at_ms] = self._version
        self._changes.announce()

    def go_back(self) -> None:
        """Become what a restored backup is: a store without any change."""
        self.current, self._versions, self._touched, self._version = {}, [], {}, 0
