"""WKT in, one fence a line; shapely reads the same texts."""

import pytest
import shapely

from vesselflow.core.errors import InvalidShape
from vesselflow.core.shapes import read_shapes

SQUARE = "POLYGON ((4 51, 5 51, 5 52, 4 52, 4 51))"


@pytest.mark.parametrize(
    "text",
    [
        SQUARE,
        "polygon((4 51,5 51,5 52,4 52,4 51),(4.4 51.4,4.6 51.4,4.6 51.6,4.4 51.4))",
        "POLYGON Z ((4 51 1, 5 51 1, 5 52 1, 4 51 1))",
        "PolygonZM((4 51 1 2,5 51 1 2,5 52 1 2,4 51 1 2))",
        "POLYGON M ((4 51 1, 5 51 1, 5 52 1, 4 51 1))",
        "POLYGON  ( ( 4e0 +51. , 5 .51e2 ,5 52, 4 51 ) )",
        "MULTIPOLYGON (((4 51, 5 51, 5 52, 4 51)), ((14 51, 15 51, 15 52, 14 51), (14.8 51.2, 14.9 51.2, 14.9 51.3, 14.8 51.2)))",
        "MULTIPOLYGON (((4 51, 5 51, 5 52, 4 51)))",
    ],
)
def test_a_line_is_the_shape_that_shapely_reads(text: str) -> None:
    (shape,) = read_shapes("zones.wkt", text.encode())

    assert shapely.from_wkb(shape.wkb).equals(shapely.force_2d(shapely.from_wkt(text)))


def test_a_prefix_and_a_name_after_a_tab_are_taken() -> None:
    text = f"# exported\n\n  SRID=4326;{SQUARE}\tEuropoort \r\nsrid=4326; {SQUARE}\n"

    first, second = read_shapes("zones.wkt", text.encode("utf-8-sig"))

    assert (first.name, second.name) == ("Europoort", None)
    assert first.wkb == second.wkb == shapely.to_wkb(shapely.from_wkt(SQUARE))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "zones.wkt: expected a POLYGON or MULTIPOLYGON a line, got no line"),
        ("# nothing\n", "expected a POLYGON or MULTIPOLYGON a line, got no line"),
        (f"{SQUARE}\nid;name", r"line 2: expected WKT such as POLYGON \(\(4 51, 5 51, 5 52, 4 51\)\), got 'id;name'$"),
        (f"{SQUARE} junk", "line 1: expected WKT such as"),
        (f"{SQUARE}\tA\nPOINT (4 51)\tBuoy", r"line 2 \(Buoy\): expected a POLYGON or MULTIPOLYGON, got POINT"),
        (
            "CURVEPOLYGON (CIRCULARSTRING (0 0, 1 1, 2 0, 1 -1, 0 0))",
            "line 1: expected a POLYGON or MULTIPOLYGON, got CURVEP",
        ),
        ("((4 51, 5 51))", r"line 1: expected a POLYGON or MULTIPOLYGON, got '\(\(4 51, 5 51\)\)'"),
        (f"SRID=28992;{SQUARE}", r"line 1: expected coordinates in WGS 84 \(SRID 4326\), got SRID 28992"),
        ("POLYGON EMPTY", "line 1: expected at least one ring, got an empty shape"),
        ("MULTIPOLYGON (EMPTY)", "line 1: expected rings as lists of positions, got something else"),
        ("POLYGON ((4 51, 5 51)", "line 1: expected brackets that match and commas between positions"),
        ("POLYGON ((4 51, 5 51 5 52 4 51))", r"ring 1: expected at least 4 points, got 2"),
        ("POLYGON (4 51, 5 51, 5 52, 4 51)", r"ring 1, point 1: expected \[longitude, latitude\], got 4.0"),
        ("POLYGON ((4 51, 5 y, 5 52, 4 51))", r"ring 1, point 2: expected \[longitude, latitude\], got \[5.0, 'y'\]"),
        ("POLYGON ((4 51, 5 51, 5 52, 4 52))", r"ring 1: expected the last point to repeat the first, \[4.0, 51.0\]"),
        (
            "POLYGON ((4 51, 5 51, nan 52, 4 51))",
            r"ring 1, point 3: expected \[longitude, latitude\], got \[None, 52.0\]",
        ),
        ("POLYGON " + "(" * 5000 + ")" * 5000, "line 1: expected brackets that match"),
    ],
)
def test_a_line_that_is_no_fence_is_refused_with_what_and_where(text: str, message: str) -> None:
    with pytest.raises(InvalidShape, match=message):
        read_shapes("zones.wkt", text.encode())


def test_what_is_no_text_at_all_is_refused() -> None:
    with pytest.raises(InvalidShape, match=r"zones.shp: expected GeoJSON, KML, KMZ or WKT, got something else"):
        read_shapes("zones.shp", b"\x00\x00\x27\x0a\xff")
