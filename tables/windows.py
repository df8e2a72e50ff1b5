"""Tumbling windows of the fleet's activity: positions, and number and sum of speeds.

Faust's own expiry stays off: it leaks an entry per write and forgets windows after a restart (faust#385).
The activity agent deletes windows that no statistic can reach any more.
"""

from __future__ import annotations

from typing import Final

from vesselflow import streams
from vesselflow.tables.states import table

_windows = table("windows-activity", streams.settings.position_partitions)
activity: Final = _windows.tumbling(float(streams.settings.window_s))
