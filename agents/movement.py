"""Positions in, stopped and started out."""

from __future__ import annotations

from typing import Final

from faust.types import StreamT

from vesselflow import streams
from vesselflow.agents.detecting import ALERT_LIMIT_MS, SELDOM_S, Detector
from vesselflow.core import movement as core
from vesselflow.loop import Loop
from vesselflow.tables import states
from vesselflow.worker import worker

POLICY: Final = core.MovementPolicy(
    stop_below_kn=streams.settings.stop_below_kn,
    start_above_kn=streams.settings.start_above_kn,
    confirm_ms=round(streams.settings.movement_confirm_s * 1000),
    alert_limit_ms=ALERT_LIMIT_MS,
)


def policy() -> core.MovementPolicy:
    """Return the policy that the settings ask for."""
    return POLICY


detector = Detector("movement", states.movement, core.new_states, core.detect, policy, checkpoint_s=SELDOM_S)
loop = worker.add(Loop(detector, worker))


@streams.app.agent(streams.positions, name="movement")
async def movement(stream: StreamT[bytes]) -> None:
    """Detect stops and starts."""
    await loop.run(stream)
