"""Preferences x event -> notifications."""

from typing import Any
from uuid import UUID

import pytest

from tests.core.tracks import millis
from vesselflow.core.errors import InvalidPreferences
from vesselflow.core.matching import DEFAULTS, Clients, match, notification_id, parse_preferences, type_of
from vesselflow.core.model import Event

FENCE = "5f0c6a52-3a7e-4a0e-9d57-0f3a1f6f3b11"
OTHER_FENCE = "5f0c6a52-3a7e-4a0e-9d57-0f3a1f6f3b12"
AT_MS = millis("2026-01-01T12:00:00+00:00")


def event(kind: str = "geofence.entered", **details: Any) -> Event:
    fence = {"client_id": "acme", "geofence_id": FENCE, "geofence_name": "Europoort"}
    known = {
        "id": "e1",
        "kind": kind,
        "vessel": 244_660_000,
        "at_ms": AT_MS,
        "first_fix_ms": AT_MS,
        "received_ms": AT_MS,
        "lon_deg": 4.1,
        "lat_deg": 51.9,
        "imo": 9_074_729,
        "mmsi": 244_660_000,
        "name": "ORIANA",
        "ship_type": "Tanker",
        "flag": "NL",
    }
    return Event(**known | (fence if kind.startswith("geofence.") else {}) | details)  # type: ignore[arg-type]


def changed(**details: Any) -> Event:
    texts = {"previous_destination": "A", "new_destination": "B", "previous_normal": "A", "new_normal": "B"}
    return event("destination.changed", **texts | details)


def clients(**documents: Any) -> Clients:
    return Clients({client_id: parse_preferences(document) for client_id, document in documents.items()})


def told(found: Event, **documents: Any) -> list[str]:
    return [each.client_id for each in match(found, clients(**documents))]


# Who is told


def test_a_fences_event_is_its_owners_alone() -> None:
    assert told(event(), acme={}, other={"geofence_alert": {"enabled": True}}) == ["acme"]


def test_an_owner_without_preferences_has_the_defaults() -> None:
    assert told(event()) == ["acme"]
    assert told(event("geofence.dwelled")) == []
    assert [each.client_id for each in match(event(), Clients({}, defaults=DEFAULTS))] == ["acme"]


@pytest.mark.parametrize(
    ("alert", "is_told"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"events": ["entered"]}, True),
        ({"events": ["exited"]}, False),
        ({"events": []}, False),
        ({"geofences": "all"}, True),
        ({"geofences": [FENCE.upper()]}, True),
        ({"geofences": [OTHER_FENCE]}, False),
        ({"vessels": "all"}, True),
        ({"vessels": {}}, False),
        ({"vessels": {"imo": [9_074_729]}}, True),
        ({"vessels": {"imo": [9_074_730]}}, False),
        ({"vessels": {"mmsi": [244_660_000]}}, True),
        ({"vessels": {"types": ["tanker"]}}, True),
        ({"vessels": {"flags": ["nl", "BE"]}}, True),
        ({"vessels": {"types": ["Cargo"], "flags": ["NL"]}}, True),
        ({"vessels": {"types": ["Cargo"], "flags": ["BE"]}}, False),
    ],
)
def test_the_owner_is_told_what_the_preferences_ask_for(alert: dict[str, Any], is_told: bool) -> None:
    assert told(event(), acme={"geofence_alert": alert}) == (["acme"] if is_told else [])


def test_a_destination_is_told_to_every_client_that_enabled_it() -> None:
    on = {"destination_change": {"enabled": True}}

    assert told(changed(), b=on, a=on, c={}, d={"destination_change": {"enabled": False}}) == ["a", "b"]


@pytest.mark.parametrize(
    ("vessels", "is_told"),
    [
        ({"imo": [9_074_729], "types": ["Tanker"], "flags": ["NL"]}, True),
        ({"mmsi": [1, 244_660_000]}, True),
        ({"types": ["TANKER"]}, True),
        ({"imo": [244_660_000]}, False),
        ({"types": ["Cargo"]}, False),
        ({}, False),
    ],
)
def test_a_destination_is_told_once_when_any_list_matches(vessels: dict[str, Any], is_told: bool) -> None:
    preferences = {"destination_change": {"enabled": True, "vessels": vessels}}

    assert told(changed(), acme=preferences) == (["acme"] if is_told else [])


def test_a_vessel_without_type_and_flag_matches_no_filter() -> None:
    preferences = {"destination_change": {"enabled": True, "vessels": {"types": ["Tanker"], "flags": ["NL"]}}}

    assert told(changed(ship_type=None, flag=None, imo=None), acme=preferences) == []


def test_other_types_are_off_until_enabled() -> None:
    assert told(event("eta.changed"), acme={}) == []
    assert told(event("eta.changed"), acme={"eta_change": {"enabled": True}}) == ["acme"]


# What they are told


def test_a_fences_payload_is_the_contracts() -> None:
    (found,) = match(event(), clients(acme={}))

    assert (found.type, found.event_id, found.pushed) == ("geofence_alert", "e1", True)
    assert found.data == {
        "type": "geofence_alert",
        "vesselIMO": 9_074_729,
        "geofenceId": FENCE,
        "event": "entered",
        "geofenceName": "Europoort",
        "eventId": "e1",
        "vesselId": "mmsi:244660000",
        "MMSI": 244_660_000,
        "name": "ORIANA",
        "lon": 4.1,
        "lat": 51.9,
        "at": "2026-01-01T12:00:00.000Z",
        "firstFixAt": "2026-01-01T12:00:00.000Z",
        "receivedAt": "2026-01-01T12:00:00.000Z",
        "interpolated": False,
    }


def test_a_destinations_payload_is_the_contracts() -> None:
    (found,) = match(changed(imo=None), clients(acme={"destination_change": {"enabled": True}}))

    keys = ("type", "vesselIMO", "previousDestination", "newDestination", "previousNormal", "newNormal")
    assert [found.data[key] for key in keys] == ["destination_change", None, "A", "B", "A", "B"]
    assert "event" not in found.data


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("geofence.entered", "geofence_alert"),
        ("geofence.exited", "geofence_alert"),
        ("geofence.dwelled", "geofence_alert"),
        ("geofence.speeding", "geofence_alert"),
        ("destination.changed", "destination_change"),
        ("eta.changed", "eta_change"),
        ("gap.started", "gap_alert"),
    ],
)
def test_kinds_have_the_contracts_types(kind: str, type_: str) -> None:
    assert type_of(kind) == type_


def test_an_id_is_a_uuid_of_event_and_client_that_never_changes() -> None:
    # Computed apart with Python's uuid.uuid5 from "e1|acme".
    assert notification_id("e1", "acme") == "1f513a7d-93e3-5bee-812c-b47a0bd9edf0"
    assert UUID(notification_id("e1", "other")).version == 5
    assert notification_id("e1", "other") != notification_id("e1", "acme")


# What is not pushed


def is_pushed(preferences: dict[str, Any], found: Event) -> bool:
    (notification,) = match(found, clients(acme=preferences))
    return notification.pushed


@pytest.mark.parametrize(
    ("received", "pushed"),
    [
        # Amsterdam is an hour ahead of UTC in winter, two in summer.
        ("2026-01-01T20:59:59+00:00", True),
        ("2026-01-01T21:00:00+00:00", False),
        ("2026-01-02T00:00:00+00:00", False),
        ("2026-01-02T04:59:59+00:00", False),
        ("2026-01-02T05:00:00+00:00", True),
        ("2026-07-01T20:00:00+00:00", False),
        ("2026-07-02T04:00:00+00:00", True),
    ],
)
def test_quiet_hours_go_over_midnight_in_local_time(received: str, pushed: bool) -> None:
    quiet = {"quiet_hours": {"from": "22:00", "to": "06:00", "timezone": "Europe/Amsterdam"}}

    assert is_pushed(quiet, event(received_ms=millis(received))) is pushed


@pytest.mark.parametrize(("received", "pushed"), [("11:59", True), ("12:00", False), ("12:59", False), ("13:00", True)])
def test_quiet_hours_within_a_day(received: str, pushed: bool) -> None:
    quiet = {"quiet_hours": {"from": "12:00", "to": "13:00", "timezone": "UTC"}}

    assert is_pushed(quiet, event(received_ms=millis(f"2026-01-01T{received}:00+00:00"))) is pushed


def test_quiet_hours_are_judged_when_the_position_was_received() -> None:
    quiet = {"quiet_hours": {"from": "12:00", "to": "13:00", "timezone": "UTC"}}

    assert is_pushed(quiet, event(at_ms=AT_MS, received_ms=AT_MS + 3_600_000))


@pytest.mark.parametrize(
    ("mute", "pushed"),
    [
        ({"vessel": "imo:9074729"}, False),
        ({"vessel": "mmsi:244660000"}, False),
        ({"vessel": "9074729"}, False),
        ({"vessel": "imo:9074730"}, True),
        ({"geofence": FENCE.upper()}, False),
        ({"geofence": OTHER_FENCE}, True),
    ],
)
def test_a_mute_silences_its_vessel_or_fence(mute: dict[str, str], pushed: bool) -> None:
    assert is_pushed({"mutes": [{**mute, "until": "2026-01-01T12:00:01Z"}]}, event()) is pushed


def test_a_mute_ends() -> None:
    assert is_pushed({"mutes": [{"geofence": FENCE, "until": "2026-01-01T13:00:00+01:00"}]}, event())


# Reading preferences


def test_an_empty_document_is_the_defaults() -> None:
    assert parse_preferences({}) == DEFAULTS
    assert DEFAULTS.geofence_alert.enabled
    assert sorted(DEFAULTS.geofence_alert.events) == ["entered", "exited"]


def test_the_contracts_document_is_read_whole() -> None:
    found = parse_preferences(
        {
            "geofence_alert": {
                "enabled": True,
                "events": ["entered", "exited", "dwelled", "speeding"],
                "geofences": [FENCE],
                "vessels": {"imo": [9_074_729], "mmsi": [], "types": ["Tanker"], "flags": ["NL"]},
            },
            "destination_change": {"enabled": False, "vessels": "all"},
            "quiet_hours": {"from": "22:00", "to": "06:00", "timezone": "Europe/Amsterdam"},
            "mutes": [{"vessel": "imo:9074729", "until": "2026-01-01T00:00:00Z"}],
            "daily_limit": 500,
        }
    )

    assert found.geofence_alert.geofences == frozenset({FENCE})
    assert found.daily_limit == 500
    assert len(found.mutes) == 1


def test_null_switches_quiet_hours_and_limit_off() -> None:
    assert parse_preferences({"quiet_hours": None, "daily_limit": None}) == DEFAULTS


QUIET = {"from": "22:00", "to": "06:00", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "expected preferences as an object, got list"),
        ({"geofence_alerts": {}}, "expected keys among .*, got 'geofence_alerts'"),
        ({"others": {}}, "got 'others'"),
        ({"geofence_alert": {"event": []}}, r"unknown field `event` - at `\$.geofence_alert`"),
        ({"geofence_alert": {"events": ["left"]}}, "Invalid enum value 'left'"),
        ({"geofence_alert": {"geofences": "some"}}, r"geofence_alert.geofences"),
        ({"geofence_alert": {"vessels": {"imos": []}}}, "unknown field `imos`"),
        ({"destination_change": {"events": []}}, "destination_change: .*unknown field `events`"),
        ({"destination_change": {"enabled": "yes"}}, "destination_change: Expected `bool`, got `str`"),
        ({"quiet_hours": {"from": "22:00"}}, "missing required field `to`"),
        ({"quiet_hours": QUIET | {"from": "24:00"}}, r"quiet_hours.from"),
        ({"quiet_hours": QUIET | {"to": "22:00"}}, "end at another time than they begin, got 22:00 twice"),
        ({"quiet_hours": QUIET | {"timezone": "Mars/Olympus"}}, "expected a time zone like Europe/Amsterdam"),
        ({"quiet_hours": QUIET | {"timezone": "../../etc/passwd"}}, "expected a time zone like Europe/Amsterdam"),
        ({"quiet_hours": QUIET | {"timezone": ""}}, "expected a time zone like Europe/Amsterdam"),
        ({"mutes": [{"vessel": "imo:9074729"}]}, "missing required field `until`"),
        ({"mutes": [{"until": "2026-01-01T00:00:00Z"}]}, "either a vessel or a geofence, got both or none"),
        ({"mutes": [{"vessel": "imo:1", "until": "2026-01-01T00:00:00"}]}, "timezone"),
        ({"mutes": [{"vessel": "ORIANA", "until": "2026-01-01T00:00:00Z"}]}, "expected a vessel like imo:9074729"),
        ({"daily_limit": -1}, "daily_limit"),
        ({"daily_limit": True}, "daily_limit"),
    ],
)
def test_what_the_contract_does_not_allow_is_refused_by_name(document: Any, message: str) -> None:
    with pytest.raises(InvalidPreferences, match=message):
        parse_preferences(document)
