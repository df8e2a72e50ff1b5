"""Positions in, changes of name, flag, status, draught and ETA out."""

from __future__ import annotations

from typing import Final

from faust.types import StreamT

from vesselflow import streams
from vesselflow.agents.detecting import ALERT_LIMIT_MS, SELDOM_S, Detector
from vesselflow.core import changes as core
from vesselflow.loop import Loop
from vesselflow.tables import states
from vesselflow.worker import worker

POLICY: Final = core.ChangesPolicy(
    hold_off_ms=round(streams.settings.change_hold_off_s * 1000),
    draught_m=streams.settings.draught_change_m,
    eta_minutes=round(streams.settings.eta_change_s / 60),
    alert_limit_ms=ALERT_LIMIT_MS,
)


def policy() -> core.ChangesPolicy:
    """Return the policy that the settings ask for."""
    return POLICY


detector = Detector("changes", states.changes, core.new_states, core.detect, policy, checkpoint_s=SELDOM_S)
loop = worker.add(Loop(detector, worker))


@streams.app.agent(streams.positions, name="changes")
async def changes(stream: StreamT[bytes]) -> None:
    """Detect changes of what vessels report of themselves."""
    await loop.run(stream)
