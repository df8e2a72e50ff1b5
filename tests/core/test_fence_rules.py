"""A fence's own rules, and the vessels they mean."""

from typing import Any

import msgspec
import pytest

from vesselflow.core.errors import InvalidRules
from vesselflow.core.fence_rules import FenceRules, fence_rules_of, parse_fence_rules, rules_text
from vesselflow.core.schedule import Schedule
from vesselflow.core.vessel_filter import VesselFilter

EVERY_RULE: dict[str, Any] = {
    "events": ["entered", "exited"],
    "margin_m": 100,
    "confirm_fixes": 2,
    "confirm_s": 60,
    "dwell_s": 1800,
    "speed_limit_kn": 10.5,
    "schedule": {"timezone": "Europe/Amsterdam", "hours": ["Mon-Fri 08:00-18:00", "Sat 22:00-02:00"]},
    "vessels": {"imo": [9074729], "mmsi": [244660000], "types": ["Tanker"], "flags": ["NL"]},
}


def test_every_rule_is_read() -> None:
    assert parse_fence_rules(msgspec.json.encode(EVERY_RULE)) == FenceRules(
        events=frozenset({"entered", "exited"}),
        margin_m=100.0,
        confirm_fixes=2,
        confirm_s=60.0,
        dwell_s=1800.0,
        speed_limit_kn=10.5,
        schedule=Schedule(timezone="Europe/Amsterdam", hours=("Mon-Fri 08:00-18:00", "Sat 22:00-02:00")),
        vessels=VesselFilter(
            imo=frozenset({9074729}),
            mmsi=frozenset({244660000}),
            types=frozenset({"tanker"}),
            flags=frozenset({"nl"}),
        ),
    )


def test_no_rules_are_the_defaults() -> None:
    rules = parse_fence_rules("{}")

    assert rules == FenceRules()
    assert rules.events == {"entered", "exited", "dwelled", "speeding"}
    assert (rules.margin_m, rules.confirm_fixes, rules.schedule, rules.vessels) == (None, None, None, "all")


@pytest.mark.parametrize(
    "rules", [{"margin_m": 0}, {"margin_m": 50_000}, {"confirm_fixes": 100}, {"confirm_s": 86_400}]
)
def test_the_ends_of_a_range_are_in_it(rules: dict[str, object]) -> None:
    assert parse_fence_rules(rules) != FenceRules()


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ('{"margin": 5}', "expected rules among events, margin_m, .* got 'margin'"),
        ('{"margin_m": -1}', r">= 0.* at `\$.margin_m`"),
        ('{"margin_m": 50001}', r"<= 50000.* at `\$.margin_m`"),
        ('{"confirm_fixes": 0}', r">= 1 - at `\$.confirm_fixes`"),
        ('{"confirm_fixes": 101}', r"<= 100 - at `\$.confirm_fixes`"),
        ('{"confirm_s": 86401}', r"<= 86400.* at `\$.confirm_s`"),
        ('{"dwell_s": 0}', r"> 0.* at `\$.dwell_s`"),
        ('{"speed_limit_kn": 0}', r"> 0.* at `\$.speed_limit_kn`"),
        ('{"speed_limit_kn": "fast"}', r"got `str` - at `\$.speed_limit_kn`"),
        ('{"events": ["left"]}', r"'left' - at `\$.events"),
        ('{"schedule": {"timezone": "UTC", "hours": ["Mon"]}}', "expected hours like Mon-Fri 08:00-18:00, got 'Mon'"),
        ('{"vessels": {"flag": ["NL"]}}', r"unknown field `flag` - at `\$.vessels`"),
        ('{"vessels": "none"}', r"'none' - at `\$.vessels`"),
        ("[]", "expected rules as an object, got list"),
        ("{", "got no JSON"),
        (b"\xff", "got no JSON"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(rules: str | bytes, message: str) -> None:
    with pytest.raises(InvalidRules, match=message):
        parse_fence_rules(rules)


def test_equal_texts_are_read_once() -> None:
    assert fence_rules_of('{"margin_m": 7}') is fence_rules_of('{"margin_m": 7}')


def test_rules_become_one_text_in_whatever_order_they_come() -> None:
    assert rules_text({"margin_m": 5, "events": ["exited"]}) == '{"events":["exited"],"margin_m":5}'
    assert rules_text(dict(reversed(EVERY_RULE.items()))) == rules_text(EVERY_RULE)


def test_rules_that_are_not_allowed_become_no_text() -> None:
    with pytest.raises(InvalidRules):
        rules_text({"margin_m": -1})


# Which vessels


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({}, False),
        ({"imo": [9074729]}, True),
        ({"imo": [9074730]}, False),
        ({"mmsi": [244660000]}, True),
        ({"types": ["TANKER"]}, True),
        ({"types": ["Cargo"]}, False),
        ({"flags": ["nl"]}, True),
        ({"imo": [1], "flags": ["DE", "NL"]}, True),
    ],
)
def test_a_vessel_is_meant_when_any_list_has_it(lists: dict[str, object], expected: bool) -> None:
    meant = msgspec.convert(lists, VesselFilter)

    assert meant.includes(imo=9074729, mmsi=244660000, ship_type="Tanker", flag="NL") is expected


def test_what_is_not_known_of_a_vessel_matches_nothing() -> None:
    meant = msgspec.convert({"imo": [0], "mmsi": [0], "types": ["none"], "flags": [""]}, VesselFilter)

    assert not meant.includes(imo=None, mmsi=None, ship_type=None, flag=None)
