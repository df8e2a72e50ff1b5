"""Positions in, entered and exited out."""

from __future__ import annotations

from typing import Final

from faust.types import StreamT

from vesselflow import streams
from vesselflow.agents.detecting import ALERT_LIMIT_MS, Detector
from vesselflow.core import geofence as core
from vesselflow.loop import Loop
from vesselflow.policies import fence_options
from vesselflow.rules import rules
from vesselflow.tables import states
from vesselflow.worker import worker

OPTIONS: Final = fence_options(streams.settings)


def policy() -> core.GeofencePolicy:
    """Return the policy that the settings ask for, over the fences in force."""
    return OPTIONS.policy(rules.fences, alert_limit_ms=ALERT_LIMIT_MS)


# Positions wait for the first fences, and so wait all who read them.
worker.waits.append(lambda: not rules.loaded.is_set())
loop = worker.add(Loop(Detector("geofence", states.geofence, core.new_states, core.detect, policy), worker))


@streams.app.agent(streams.positions, name="geofence")
async def geofence(stream: StreamT[bytes]) -> None:
    """Detect crossings of fences, once the fences are loaded."""
    await rules.loaded.wait()
    await loop.run(stream)
