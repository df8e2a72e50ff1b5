"""What Tile38 and Traccar expect of a fence, asked of the plain policy. Source: tests/data/peers/README.md."""

import json
from typing import Any

import numpy as np
import pytest
import shapely

from tests.core.tracks import DATA, Fix, run
from vesselflow.core.geodesy import destination_point
from vesselflow.core.geofence import FenceHistory, GeofencePolicy, detect, new_states
from vesselflow.core.model import FenceVersion

TILE38 = json.loads((DATA / "peers" / "tile38_fence_cases.json").read_text(encoding="utf-8"))["cases"]
TRACCAR = json.loads((DATA / "peers" / "traccar_geofence_cases.json").read_text(encoding="utf-8"))["cases"]

#: What is expected there and not asked here, and why.
NOT_APPLICABLE = {
    "tile38: cross": "a visit between two fixes outside is no event of the plain policy, which judges no segments",
    "tile38: inside, outside": "levels told at every fix; the plain policy tells changes only",
    "tile38: detect inside,outside in bounds": "asks for levels alone; its enter and exit are asked here all the same",
    "tile38: message order over overlapping fences": (
        "there the first position was set before the fences existed and still counts as inside of them; here fences "
        "judge positions received while they are in force, so the fences come first and A and B are entered"
    ),
    "traccar: segment_hits, segment_misses": "the plain policy judges no segments",
}


def events(shapes: dict[str, shapely.Geometry], places: list[tuple[float, float]]) -> list[str]:
    """Return ``entered:A`` and the like for a vessel at each (lon, lat) in turn."""
    history = FenceHistory(
        FenceVersion(id=id, client_id="peer", name=id, wkb=shapely.to_wkb(shape), from_ms=0)
        for id, shape in shapes.items()
    )
    fixes = [Fix(at_ms=number, lon_deg=lon, lat_deg=lat) for number, (lon, lat) in enumerate(places)]
    found = run(detect, new_states(8), fixes, GeofencePolicy(fences=history))
    return [f"{event.kind.removeprefix('geofence.')}:{event.geofence_id}" for event in found]


def circle(lat: float, lon: float, radius_m: float) -> shapely.Geometry:
    bearings = np.linspace(0, 360, 128, endpoint=False)
    points = destination_point(lon_deg=lon, lat_deg=lat, bearing_deg=bearings, distance_m=radius_m)
    return shapely.Polygon(np.column_stack(points))


def tile38_shapes(case: dict[str, Any]) -> dict[str, shapely.Geometry]:
    if "fences" in case:
        return {id: shapely.from_geojson(json.dumps(shape)) for id, shape in case["fences"].items()}
    if "circle" in case["fence"]:
        return {"A": circle(**case["fence"]["circle"])}
    bounds = case["fence"]["bounds"]
    return {"A": shapely.box(bounds["minlon"], bounds["minlat"], bounds["maxlon"], bounds["maxlat"])}


@pytest.mark.parametrize("case", TILE38, ids=lambda case: case["name"])
def test_enter_and_exit_are_tile38s(case: dict[str, Any]) -> None:
    kinds = {"enter": "entered", "exit": "exited"}
    # `cross`, `inside` and `outside` are not applicable, see above.
    expected = [each.partition(":") for each in case["expected"] if each.partition(":")[0] in kinds]
    wanted = [f"{kinds[kind]}:{id or 'A'}" for kind, _, id in expected]
    if "enter" not in case["detect"]:
        wanted = ["entered:A", "exited:A"]
    if "fences" in case:
        wanted = ["entered:A", "entered:B", *wanted]

    found = events(tile38_shapes(case), [(position["lon"], position["lat"]) for position in case["positions"]])

    assert found == wanted


def traccar_shape(case: dict[str, Any]) -> shapely.Geometry:
    """Return the case's shape; longitudes beyond 180 are cut off there and continue on the other side."""
    if "circle" in case:
        return circle(**case["circle"])
    ring = np.array(case["polygon_latlon"])[:, ::-1]
    ring[:, 0] = np.rad2deg(np.unwrap(np.deg2rad(ring[:, 0])))
    shape = shapely.Polygon(ring)
    west = shapely.intersection(shape, shapely.box(-180, -90, 180, 90))
    east = shapely.intersection(shape, shapely.box(180, -90, 540, 90))
    beyond = shapely.transform(east, lambda points: points - [360, 0])
    return shapely.MultiPolygon([*polygons(west), *polygons(beyond)])


def polygons(shape: shapely.Geometry) -> list[shapely.Geometry]:
    return [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]


def wrapped(lat: float, lon: float) -> tuple[float, float]:
    return (lon + 180) % 360 - 180, lat


@pytest.mark.parametrize(
    "case", TRACCAR, ids=lambda case: case.get("name", "circle" if "circle" in case else "polygon")
)
def test_inside_and_outside_are_traccars(case: dict[str, Any]) -> None:
    shapes = {"A": traccar_shape(case)}

    assert [events(shapes, [wrapped(*place)]) for place in case["inside"]] == [["entered:A"]] * len(case["inside"])
    assert [events(shapes, [wrapped(*place)]) for place in case["outside"]] == [[]] * len(case["outside"])


def test_everything_a_case_expects_is_asked_or_said_not_to_apply() -> None:
    keys = {key for case in TRACCAR for key in case} - {"name", "polygon_latlon", "circle", "inside", "outside"}
    kinds = {each.partition(":")[0] for case in TILE38 for each in case["expected"]} - {"enter", "exit"}

    assert keys == {"segment_hits", "segment_misses"}
    assert kinds == {"cross", "inside", "outside"}
    said = " ".join(NOT_APPLICABLE)
    assert all(word in said for word in keys | kinds)
