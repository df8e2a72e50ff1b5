"""Distances against pyproj, which computes on the ellipsoid."""

import numpy as np
import pytest
from pyproj import Geod

from vesselflow.core.geodesy import (
    EARTH_RADIUS_M,
    Place,
    bearing_deg,
    destination_point,
    metres_apart,
    metres_between,
)

ELLIPSOID = Geod(ellps="WGS84")
SPHERE = Geod(a=EARTH_RADIUS_M, b=EARTH_RADIUS_M)
ROTTERDAM, SINGAPORE = Place(4.14, 51.95), Place(103.85, 1.26)
FIJI_WEST, FIJI_EAST = Place(179.9, -17.0), Place(-179.9, -17.0)
PAIRS = [(ROTTERDAM, SINGAPORE), (FIJI_WEST, FIJI_EAST), (Place(0, 89), Place(180, 89)), (Place(0, 0), Place(180, 0))]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_a_distance_is_within_0_6_percent_of_the_ellipsoids(a: Place, b: Place) -> None:
    metres = ELLIPSOID.inv(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg)[2]

    assert metres_apart(a, b) == pytest.approx(metres, rel=0.006)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_arrays_give_what_single_places_give(a: Place, b: Place) -> None:
    found = metres_between(
        from_lon_deg=np.array([a.lon_deg]), from_lat_deg=a.lat_deg, to_lon_deg=b.lon_deg, to_lat_deg=b.lat_deg
    )

    assert found.tolist() == pytest.approx([metres_apart(a, b)])


def test_a_place_is_no_distance_from_itself() -> None:
    assert metres_apart(ROTTERDAM, ROTTERDAM) == 0


@pytest.mark.parametrize(("to", "course"), [((0, 1), 0), ((1, 0), 90), ((0, -1), 180), ((-1, 0), 270), ((0, 0), 0)])
def test_courses_go_clockwise_from_north(to: tuple[float, float], course: float) -> None:
    found = bearing_deg(from_lon_deg=0.0, from_lat_deg=0.0, to_lon_deg=to[0], to_lat_deg=to[1])

    assert found == pytest.approx(course)


def test_a_course_and_a_distance_lead_where_pyproj_says() -> None:
    random = np.random.default_rng(3)
    lon, lat = random.uniform(-180, 180, 500), random.uniform(-85, 85, 500)
    course, metres = random.uniform(0, 360, 500), random.uniform(0, 5e6, 500)

    reached_lon, reached_lat = destination_point(lon_deg=lon, lat_deg=lat, bearing_deg=course, distance_m=metres)

    expected_lon, expected_lat, _ = SPHERE.fwd(lon, lat, course, metres)
    assert np.allclose(reached_lat, expected_lat, atol=1e-9)
    assert np.allclose((reached_lon - expected_lon + 180) % 360, 180, atol=1e-9)
    assert ((reached_lon >= -180) & (reached_lon < 180)).all()


def test_there_and_back_is_the_same_distance_and_the_course_set() -> None:
    lon, lat = destination_point(lon_deg=179.9, lat_deg=60.0, bearing_deg=80.0, distance_m=50_000.0)

    back = metres_between(from_lon_deg=179.9, from_lat_deg=60.0, to_lon_deg=lon, to_lat_deg=lat)
    course = bearing_deg(from_lon_deg=179.9, from_lat_deg=60.0, to_lon_deg=lon, to_lat_deg=lat)

    assert back == pytest.approx(50_000)
    assert course == pytest.approx(80)
    assert lon < 0
