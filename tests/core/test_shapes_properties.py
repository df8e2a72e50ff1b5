"""What holds for any shape: no other error, the same places inside wherever on Earth, whatever the form."""

import io
import json
import zipfile
from contextlib import suppress
from typing import Any

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from vesselflow.core.errors import InvalidShape
from vesselflow.core.model import FloatArray
from vesselflow.core.shapes import parse_geojson, read_shapes

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=5), each, max_size=3)
)
TYPES = st.sampled_from(
    [
        "FeatureCollection",
        "Feature",
        "Polygon",
        "MultiPolygon",
        "GeometryCollection",
        "Point",
        "LineString",
        "MultiLineString",
    ]
)
DEGREES = st.integers(-3, 3) | st.floats(-400, 400) | SCALARS
PLACES = st.lists(DEGREES, min_size=2, max_size=3) | ANYTHING
NESTED = st.recursive(PLACES, lambda each: st.lists(each, max_size=6), max_leaves=20)
PROPERTIES = st.fixed_dictionaries({}, optional={"radius_m": SCALARS, "width_m": st.just(1000), "name": ANYTHING})


def like_geojson(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"type": TYPES},
        optional={
            "coordinates": NESTED,
            "geometry": children,
            "geometries": st.lists(children, max_size=3),
            "features": st.lists(children, max_size=3),
            "properties": PROPERTIES | ANYTHING,
            "crs": ANYTHING,
            "id": ANYTHING,
        },
    )


DOCUMENTS = st.recursive(like_geojson(st.none()), like_geojson, max_leaves=5) | ANYTHING


@given(DOCUMENTS, st.booleans())
def test_anything_like_json_is_a_shape_or_refused(document: Any, repair: bool) -> None:
    try:
        shapes = parse_geojson(document, repair=repair)
    except InvalidShape:
        return
    for shape in shapes:
        found = shapely.from_wkb(shape.wkb)
        assert found.is_valid
        assert found.geom_type in ("Polygon", "MultiPolygon")
        assert found.bounds[0] >= -180
        assert found.bounds[2] <= 180


KML = (
    b'<kml><Placemark id="a"><ExtendedData><Data name="radius_m"><value>5</value></Data></ExtendedData><Point><coordinates>'
    b"4,51,0</coordinates></Point></Placemark><Placemark><Polygon><outerBoundaryIs><LinearRing><coordinates>4,51 5,51 5,52 "
    b"4,51</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></kml>"
)


def kmz() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", KML)
    return packed.getvalue()


FILES = [
    KML,
    kmz(),
    b"SRID=4326;POLYGON Z((4 51 1, 5 51 1,5 52 1,4 51 1))\tname\nMULTIPOLYGON(((4 51, 5 51,5 52 ,4 51)))",
    b'{"type":"MultiPolygon","coordinates":[[[[170,0],[-170,0],[-170,10],[170,0]]],[[[1,1],[2,1],[2,2],[1,1]]]]}',
]
EDITS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 8), st.binary(max_size=6)), min_size=1, max_size=4)


@given(st.sampled_from(FILES), EDITS)
def test_any_damaged_file_is_read_or_refused(content: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    damaged = bytearray(content)
    for place, length, replacement in edits:
        start = place % len(damaged)
        damaged[start : start + length] = replacement or b"0"

    with suppress(InvalidShape):
        read_shapes("damaged", bytes(damaged))


@st.composite
def stars(draw: st.DrawFn) -> FloatArray:
    """Draw a closed ring around 0, 0 that reaches at most 60 degrees far, with straight edges and often dents."""
    count = draw(st.integers(3, 12))
    reach = np.array(draw(st.lists(st.floats(5, 60), min_size=count, max_size=count)))
    angle = 2 * np.pi * np.arange(count) / count
    points = np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
    return np.concatenate([points, points[:1]])


def wrapped(lon_deg: FloatArray) -> FloatArray:
    result: FloatArray = (lon_deg + 180) % 360 - 180
    return result


@given(stars(), st.floats(-300, 300), st.sampled_from(["shifted", "wrapped", "wrapped by halves"]))
def test_a_shifted_polygon_contains_the_same_shifted_points(ring: FloatArray, shift: float, form: str) -> None:
    star = shapely.Polygon(ring)
    places = np.random.default_rng(1).uniform(-65, 65, (200, 2))
    places = places[shapely.distance(star.exterior, shapely.points(places)) > 1e-6]
    moved = ring + np.array([shift, 0.0])
    if form != "shifted":
        moved[:, 0] = wrapped(moved[:, 0])
    if form == "wrapped by halves":
        moved[::2, 0] += np.where(moved[::2, 0] < 0, 360, 0)
        moved[-1] = moved[0]

    (shape,) = parse_geojson(json.dumps({"type": "Polygon", "coordinates": [moved.tolist()]}))

    stored = shapely.from_wkb(shape.wkb)
    expected = shapely.intersects_xy(star, *places.T)
    assert (shapely.intersects_xy(stored, wrapped(places[:, 0] + shift), places[:, 1]) == expected).all()
    assert abs(stored.area - star.area) < 1e-6


@given(stars())
def test_a_whole_turn_changes_nothing(ring: FloatArray) -> None:
    west, east = (
        shapely.from_wkb(
            parse_geojson({"type": "Polygon", "coordinates": [(ring + np.array([turn, 0])).tolist()]})[0].wkb
        )
        for turn in (-180.0, 180.0)
    )

    assert shapely.symmetric_difference(west, east).area < 1e-6
