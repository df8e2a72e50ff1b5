"""What should have come out, computed from the input log alone, one state after the other.

Written against the plan's text, not against our code: it shares no function with it but JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

#: vessel, fence name or None, kind, time of the fix
Key = tuple[int, str | None, str, int]

ALERT_LIMIT_MS = 900_000


@dataclass(frozen=True)
class Box:
    """A fence: west and east edges; the feeder's vessels all sail one parallel inside its latitudes."""

    name: str
    west: float
    east: float

    def holds(self, lon_deg: float) -> bool:
        """Tell whether a point of that longitude is inside."""
        return self.west <= lon_deg <= self.east


@dataclass
class Oracle:
    """Judges states in the order of their log and gathers what each should have announced."""

    boxes: list[Box]
    expected: Counter[Key] = field(default_factory=Counter)
    positions: int = 0
    _inside: set[tuple[int, str]] = field(default_factory=set)
    _destination: dict[int, str] = field(default_factory=dict)

    def read(self, value: bytes, received_ms: int) -> None:
        """Take in one record of the input."""
        decoded = json.loads(value)
        for state in decoded if isinstance(decoded, list) else [decoded]:
            self.positions += 1
            self._judge(state, received_ms)

    def _judge(self, state: dict[str, object], received_ms: int) -> None:
        mmsi, at_ms, lon_deg = int(str(state["MMSI"])), int(str(state["Timestamp"])), float(str(state["Longitude"]))
        told = received_ms - at_ms <= ALERT_LIMIT_MS
        for box in self.boxes:
            was, now = (mmsi, box.name) in self._inside, box.holds(lon_deg)
            if was != now:
                (self._inside.add if now else self._inside.discard)((mmsi, box.name))
                self._announce(told, (mmsi, box.name, "geofence.entered" if now else "geofence.exited", at_ms))
        new = state.get("AISDestination")
        if isinstance(new, str):
            previous = self._destination.get(mmsi)
            self._destination[mmsi] = new
            if previous and previous != new:
                self._announce(told, (mmsi, None, "destination.changed", at_ms))

    def _announce(self, told: bool, key: Key) -> None:
        if told:
            self.expected[key] += 1


def differences(expected: Counter[Key], found: Iterable[Key]) -> str:
    """Return what is missing and what is too many, in words; empty when there is no difference."""
    got = Counter(found)
    missing, extra = expected - got, got - expected
    lines = [f"{len(missing)} kinds of keys missing, {len(extra)} too many, of {sum(expected.values())}"]
    lines += [f"missing {count} x {key}" for key, count in list(missing.items())[:5]]
    lines += [f"too many {count} x {key}" for key, count in list(extra.items())[:5]]
    return "\n".join(lines) if missing or extra else ""
