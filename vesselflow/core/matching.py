"""An event and the clients' preferences -> a notification for each client that wants it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import force_setattr

from vesselflow.core.errors import InvalidPreferences, UsageError
from vesselflow.core.model import Event, Notification, iso, parse_vessel_id, vessel_id
from vesselflow.core.schedule import time_zone
from vesselflow.core.vessel_filter import Vessels

#: The types besides ``geofence_alert``; all are off by default.
OTHER_TYPES: Final = (
    "destination_change",
    "eta_change",
    "draught_change",
    "status_change",
    "name_change",
    "flag_change",
    "movement_alert",
    "gap_alert",
)

#: The namespace of all notification ids. Changing it would notify everyone again.
_NOTIFICATIONS: Final = UUID("0d7c2b52-6a4c-5d2b-8f0d-52a1f3b0c9de")

T = TypeVar("T")
_TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the preferences; a key that it does not know is refused by name."""


class GeofenceAlert(_Section, frozen=True):
    """What a client wants to hear of its fences."""

    enabled: bool = True
    events: frozenset[Literal["entered", "exited", "dwelled", "speeding"]] = frozenset({"entered", "exited"})
    geofences: Literal["all"] | frozenset[str] = "all"
    vessels: Vessels = "all"

    def __post_init__(self) -> None:
        if self.geofences != "all":
            force_setattr(self, "geofences", frozenset(map(str.lower, self.geofences)))


class OtherAlert(_Section, frozen=True):
    """What a client wants to hear of any other type."""

    enabled: bool = False
    vessels: Vessels = "all"


class QuietHours(_Section, frozen=True, rename={"since": "from", "until": "to"}):
    """A span of every day, local time, ``HH:MM``; one that ends before it begins goes over midnight."""

    since: _TimeOfDay
    until: _TimeOfDay
    timezone: str

    def __post_init__(self) -> None:
        if self.since == self.until:
            raise ValueError(f"expected quiet hours to end at another time than they begin, got {self.since} twice")
        time_zone(self.timezone)

    def include(self, at_ms: int) -> bool:
        """Tell whether the moment lies in the span; its first minute does, its last does not."""
        local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(self.timezone)).strftime("%H:%M")
        if self.since < self.until:
            return self.since <= local < self.until
        return local >= self.since or local < self.until


class Mute(_Section, frozen=True):
    """Silence for one vessel or one fence until a moment."""

    until: Annotated[datetime, msgspec.Meta(tz=True)]
    vessel: str | None = None
    geofence: str | None = None

    def __post_init__(self) -> None:
        if (self.vessel is None) == (self.geofence is None):
            raise ValueError("expected a mute of either a vessel or a geofence, got both or none")
        try:
            force_setattr(self, "vessel", self.vessel and vessel_id(parse_vessel_id(self.vessel)))
        except UsageError as error:
            raise ValueError(str(error)) from error
        force_setattr(self, "geofence", self.geofence and self.geofence.lower())

    def covers(self, event: Event) -> bool:
        """Tell whether *event* is silenced."""
        if event.received_ms >= self.until.timestamp() * 1000:
            return False
        if self.geofence is not None:
            return event.geofence_id == self.geofence
        numbers = (event.vessel, event.imo, event.mmsi)
        return self.vessel in [vessel_id(number) for number in numbers if number]


class Preferences(msgspec.Struct, frozen=True):
    """What one client wants. Without arguments: what a client without a row gets.

    ``daily_limit`` is the most pushes a day. Counting them needs the store, so `match` leaves it to the
    sink, which lowers ``pushed`` of the notifications beyond it.
    """

    geofence_alert: GeofenceAlert = GeofenceAlert()
    others: Mapping[str, OtherAlert] = {}
    quiet_hours: QuietHours | None = None
    mutes: tuple[Mute, ...] = ()
    daily_limit: Annotated[int, msgspec.Meta(ge=0)] | None = None


def parse_preferences(document: Mapping[str, Any]) -> Preferences:
    """Return the preferences that *document* holds, with the defaults for keys it does not have.

    Raises:
        InvalidPreferences: a key is unknown or a value is not allowed; the message names it.
    """
    if not isinstance(document, Mapping):
        raise InvalidPreferences(f"expected preferences as an object, got {type(document).__name__}")
    known = ("geofence_alert", *OTHER_TYPES, "quiet_hours", "mutes", "daily_limit")
    for key in document:
        if key not in known:
            raise InvalidPreferences(f"expected keys among {', '.join(known)}, got {key!r}")
    others = {key: _section(document[key], OtherAlert, key) for key in OTHER_TYPES if key in document}
    rest = {key: value for key, value in document.items() if key not in OTHER_TYPES}
    return msgspec.structs.replace(_section(rest, Preferences), others=others)


DEFAULTS: Final = Preferences()


class Clients:
    """Every client's preferences, arranged so that an event finds those that want it. Never changes."""

    def __init__(self, preferences: Mapping[str, Preferences], defaults: Preferences = DEFAULTS) -> None:
        self._preferences = preferences
        self._defaults = defaults
        self._wanting: dict[tuple[str, str, object], list[str]] = defaultdict(list)
        for client_id, each in preferences.items():
            for kind, alert in each.others.items():
                for key, value in _filter_keys(alert.vessels) if alert.enabled else ():
                    self._wanting[kind, key, value].append(client_id)

    def preferences_of(self, client_id: str) -> Preferences:
        """Return a client's preferences; the defaults for a client not known here."""
        return self._preferences.get(client_id, self._defaults)

    def wanting(self, event: Event) -> list[str]:
        """Return the clients that want *event*, in order of their ids."""
        if event.client_id is not None:
            wants = _wants_fence_event(self.preferences_of(event.client_id).geofence_alert, event)
            return [event.client_id] if wants else []
        kind = type_of(event.kind)
        lists = (self._wanting.get((kind, key, value), ()) for key, value in _event_keys(event))
        return sorted({client_id for each in lists for client_id in each})


def match(event: Event, clients: Clients) -> list[Notification]:
    """Return the notification of every client that wants *event*, in order of their ids.

    An event of a fence concerns the fence's owner alone. Quiet hours and mutes, judged at the moment the
    position was received, hold back the push, never the notification.
    """
    kind, data = type_of(event.kind), _payload(event)
    return [
        Notification(
            id=notification_id(event.id, client_id),
            client_id=client_id,
            type=kind,
            data=data,
            event_id=event.id,
            pushed=_is_pushed(clients.preferences_of(client_id), event),
        )
        for client_id in clients.wanting(event)
    ]


def notification_id(event_id: str, client_id: str) -> str:
    """Return the id of a client's notification of an event: always the same."""
    return str(uuid5(_NOTIFICATIONS, f"{event_id}|{client_id}"))


def type_of(kind: str) -> str:
    """Return the notification type of an event kind.

    >>> [type_of(kind) for kind in ("geofence.entered", "destination.changed", "gap.started")]
    ['geofence_alert', 'destination_change', 'gap_alert']
    """
    noun, _, verb = kind.partition(".")
    return f"{noun}_change" if verb == "changed" else f"{noun}_alert"


def _section(value: Any, section: type[T], key: str = "") -> T:
    try:
        return msgspec.convert(value, section)
    except msgspec.ValidationError as error:
        raise InvalidPreferences(f"{key}: {error}" if key else str(error)) from error


def _filter_keys(vessels: Vessels) -> Iterator[tuple[str, object]]:
    if isinstance(vessels, str):
        yield "all", None
        return
    for name in ("imo", "mmsi", "types", "flags"):
        for value in getattr(vessels, name):
            yield name, value


def _event_keys(event: Event) -> Iterator[tuple[str, object]]:
    yield "all", None
    yield "imo", event.imo
    yield "mmsi", event.mmsi
    yield "types", event.ship_type and event.ship_type.casefold()
    yield "flags", event.flag and event.flag.casefold()


def _wants_fence_event(alert: GeofenceAlert, event: Event) -> bool:
    if not alert.enabled or event.kind.rpartition(".")[2] not in alert.events:
        return False
    if alert.geofences != "all" and event.geofence_id not in alert.geofences:
        return False
    vessels = alert.vessels
    return isinstance(vessels, str) or vessels.includes(
        imo=event.imo, mmsi=event.mmsi, ship_type=event.ship_type, flag=event.flag
    )


def _is_pushed(preferences: Preferences, event: Event) -> bool:
    quiet = preferences.quiet_hours
    if quiet is not None and quiet.include(event.received_ms):
        return False
    return not any(mute.covers(event) for mute in preferences.mutes)


def _silence(event: Event) -> dict[str, object]:
    """Return since when a vessel was silent, and once it is back for how long."""
    if event.silent_since_ms is None:
        return {}
    silence: dict[str, object] = {"silentSince": iso(event.silent_since_ms)}
    if event.kind != "gap.ended":
        return silence
    return silence | {"silentS": (event.at_ms - event.silent_since_ms) / 1000}


def _payload(event: Event) -> dict[str, object]:
    """Return the contract's keys, then what we add."""
    data: dict[str, object] = {"type": type_of(event.kind), "vesselIMO": event.imo}
    verb = event.kind.rpartition(".")[2]
    if event.geofence_id is not None:
        data |= {"geofenceId": event.geofence_id, "event": verb, "geofenceName": event.geofence_name}
    elif event.kind == "destination.changed":
        data |= {"previousDestination": event.previous_destination, "newDestination": event.new_destination}
        data |= {"previousNormal": event.previous_normal, "newNormal": event.new_normal}
    elif verb == "changed":
        data |= {"previous": event.previous, "new": event.new}
    else:
        data |= {"event": verb} | _silence(event)
    return data | {
        "eventId": event.id,
        "vesselId": vessel_id(event.vessel),
        "MMSI": event.mmsi,
        "name": event.name,
        "lon": event.lon_deg,
        "lat": event.lat_deg,
        "at": iso(event.at_ms),
        "firstFixAt": iso(event.first_fix_ms),
        "receivedAt": iso(event.received_ms),
        "interpolated": event.interpolated,
    }
