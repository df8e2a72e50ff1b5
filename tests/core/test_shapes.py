"""GeoJSON in, fences or a clear refusal out."""

import json
from typing import Any

import pytest
import shapely

from tests.core.tracks import DATA
from vesselflow.core.errors import InvalidShape
from vesselflow.core.shapes import parse_geojson

RING = [[4.0, 51.0], [5.0, 51.0], [5.0, 52.0], [4.0, 52.0], [4.0, 51.0]]
HOLE = [[4.4, 51.4], [4.6, 51.4], [4.6, 51.6], [4.4, 51.6], [4.4, 51.4]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": None} | members


def collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def test_a_bare_polygon_with_a_hole_is_a_shape() -> None:
    (shape,) = parse_geojson(polygon(RING, HOLE))

    assert shapely.from_wkb(shape.wkb).equals(shapely.Polygon(RING, [HOLE]))
    assert (shape.id, shape.name, shape.properties) == (None, None, {})


def test_a_multipolygon_stays_one_shape() -> None:
    far = [[lon + 10, lat] for lon, lat in RING]

    (shape,) = parse_geojson({"type": "MultiPolygon", "coordinates": [[RING], [far]]})

    assert shapely.from_wkb(shape.wkb).geom_type == "MultiPolygon"
    assert shapely.from_wkb(shape.wkb).area == pytest.approx(2)


def test_a_feature_keeps_its_id_name_and_properties() -> None:
    properties = {"name": "Europoort", "colour": "red"}

    (shape,) = parse_geojson(feature(polygon(RING), id=7, properties=properties))

    assert (shape.id, shape.name, shape.properties) == ("7", "Europoort", properties)


def test_a_collection_keeps_its_order() -> None:
    content = collection(*(feature(polygon(RING), id=name) for name in "cab"))

    assert [shape.id for shape in parse_geojson(content)] == ["c", "a", "b"]


def test_text_and_bytes_are_read_too() -> None:
    text = json.dumps(polygon(RING))

    assert parse_geojson(text) == parse_geojson(text.encode()) == parse_geojson(polygon(RING))


def test_a_third_coordinate_is_dropped() -> None:
    assert parse_geojson(polygon([[*place, 12.5] for place in RING])) == parse_geojson(polygon(RING))


def test_a_collection_of_polygons_is_one_shape() -> None:
    far = [[lon + 10, lat] for lon, lat in RING]
    members = [polygon(RING), {"type": "MultiPolygon", "coordinates": [[far]]}]

    (shape,) = parse_geojson({"type": "GeometryCollection", "geometries": members})

    assert shapely.from_wkb(shape.wkb).equals(shapely.MultiPolygon([(RING, ()), (far, ())]))


def test_coordinates_are_kept_bit_for_bit() -> None:
    ring = [[4.1234567890123456, 51.0], [180.0, 51.000000000000007], [5.1, 52.3], [4.1234567890123456, 51.0]]

    (shape,) = parse_geojson(polygon(ring))

    assert shapely.get_coordinates(shapely.from_wkb(shape.wkb)).tolist() == ring


def test_neither_orientation_nor_repeated_points_are_faults() -> None:
    repeated = [point for point in reversed(RING) for _ in range(2)]

    (shape,) = parse_geojson(polygon(repeated, list(reversed(HOLE))))

    assert shapely.from_wkb(shape.wkb).equals(shapely.Polygon(RING, [HOLE]))


def test_a_fence_has_the_rules_of_its_feature_when_they_are_an_object() -> None:
    rules = {"events": ["exited"], "margin_m": 50}

    own, text, none = parse_geojson(
        collection(*(feature(polygon(RING), properties=each) for each in ({"rules": rules}, {"rules": "all"}, None)))
    )

    assert (own.rules, text.rules, none.rules) == (rules, {}, {})


def test_real_zones_are_read_whole() -> None:
    sydney, eez = parse_geojson((DATA / "amsa" / "zones.geojson").read_bytes())

    assert (sydney.name, sydney.id, eez.name) == ("Sydney", "SYD", "Australia mainland EEZ")
    assert shapely.get_num_coordinates(shapely.from_wkb(eez.wkb)) > 5_000


BOW_TIE = [[4.0, 51.0], [5.0, 52.0], [5.0, 51.0], [4.0, 52.0], [4.0, 51.0]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected GeoJSON, got no JSON"),
        ([], "expected a FeatureCollection, Feature, Polygon or MultiPolygon, got a list without a type"),
        ({"type": "Point", "coordinates": [4, 51]}, r"expected a FeatureCollection, .*, got Point"),
        (collection(), "expected at least one feature, got an empty FeatureCollection"),
        (collection(polygon(RING)), "feature 1: expected a Feature, got Polygon"),
        (feature(None), "feature: expected a Polygon or MultiPolygon with coordinates, got a NoneType without a type"),
        (
            collection(feature(polygon(RING)), feature({"type": "LineString", "coordinates": RING})),
            "feature 2: expected width_m, the width of a corridor in metres, as a property of a LineString, got none",
        ),
        (
            feature({"type": "MultiPoint", "coordinates": RING}),
            "feature: expected a Polygon or MultiPolygon with coordinates, got MultiPoint",
        ),
        (polygon(), "shape: expected at least one ring, got an empty shape"),
        ({"type": "MultiPolygon", "coordinates": [[RING], []]}, "shape: expected at least one ring"),
        (polygon({"a": 1}), "shape: expected rings as lists of positions"),
        (polygon([]), "shape, ring 1: expected at least 4 points, got 0"),
        (polygon([[4, 51], [5, 51], [4, 51]]), "shape, ring 1: expected at least 4 points, got 3"),
        (
            polygon([*RING[:2], [5], *RING[2:]]),
            r"shape, ring 1, point 3: expected \[longitude, latitude\], got \[5\]",
        ),
        (polygon([["4", 51], *RING[1:]]), r"point 1: expected \[longitude, latitude\], got \['4', 51\]"),
        (
            polygon(RING[:-1]),
            r"shape, ring 1: expected the last point to repeat the first, \[4.0, 51.0\], got \[4.0, 52.0\]",
        ),
        (polygon(RING, HOLE[:-1]), "shape, ring 2: expected the last point to repeat the first"),
        (
            polygon([[361.0, 51.0], *RING[1:]]),
            r"shape, ring 1, point 1: expected longitude in \[-360, 360\], got 361.0$",
        ),
        (
            {"type": "MultiPolygon", "coordinates": [[RING], [RING, [*HOLE[:2], [4.6, 361], *HOLE[3:]]]]},
            r"shape, polygon 2, ring 2, point 3: expected latitude in \[-90, 90\], got 361.0$",
        ),
        (
            polygon([[4, 51], [5, 51], [5, 10**30], [4, 51]]),
            r"point 3: expected \[longitude, latitude\], got \[5, 1000",
        ),
        (polygon([*RING[:2], [5.0, float("nan")], *RING[2:]]), r"point 3: expected latitude in \[-90, 90\], got nan"),
        (
            polygon([[-33.8, 151.0], [-33.8, 152.0], [-34.8, 152.0], [-33.8, 151.0]]),
            r"point 1: expected latitude in \[-90, 90\], got 151.0; longitude and latitude look swapped",
        ),
        (
            polygon([[60000, 430000], [61000, 430000], [61000, 431000], [60000, 430000]]),
            r"point 1: expected longitude .*, got 60000.0; these look like metres of a projection, not degrees",
        ),
        (
            collection(feature(polygon(BOW_TIE), properties={"name": "Bow tie"})),
            r"feature 1 \(Bow tie\): expected a valid shape, got self-intersection at longitude and latitude 4.5 51.5",
        ),
        (polygon(RING, [[lon + 20, lat] for lon, lat in HOLE]), "expected a valid shape, got hole lies outside shell"),
        (polygon([[4.0, 51.0], [5.0, 51.0], [4.5, 51.0], [4.0, 51.0]]), "expected an area, got none$"),
        (
            {"type": "GeometryCollection", "geometries": [polygon(RING), {"type": "Point", "coordinates": [4, 51]}]},
            "shape: expected a collection of polygons only, got Point in it",
        ),
        ("[" * 100_000, "expected GeoJSON, got JSON nested too deep to be read"),
        (
            polygon(RING) | {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}},
            "expected coordinates in WGS 84, got those of urn:ogc:def:crs:EPSG::28992",
        ),
    ],
)
def test_what_cannot_be_a_fence_is_refused_with_what_and_where(content: Any, message: str) -> None:
    with pytest.raises(InvalidShape, match=message):
        parse_geojson(content)


def test_too_many_vertices_are_refused_with_their_number() -> None:
    with pytest.raises(InvalidShape, match="shape: expected at most 9 vertices, got 10"):
        parse_geojson(polygon(RING, HOLE), max_vertices=9)
