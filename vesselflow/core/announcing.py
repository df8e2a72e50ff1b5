"""A row of a batch -> the event that a detector announces there, under an id that is the same every time."""

from __future__ import annotations

from typing import Final, TypedDict, Unpack
from uuid import UUID, uuid5

from vesselflow.core.model import Event, PositionBatch

#: The namespace of all event ids. Changing it would announce everything again.
_EVENTS: Final = UUID("6f1c1f0e-94c5-5b0e-9a4e-0d6a3e0b7c21")


class Details(TypedDict, total=False):
    """What an event says beyond who, when and where."""

    interpolated: bool
    client_id: str
    geofence_id: str
    geofence_name: str
    previous_destination: str | None
    new_destination: str | None
    previous_normal: str | None
    new_normal: str | None
    previous: str | None
    new: str | None
    silent_since_ms: int


def event_id(*parts: object) -> str:
    """Return the id of the event that *parts* describe, in their order."""
    return str(uuid5(_EVENTS, "|".join(map(str, parts))))


def announcement(
    batch: PositionBatch,
    row: int,
    *,
    kind: str,
    event_id: str,
    first: tuple[int, float, float] | None = None,
    **details: Unpack[Details],
) -> Event:
    """Return the event *kind* of the vessel at *row*, confirmed by that fix.

    *first* is when, and at which longitude and latitude, it was first seen; without it, at that very fix.
    """
    at_ms = int(batch.at_ms[row])
    first_ms, lon_deg, lat_deg = first or (at_ms, float(batch.lon_deg[row]), float(batch.lat_deg[row]))
    return Event(
        id=event_id,
        kind=kind,
        vessel=int(batch.vessel[row]),
        at_ms=at_ms,
        first_fix_ms=first_ms,
        received_ms=int(batch.received_ms[row]),
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        imo=int(batch.imo[row]) or None,
        mmsi=int(batch.mmsi[row]) or None,
        name=batch.text("name", row),
        ship_type=batch.text("ship_type", row),
        flag=batch.text("flag", row),
        **details,
    )


def is_too_old(batch: PositionBatch, row: int, alert_limit_ms: int | None) -> bool:
    """Tell whether the fix at *row* was older than the limit when it was received; without a limit none is."""
    if alert_limit_ms is None:
        return False
    return int(batch.received_ms[row]) - int(batch.at_ms[row]) > alert_limit_ms
