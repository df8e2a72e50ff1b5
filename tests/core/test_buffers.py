"""Circles and corridors, measured with geodesic distances from every edge to what it stands for."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Geod

from vesselflow.core.errors import InvalidShape
from vesselflow.core.model import FloatArray
from vesselflow.core.shapes import parse_geojson

ELLIPSOID = Geod(ellps="WGS84")
Line = Sequence[Sequence[float]]


def buffered(kind: str, coordinates: Any, **properties: Any) -> Any:
    geometry = {"type": kind, "coordinates": coordinates}
    (shape,) = parse_geojson({"type": "Feature", "geometry": geometry, "properties": properties})
    return shapely.from_wkb(shape.wkb)


def circle(lon: float, lat: float, radius_m: float) -> Any:
    return buffered("Point", [lon, lat], radius_m=radius_m)


def along_the_edges(shape: Any, *, places: int) -> FloatArray:
    """Return vertices and *places* between each two, without the edges that the cut at 180 made."""
    found = []
    for part in shapely.get_parts(shape):
        for ring in (part.exterior, *part.interiors):
            vertices = shapely.get_coordinates(ring)
            start, end = vertices[:-1], vertices[1:]
            own = ~((np.abs(start[:, 0]) == 180) & (start[:, 0] == end[:, 0]))
            share = np.linspace(0, 1, places + 2)[:-1, None, None]
            found.append(((1 - share) * start[own] + share * end[own]).reshape(-1, 2))
    return np.concatenate(found)


def metres_to_leg(places: FloatArray, start: Sequence[float], end: Sequence[float]) -> FloatArray:
    """Return the distance of each place to a geodesic: the least to 60 places of it, then by golden section."""
    azimuth, _, length_m = ELLIPSOID.inv(start[0], start[1], end[0], end[1])

    def metres(at: FloatArray) -> FloatArray:
        count = len(places)
        lon, lat, _ = ELLIPSOID.fwd(np.full(count, start[0]), np.full(count, start[1]), np.full(count, azimuth), at)
        return np.asarray(ELLIPSOID.inv(places[:, 0], places[:, 1], lon, lat)[2])

    steps = np.linspace(0, length_m, 60)
    nearest = np.argmin([metres(np.full(len(places), step)) for step in steps], axis=0)
    low, high = steps[np.maximum(nearest - 1, 0)], steps[np.minimum(nearest + 1, 59)]
    for _ in range(30):
        left, right = high - 0.618034 * (high - low), low + 0.618034 * (high - low)
        is_left = metres(left) < metres(right)
        low, high = np.where(is_left, low, left), np.where(is_left, right, high)
    return metres((low + high) / 2)


@pytest.mark.parametrize("radius_m", [1, 50, 5_000, 100_000, 500_000])
@pytest.mark.parametrize(
    ("lon", "lat"), [(0, 0), (4.1, 51.9), (-180, 10), (179.9, -17), (180, 70), (10, 85), (175, -85)]
)
def test_every_place_on_a_circles_edge_is_its_radius_away(lon: float, lat: float, radius_m: float) -> None:
    places = along_the_edges(circle(lon, lat, radius_m), places=20)

    metres = ELLIPSOID.inv(np.full(len(places), lon), np.full(len(places), lat), *places.T)[2]

    # Vertices are rounded to 0.1 mm; between them an edge may be 0.1 % further in.
    assert np.min(metres) > radius_m * 0.99899 - 0.0001
    assert np.max(metres) < radius_m + 0.0001


def test_a_circle_of_1000_km_is_as_good() -> None:
    places = along_the_edges(circle(20, 75, 1_000_000), places=20)

    metres = ELLIPSOID.inv(np.full(len(places), 20.0), np.full(len(places), 75.0), *places.T)[2]

    assert np.min(metres) > 998_990
    assert np.max(metres) < 1_000_000.001


def test_a_circle_has_72_vertices_where_that_is_enough() -> None:
    assert shapely.get_num_coordinates(circle(4.1, 51.9, 500)) == 73


def test_a_circle_across_180_is_cut_there() -> None:
    found = circle(179.999, -17, 5_000)

    assert found.geom_type == "MultiPolygon"
    assert found.intersects(shapely.points([179.99, -179.99], [-17, -17])).all()
    assert not found.intersects(shapely.points([179.9, -179.9], [-17, -17])).any()


def test_a_centre_may_be_written_in_the_190_degrees_form() -> None:
    assert circle(190, 10, 5_000).equals(circle(-170, 10, 5_000))


@pytest.mark.parametrize(
    ("line", "width_m"),
    [
        ([[0, 0], [10, 0]], 10_000),
        ([[4, 52], [5, 53], [4, 54]], 2_000),
        ([[170, 60], [-170, 62]], 20_000),
        ([[179, -17], [181, -17.5]], 500),
        ([[0, 85], [90, 85]], 20_000),
        ([[0, 84], [20, 80], [40, 84]], 100_000),
        ([[0, 50], [60, 50]], 1_000_000),
        ([[-5, 50], [-70, 40]], 5_000),
        ([[4, 52], [4, 52], [4.001, 52]], 1_000),
    ],
)
def test_every_place_on_a_corridors_edge_is_half_its_width_away(line: Line, width_m: float) -> None:
    places = along_the_edges(buffered("LineString", line, width_m=width_m), places=3)[::2]

    metres = np.min([metres_to_leg(places, start, end) for start, end in pairwise(line) if start != end], axis=0)

    assert metres.min() > width_m / 2 * 0.995
    assert metres.max() < width_m / 2 * 1.005


def test_a_corridor_follows_the_shortest_way_not_the_parallel() -> None:
    found = buffered("LineString", [[-5, 50], [-70, 50]], width_m=50_000)
    ((lon, lat),) = ELLIPSOID.npts(-5, 50, -70, 50, 1)

    assert lat > 54
    assert found.intersects(shapely.Point(lon, lat))
    assert not found.intersects(shapely.Point(-37.5, 50))


def test_several_lines_are_one_corridor() -> None:
    found = buffered(
        "MultiLineString", [[[4, 52], [5, 52]], [[4.5, 51.5], [4.5, 52.5]], [[9, 52], [10, 52]]], width_m=2_000
    )

    assert shapely.get_num_geometries(found) == 2
    assert found.intersects(shapely.points([4.2, 4.5, 9.5], [52, 51.7, 52])).all()


def test_a_corridor_that_comes_back_leaves_a_hole() -> None:
    found = buffered("LineString", [[4, 52], [5, 52], [5, 53], [4, 53], [4, 52]], width_m=5_000)

    assert len(found.interiors) == 1
    assert not found.intersects(shapely.Point(4.5, 52.5))


def test_a_corridor_around_the_earth_is_one_band() -> None:
    found = buffered("LineString", [[0, -60], [90, -60], [180, -60], [-90, -60], [0, -60]], width_m=200_000)

    assert found.bounds[0] == -180
    assert found.bounds[2] == 180
    assert not found.intersects(shapely.Point(0, -90))


@pytest.mark.parametrize(
    ("kind", "coordinates", "properties", "message"),
    [
        (
            "Point",
            [4, 51],
            {},
            "feature: expected radius_m, the radius of a circle in metres, as a property of a Point",
        ),
        ("Point", [4, 51], {"radius_m": "500"}, r"feature: expected radius_m in \[1, 1000000\], got '500'"),
        ("Point", [4, 51], {"radius_m": True}, r"expected radius_m in \[1, 1000000\], got True"),
        ("Point", [4, 51], {"radius_m": 0}, r"expected radius_m in \[1, 1000000\], got 0"),
        ("Point", [4, 51], {"radius_m": -5.5}, "got -5.5"),
        ("Point", [4, 51], {"radius_m": 1_000_001}, "got 1000001"),
        ("Point", [4, 51], {"radius_m": float("nan")}, "got nan"),
        ("Point", [4], {"radius_m": 5}, r"feature, point 1: expected \[longitude, latitude\], got \[4\]"),
        (
            "Point",
            [51, 151],
            {"radius_m": 5},
            r"expected latitude in \[-90, 90\], got 151.0; longitude and latitude look",
        ),
        (
            "Point",
            [10, 85],
            {"radius_m": 600_000, "name": "Ice"},
            r"feature \(Ice\): expected a circle that reaches no pole, got 600000 m around longitude 10, latitude 85",
        ),
        ("LineString", [[4, 51], [5, 51]], {"width_m": None}, "expected width_m, the width of a corridor in metres"),
        ("LineString", [[4, 51], [5, 51]], {"width_m": 0.5}, r"expected width_m in \[1, 1000000\], got 0.5"),
        (
            "LineString",
            [[4, 51]],
            {"width_m": 50},
            r"feature: expected a line with two different points, got 1 point\(s\)",
        ),
        ("LineString", [[4, 51], [4, 51]], {"width_m": 50}, r"two different points, got 2 point\(s\)"),
        ("LineString", 7, {"width_m": 50}, "feature: expected a list of positions, got a int"),
        ("MultiLineString", [], {"width_m": 50}, "feature: expected at least one line, got none"),
        ("MultiLineString", [[[4, 51], [5, 51]], []], {"width_m": 50}, "feature, line 2: expected a line with two"),
        ("LineString", [[0, 86], [180, 86]], {"width_m": 500}, "feature: expected a shape that leaves the poles out"),
        ("LineString", [[-5, 50], [-70, 40]], {"width_m": 20}, "feature: expected at most 10000 vertices, got"),
    ],
)
def test_what_is_no_circle_and_no_corridor_is_refused(
    kind: str, coordinates: Any, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidShape, match=message):
        buffered(kind, coordinates, **properties)


def test_the_limit_of_vertices_counts_those_that_a_circle_gets() -> None:
    content = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [4, 51]}, "properties": {"radius_m": 5}}

    with pytest.raises(InvalidShape, match="feature: expected at most 72 vertices, got 73"):
        parse_geojson(content, max_vertices=72)
