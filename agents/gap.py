"""Positions in, vessels that fell dark and came back out."""

from __future__ import annotations

from dataclasses import astuple
from typing import Final

from faust.types import StreamT

from vesselflow import metrics, streams
from vesselflow.agents.detecting import ALERT_LIMIT_MS, SELDOM_S, Detector, decode_positions
from vesselflow.core import gap as core
from vesselflow.core.model import BoolArray, IntArray
from vesselflow.core.watermark import Clock
from vesselflow.loop import Loop
from vesselflow.outbox import Outgoing
from vesselflow.stage import Part, Record
from vesselflow.state import Buckets, advance, drop_seen
from vesselflow.tables import states
from vesselflow.worker import worker

POLICY: Final = core.GapPolicy(
    gap_ms=round(streams.settings.gap_s * 1000),
    break_ms=round(streams.settings.source_break_s * 1000),
    alert_limit_ms=ALERT_LIMIT_MS,
)

#: The clock stands among the origins, as a source that cannot be: like them it is of the record that was read last, and
#: is written with every row. So a replay from any row begins with the clock of that very offset.
CLOCK: Final = -1


class GapDetector(Detector):
    """A detector with a clock that all vessels move, so it sees those as well whose rows are ahead of a replay."""

    def work(self, part: Part, record: Record) -> list[Outgoing]:
        """Detect over the positions of *record* that *part* has not taken in yet."""
        batch = decode_positions(record.value)
        origins = advance(part.origins, batch)
        fresh = drop_seen(batch, part.origins)
        outgoing: list[Outgoing] = []
        if len(fresh):
            buckets: Buckets = part.work
            vessels: core.GapStates = part.work.states
            vessels.clock = Clock(*part.origins.get(CLOCK, (0, 0)))
            detection = core.detect(vessels, fresh, self._policy(), unseen=_unseen(buckets, record.offset))
            outgoing = self._outgoing(part, detection)
            vessels.apply(detection)
            origins[CLOCK] = astuple(vessels.clock)
        part.origins = origins
        metrics.POSITIONS.labels(self.name).inc(len(fresh))
        return outgoing


def _unseen(buckets: Buckets, offset: int) -> core.Unseen | None:
    """Return what tells which vessels have not seen the record at *offset*; None when all have not."""
    if offset >= buckets.ledger.until:
        return None

    def unseen(vessels: IntArray) -> BoolArray:
        mask = buckets.unseen(vessels, offset)
        assert mask is not None
        return mask

    return unseen


def policy() -> core.GapPolicy:
    """Return the policy that the settings ask for."""
    return POLICY


detector = GapDetector("gap", states.gap, core.new_states, core.detect, policy, checkpoint_s=SELDOM_S)
loop = worker.add(Loop(detector, worker))


@streams.app.agent(streams.positions, name="gap")
async def gap(stream: StreamT[bytes]) -> None:
    """Detect vessels that fall silent, and their return."""
    await loop.run(stream)
