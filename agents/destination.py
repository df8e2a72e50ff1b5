"""Positions in, changes of destination out."""

from __future__ import annotations

from typing import Final

from faust.types import StreamT

from vesselflow import streams
from vesselflow.agents.detecting import ALERT_LIMIT_MS, Detector
from vesselflow.core import destination as core
from vesselflow.loop import Loop
from vesselflow.tables import states
from vesselflow.worker import worker

POLICY: Final = (
    core.DestinationPolicy(alert_limit_ms=ALERT_LIMIT_MS)
    if streams.settings.plain_policy
    else core.default_policy(
        hold_off_ms=round(streams.settings.change_hold_off_s * 1000), alert_limit_ms=ALERT_LIMIT_MS
    )
)


def policy() -> core.DestinationPolicy:
    """Return the policy that the settings ask for."""
    return POLICY


loop = worker.add(Loop(Detector("destination", states.destination, core.new_states, core.detect, policy), worker))


@streams.app.agent(streams.positions, name="destination")
async def destination(stream: StreamT[bytes]) -> None:
    """Detect changes of destination."""
    await loop.run(stream)
