"""Positions in, entered and exited out."""

from __future__ import annotations

from typing import Final

from faust.types import StreamT

from vesselflow import streams
from vesselflow.agents.detecting import ALERT_LIMIT_MS, Detector
from vesselflow.core import geofence as core
from vesselflow.core.fence_policy import PolicyOptions
from vesselflow.loop import Loop
from vesselflow.rules import rules
from vesselflow.tables import states
from vesselflow.worker import worker


OPTIONS: Final = PolicyOptions(
    plain=streams.settings.plain_policy,
    margin_m=streams.settings.fence_margin_m,
    confirm_fixes=streams.settings.fence_confirm_fixes,
    confirm_s=streams.settings.fence_confirm_s,
    track_limit_s=streams.settings.fence_track_limit_s,
    max_speed_kn=streams.settings.max_speed_kn,
    reorder_s=streams.settings.reorder_s,
)


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
