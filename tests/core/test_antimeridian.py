"""Rings across longitude 180: the cut form, the 190 degrees form, the jumping form, and poles."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from tests.core.tracks import DATA
from vesselflow.core.errors import InvalidShape
from vesselflow.core.shapes import parse_geojson

CASES = DATA / "antimeridian"
WEST = [(170.0, 40.0), (180.0, 40.0), (180.0, 50.0), (170.0, 50.0), (170.0, 40.0)]
EAST = [(-180.0, 40.0), (-170.0, 40.0), (-170.0, 50.0), (-180.0, 50.0), (-180.0, 40.0)]
CUT = shapely.MultiPolygon([(WEST, ()), (EAST, ())])


def shape_of(content: Any, *, repair: bool = False) -> Any:
    (shape,) = parse_geojson(content, repair=repair)
    return shapely.from_wkb(shape.wkb)


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in ring] for ring in rings]}


def box(west: float, south: float, east: float, north: float) -> list[tuple[float, float]]:
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


@pytest.mark.parametrize("path", sorted((CASES / "output").iterdir()), ids=lambda path: path.stem)
def test_a_ring_is_cut_as_another_library_cuts_it(path: Path) -> None:
    given = json.loads((CASES / "input" / path.name).read_bytes())
    expected = shapely.from_geojson(path.read_bytes())

    found = shape_of(given, repair=path.stem == "issues-187")  # its ring is not closed

    # Theirs are rounded to 7 decimals.
    assert shapely.symmetric_difference(found, expected).area < 1e-6
    assert shapely.get_num_geometries(found) == shapely.get_num_geometries(expected)


@pytest.mark.parametrize(
    "name",
    "extra-crossing force-north-pole issues-124 issues-164 issues-171 north-pole overlap south-pole".split(),  # noqa: SIM905
)
def test_a_ring_around_a_pole_is_refused(name: str) -> None:
    with pytest.raises(
        InvalidShape, match="ring 1: expected a shape that leaves the poles out, got one around the Earth"
    ):
        shape_of((CASES / "input" / f"{name}.json").read_bytes())


@pytest.mark.parametrize(
    "ring",
    [
        box(170, 40, 190, 50),
        box(-190, 40, -170, 50),
        box(170, 40, -170, 50),
        [(170, 40), (180, 40), (-180, 40), (-170, 40), (-170, 50), (-180, 50), (180, 50), (170, 50), (170, 40)],
        [(-170, 50), (170, 50), (170, 40), (190, 40), (-170, 50)],
    ],
    ids=["190 degrees", "-190 degrees", "jump", "jump from 180 to -180", "both ways in one ring"],
)
def test_every_form_of_a_ring_across_180_is_stored_cut(ring: Any) -> None:
    assert shape_of(polygon(ring)).equals(CUT)


def test_what_is_cut_already_is_kept_as_it_is() -> None:
    content = {"type": "MultiPolygon", "coordinates": [[WEST], [EAST]]}

    assert shape_of(json.dumps(content)).equals_exact(CUT, 0)


def test_parts_that_meet_at_180_in_the_190_degrees_form_are_kept_apart() -> None:
    content = {"type": "MultiPolygon", "coordinates": [[WEST], [box(180, 40, 190, 50)]]}

    assert shape_of(json.dumps(content)).equals(CUT)


@pytest.mark.parametrize(("west", "stored"), [(185.0, -175.0), (-350.0, 10.0), (180.0, -180.0), (-190.0, 170.0)])
def test_a_ring_beyond_180_that_crosses_nothing_is_moved(west: float, stored: float) -> None:
    assert shape_of(polygon(box(west, 0, west + 10, 5))).equals(shapely.box(stored, 0, stored + 10, 5))


def test_the_shorter_way_round_counts_and_exactly_half_the_earth_is_taken_as_drawn() -> None:
    assert shape_of(polygon(box(-90, 0, 90, 5))).equals(shapely.box(-90, 0, 90, 5))
    assert shape_of(polygon(box(-91, 0, 91, 5))).area == pytest.approx(178 * 5)


def test_an_edge_crosses_180_where_a_straight_line_does() -> None:
    found = shape_of(polygon([(170, 40), (190, 50), (190, 60), (170, 50), (170, 40)]))

    assert {(180.0, 45.0), (180.0, 55.0), (-180.0, 45.0)} <= set(map(tuple, shapely.get_coordinates(found).tolist()))


@pytest.mark.parametrize("hole", [box(175, 44, 185, 46), box(175, 44, -175, 46), box(-185, 44, -175, 46)])
def test_a_hole_is_found_whatever_form_it_has(hole: Any) -> None:
    found = shape_of(polygon(box(170, 40, 190, 50), hole))

    assert found.area == pytest.approx(200 - 20)
    assert not found.intersects(shapely.points([178, -178], [45, 45])).any()


def test_a_hole_on_one_side_may_be_written_as_minus_170() -> None:
    found = shape_of(polygon(box(170, 40, 190, 50), box(-179, 44, -175, 46)))

    assert found.area == pytest.approx(200 - 8)
    assert not found.intersects(shapely.Point(-177, 45))


def test_a_hair_beyond_180_is_180() -> None:
    assert shape_of(polygon(box(170, 40, 180.00000000000003, 50))).equals_exact(shapely.Polygon(WEST), 0)


@pytest.mark.parametrize("number", range(6))
def test_seas_and_land_that_are_cut_at_180_stay_what_they_are(number: int) -> None:
    content = json.loads((DATA / "natural-earth" / "around-180.geojson").read_bytes())["features"][number]
    given = shapely.from_geojson(json.dumps(content["geometry"]))

    found = shape_of(content)

    assert np.abs(shapely.get_coordinates(found)[:, 0]).max() == pytest.approx(180, abs=0.001)
    # Antarctica has 180.00000000000014.
    assert found.equals_exact(given, 1e-9)


def test_a_band_around_the_earth_is_kept() -> None:
    assert shape_of(polygon(box(-180, 40, 180, 50))).equals(shapely.box(-180, 40, 180, 50))


def test_a_ring_around_a_pole_is_refused_even_with_points_on_180() -> None:
    ring = [(45, 40), (135, 42), (180, 44), (-180, 44), (-135, 41), (-45, 43), (45, 40)]

    with pytest.raises(InvalidShape, match="leaves the poles out"):
        shape_of(polygon(ring))


def test_parts_that_overlap_only_after_the_cut_are_refused() -> None:
    content = {"type": "MultiPolygon", "coordinates": [[box(170, 0, 190, 10)], [box(-175, 2, -165, 8)]]}

    with pytest.raises(
        InvalidShape, match=r"shape: expected a valid shape, got self-intersection at .* -17[05] [28]; --repair"
    ):
        shape_of(json.dumps(content))
