"""What is read many at a time is what is read one by one."""

from typing import Any

import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.core.tracks import DATA
from vesselflow.core.errors import InvalidShape
from vesselflow.core.geojson import Feature, geojson_features
from vesselflow.core.geometries import shape_of
from vesselflow.core.plain_shapes import plain_wkbs
from vesselflow.core.rings import Repairs

numbers = st.sampled_from([0, 1, 2.5, 3, 90.0, 91, 179.5, 180, -180, 181, -0.5, float("nan"), 10**400, True, None, "4"])
places = st.lists(numbers, max_size=3) | st.tuples(st.integers(0, 4), st.integers(0, 4)).map(list)
rings = st.lists(places, max_size=6).map(lambda ring: [*ring, *ring[:1]]) | st.none()
polygons = st.lists(rings, max_size=3) | st.just("ring")
geometries = st.one_of(
    st.builds(lambda each: {"type": "Polygon", "coordinates": each}, polygons),
    st.builds(lambda each: {"type": "MultiPolygon", "coordinates": each}, st.lists(polygons, max_size=3) | st.none()),
    st.none(),
)


def one_by_one(geometry: Any) -> bytes | None:
    repairs = Repairs(wanted=False)
    try:
        wkb: bytes = shapely.to_wkb(shape_of(Feature("it", {"geometry": geometry}), repairs, max_vertices=16))
    except InvalidShape:
        return None
    return wkb


@given(st.lists(geometries, max_size=5))
def test_any_plain_shape_has_the_bytes_that_it_has_alone(given_geometries: list[Any]) -> None:
    for geometry, wkb in zip(given_geometries, plain_wkbs(given_geometries, max_vertices=16), strict=True):
        assert wkb in (None, one_by_one(geometry))


@given(st.lists(st.tuples(st.integers(-170, 170), st.integers(-80, 80), st.integers(1, 3)), min_size=1, max_size=5))
def test_polygons_and_multipolygons_with_holes_are_plain(squares: list[tuple[int, int, int]]) -> None:
    content = []
    for west, south, count in squares:
        parts = [
            [ring(west + 3 * number, south, 2), ring(west + 3 * number + 0.5, south + 0.5, 1)]
            for number in range(count)
        ]
        single = {"type": "Polygon", "coordinates": parts[0]}
        content.append({"type": "MultiPolygon", "coordinates": parts} if count > 1 else single)

    assert plain_wkbs(content, max_vertices=30) == [one_by_one_of_30(each) for each in content]


def ring(west: float, south: float, size: float) -> list[list[float]]:
    return [
        [west, south],
        [west + size, south],
        [west + size, south + size],
        [west, south + size],
        [west, south],
    ]


def one_by_one_of_30(geometry: Any) -> bytes:
    shape = shape_of(Feature("it", {"geometry": geometry}), Repairs(wanted=False), max_vertices=30)
    wkb: bytes = shapely.to_wkb(shape)
    return wkb


def test_real_zones_are_plain() -> None:
    features = geojson_features((DATA / "amsa" / "zones.geojson").read_bytes())

    found = plain_wkbs([feature.geometry for feature in features], max_vertices=10_000)

    assert found == [
        shapely.to_wkb(shape_of(feature, Repairs(wanted=False), max_vertices=10_000)) for feature in features
    ]
