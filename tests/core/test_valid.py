"""Repairs: only when asked for, told in words, and refused when nobody knows what was meant."""

import json
from typing import Any

import pytest
import shapely

from tests.core.tracks import DATA
from vesselflow.core.errors import InvalidShape
from vesselflow.core.shapes import FenceShape, parse_geojson, read_shapes

RING = [[4.0, 51.0], [5.0, 51.0], [5.0, 52.0], [4.0, 52.0], [4.0, 51.0]]
HOLE = [[4.4, 51.4], [4.6, 51.4], [4.6, 51.6], [4.4, 51.6], [4.4, 51.4]]
BOW_TIE = [[4.0, 51.0], [5.0, 52.0], [5.0, 51.0], [4.0, 52.0], [4.0, 51.0]]
LINE = [[4.0, 51.0], [5.0, 51.0], [4.5, 51.0], [4.0, 51.0]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def multipolygon(*polygons: Any) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": list(polygons)}


def moved(ring: Any, lon: float, lat: float = 0.0) -> Any:
    return [[x + lon, y + lat] for x, y in ring]


def repaired(content: Any) -> tuple[FenceShape, Any]:
    (shape,) = parse_geojson(content, repair=True)
    return shape, shapely.from_wkb(shape.wkb)


@pytest.mark.parametrize(
    ("content", "told", "expected"),
    [
        (polygon(RING[:-1]), "ring 1 was not closed", shapely.box(4, 51, 5, 52)),
        (polygon(RING[:3]), "ring 1 was not closed", shapely.Polygon(RING[:3])),
        (
            multipolygon([moved(RING, 10)], [RING, HOLE[:-1]]),
            "polygon 2, ring 2 was not closed",
            shapely.MultiPolygon([(RING, [HOLE]), (moved(RING, 10), ())]),
        ),
        (
            polygon(BOW_TIE),
            "self-intersection at longitude and latitude 4.5 51.5",
            shapely.MultiPolygon([([(4, 51), (4.5, 51.5), (4, 52)], ()), ([(5, 51), (4.5, 51.5), (5, 52)], ())]),
        ),
        (
            polygon(BOW_TIE[:-1]),
            "ring 1 was not closed; self-intersection at longitude and latitude 4.5 51.5",
            shapely.MultiPolygon([([(4, 51), (4.5, 51.5), (4, 52)], ()), ([(5, 51), (4.5, 51.5), (5, 52)], ())]),
        ),
        (
            polygon([*RING[:3], [4.5, 52], [4.5, 53], [4.5, 52], *RING[3:]]),
            "self-intersection at longitude and latitude 4.5 53",
            shapely.box(4, 51, 5, 52),
        ),
        (
            polygon(RING, moved(HOLE, 20)),
            "hole lies outside shell at longitude and latitude 24.4 51.4",
            shapely.box(4, 51, 5, 52),
        ),
        (
            multipolygon([RING], [moved(RING, 0.5)]),
            "self-intersection at longitude and latitude 4.5 52",
            shapely.box(4, 51, 5.5, 52),
        ),
        (
            multipolygon([RING], [moved(RING, 1)]),
            "self-intersection at longitude and latitude 5 52",
            shapely.box(4, 51, 6, 52),
        ),
        (multipolygon([RING], [LINE]), "polygon 2 had no area", shapely.box(4, 51, 5, 52)),
    ],
)
def test_a_repair_says_what_was_wrong_and_keeps_what_was_meant(content: Any, told: str, expected: Any) -> None:
    shape, found = repaired(content)

    assert shape.repaired == told
    assert found.is_valid
    assert shapely.symmetric_difference(found, expected).area < 1e-12


@pytest.mark.parametrize(
    "content",
    [polygon(RING[:-1]), polygon(BOW_TIE), multipolygon([RING], [moved(RING, 0.5)]), multipolygon([RING], [LINE])],
)
def test_nothing_is_repaired_unasked_but_the_message_says_that_it_can_be(content: Any) -> None:
    with pytest.raises(InvalidShape, match=r"; --repair may mend it$"):
        parse_geojson(content)


def test_what_is_not_broken_is_the_same_with_and_without_repair() -> None:
    assert parse_geojson(polygon(RING, HOLE), repair=True) == parse_geojson(polygon(RING, HOLE))
    assert parse_geojson(polygon(RING, HOLE))[0].repaired is None


def test_a_repair_is_cut_at_180_too() -> None:
    shape, found = repaired(polygon([[178, 51], [-178, 52], [-178, 51], [178, 52], [178, 51]]))

    assert shape.repaired == "self-intersection at longitude and latitude 180 51.5"
    assert found.bounds == (-180, 51, 180, 52)
    assert found.area == pytest.approx(2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (polygon(RING, RING), "in doubt for 100% of its area"),
        (
            polygon(RING, moved(HOLE, 0.5), moved(HOLE, 3), moved(HOLE, 4), moved(HOLE, 5)),
            "in doubt for 1.% of its area",
        ),
        (polygon(LINE), "shape: expected an area, got none"),
        (multipolygon([LINE], [LINE]), "shape: expected an area, got none"),
        (polygon([[4, 51], [5, 51], [5, 151], [4, 51]]), "expected latitude"),
        (polygon(RING[:2]), "ring 1: expected at least 4 points, got 2"),
    ],
)
def test_what_cannot_be_repaired_beyond_doubt_is_refused_all_the_same(content: Any, message: str) -> None:
    with pytest.raises(InvalidShape, match=message):
        parse_geojson(content, repair=True)


def test_real_shapes_that_are_not_valid_are_refused_and_mended_with_their_area() -> None:
    content = (DATA / "natural-earth" / "broken.geojson").read_bytes()
    areas = [shapely.from_geojson(json.dumps(each["geometry"])).area for each in json.loads(content)["features"]]

    with pytest.raises(
        InvalidShape, match=r"world: feature 1 \(Sudan\): expected a valid shape, got self-intersection at"
    ):
        read_shapes("world", content)
    mended = read_shapes("world", content, repair=True)

    assert [shapely.from_wkb(shape.wkb).area for shape in mended] == pytest.approx(areas, rel=1e-3)
