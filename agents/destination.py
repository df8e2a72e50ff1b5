"""Positions in, changes of destination out."""

from __future__ import annotations

from faust.types import StreamT

from vesselflow import streams
from vesselflow.agents.detecting import ALERT_LIMIT_MS, Detector
from vesselflow.core import destination as core
from vesselflow.loop import Loop
from vesselflow.tables import states
from vesselflow.worker import worker


def policy() -> core.DestinationPolicy:
    """Return the plain policy."""
    return core.DestinationPolicy(alert_limit_ms=ALERT_LIMIT_MS)


loop = worker.add(Loop(Detector("destination", states.destination, core.new_states, core.detect, policy), worker))


@streams.app.agent(streams.positions, name="destination")
async def destination(stream: StreamT[bytes]) -> None:
    """Detect changes of destination."""
    await loop.run(stream)
