"""Fences in files: what an import makes of shapes, and what an export writes."""

import json
from uuid import UUID

import pytest
import shapely

from vesselflow.core.errors import InvalidRules, UsageError
from vesselflow.core.fence_files import NewFence, WholeFence, feature_collection, new_fences
from vesselflow.core.shapes import FenceShape, read_shapes

ID = "5f0c6a52-3a7e-4a0e-9d57-0f3a1f6f3b11"
SQUARE = shapely.box(4, 51, 5, 52).wkb


def shape(name: str | None = "Port", id_: str | None = None, **properties: object) -> FenceShape:
    return FenceShape(wkb=SQUARE, id=id_, name=name, properties=properties)


def test_a_shape_that_says_nothing_leaves_rules_and_state_open() -> None:
    assert new_fences("areas.kml", [shape()]) == [NewFence("Port", SQUARE)]


def test_a_shape_without_a_name_is_called_by_its_file_and_number() -> None:
    assert [fence.name for fence in new_fences("in/areas.kml", [shape(), shape(None)])] == ["Port", "areas 2"]


@pytest.mark.parametrize("rules", [{"margin_m": 5}, '{"margin_m": 5}'])
def test_rules_may_be_an_object_or_its_text(rules: object) -> None:
    [fence] = new_fences("a", [shape(rules=rules)])

    assert fence.rules == '{"margin_m":5}'


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), ("False", False), ("true", True)])
def test_a_fence_may_be_off(value: object, expected: bool) -> None:
    [fence] = new_fences("a", [shape(is_active=value)])

    assert fence.is_active is expected


def test_the_id_of_an_export_is_kept_and_others_are_not() -> None:
    given = [shape(id_=ID), shape(id=ID.upper()), shape(id_="17"), shape(id=17)]

    assert [fence.id for fence in new_fences("a", given)] == [UUID(ID), UUID(ID), None, None]


@pytest.mark.parametrize("rules", [{"margin": 5}, "5", [], 5, "wide"])
def test_rules_that_are_not_allowed_name_their_feature(rules: object) -> None:
    with pytest.raises(InvalidRules, match=r"^areas\.json: feature 2 \(Port\): expected rules "):
        new_fences("areas.json", [shape(), shape(rules=rules)])


def test_what_else_is_not_allowed_names_its_feature() -> None:
    with pytest.raises(UsageError, match=r"^a: feature 1: expected is_active true or false, got 'perhaps'"):
        new_fences("a", [shape(None, is_active="perhaps")])
    with pytest.raises(UsageError, match=r"^a: feature 1 .*: expected a name of 1 to 255 characters"):
        new_fences("a", [shape("x" * 256)])


def test_an_export_makes_the_same_fences() -> None:
    halves = shapely.MultiPolygon([shapely.box(179.1, 0, 180, 1), shapely.box(-180, 0, -179.3, 1)])
    holed = shapely.Point(4.1, 51.9).buffer(0.7).difference(shapely.Point(4.1, 51.9).buffer(0.2))
    fences = [
        WholeFence(ID, "ann", "Port", True, {"margin_m": 5, "events": ["exited"]}, shapely.to_wkb(holed)),
        WholeFence(ID.replace("5", "6"), "ann", "Fiji", False, {}, shapely.to_wkb(halves)),
    ]

    read = read_shapes("export", b"".join(feature_collection(fences)))

    assert new_fences("export", read) == [
        NewFence("Port", fences[0].wkb, UUID(ID), '{"events":["exited"],"margin_m":5}', True),
        NewFence("Fiji", fences[1].wkb, UUID(fences[1].id), "{}", False),
    ]


def test_an_export_is_one_line_a_fence() -> None:
    fence = WholeFence(ID, "ann", "Port", True, {}, SQUARE)

    lines = b"".join(feature_collection([fence, fence])).splitlines()

    assert len(lines) == 4
    assert json.loads(lines[1].removesuffix(b","))["properties"] == {
        "id": ID,
        "name": "Port",
        "client": "ann",
        "is_active": True,
        "rules": {},
    }


def test_no_fences_are_an_empty_collection() -> None:
    assert json.loads(b"".join(feature_collection([]))) == {"type": "FeatureCollection", "features": []}
