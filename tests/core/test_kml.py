"""KML and KMZ in, fences or a clear refusal out; nothing expands, nothing is fetched."""

import io
import zipfile
from typing import Any

import pytest
import shapely

from vesselflow.core.errors import InvalidShape
from vesselflow.core.kml import MAX_KML_BYTES, MAX_KML_TAGS
from vesselflow.core.shapes import FenceShape, parse_geojson, read_shapes

RING = "4,51,0 5,51,0 5,52,0 4,52,0 4,51,0"
HOLE = "4.4,51.4 4.6,51.4 4.6,51.6 4.4,51.6 4.4,51.4"
EXTENDED = '<ExtendedData><Data name="{}"><value>{}</value></Data></ExtendedData>'


def polygon(outer: str, *holes: str) -> str:
    inner = "".join(f"<innerBoundaryIs><LinearRing>{place(hole)}</LinearRing></innerBoundaryIs>" for hole in holes)
    return f"<Polygon><outerBoundaryIs><LinearRing>{place(outer)}</LinearRing></outerBoundaryIs>{inner}</Polygon>"


def place(coordinates: str) -> str:
    return f"<coordinates>\n\t{coordinates}\n</coordinates>"


def document(*placemarks: str, namespace: str = "http://www.opengis.net/kml/2.2") -> bytes:
    body = "".join(f"<Placemark>{each}</Placemark>" for each in placemarks)
    google = 'xmlns:gx="http://www.google.com/kml/ext/2.2"'
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="{namespace}" {google}><Document>{body}</Document></kml>'
    )
    return text.encode()


def kmz(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return packed.getvalue()


def read(content: bytes) -> list[FenceShape]:
    return read_shapes("zones.kml", content)


def geometry(shape: FenceShape) -> Any:
    return shapely.from_wkb(shape.wkb)


@pytest.mark.parametrize("namespace", ["http://www.opengis.net/kml/2.2", "http://earth.google.com/kml/2.1", ""])
def test_a_placemark_with_a_polygon_and_a_hole_is_a_fence(namespace: str) -> None:
    (shape,) = read(document(f"<name> Europoort </name>{polygon(RING, HOLE)}", namespace=namespace))

    outer, hole = [(4, 51), (5, 51), (5, 52), (4, 52)], [(4.4, 51.4), (4.6, 51.4), (4.6, 51.6), (4.4, 51.6)]
    assert geometry(shape).equals(shapely.Polygon(outer, [hole]))
    assert (shape.id, shape.name) == (None, "Europoort")


def test_placemarks_of_any_folder_are_read_in_order_with_ids_and_properties() -> None:
    first = f'<Placemark id="a"><description>Deep water</description>{EXTENDED.format("depth", "24")}{polygon(RING)}</Placemark>'
    data = (
        '<ExtendedData><SchemaData schemaUrl="#s"><SimpleData name="depth">12</SimpleData></SchemaData></ExtendedData>'
    )
    second = f'<Folder><Folder><Placemark id="b">{data}{polygon(RING)}</Placemark></Folder></Folder>'

    a, b = read(f"<kml><Document>{first}{second}</Document></kml>".encode())

    assert (a.id, a.properties) == ("a", {"depth": "24", "description": "Deep water"})
    assert (b.id, b.properties) == ("b", {"depth": "12"})


def test_a_multigeometry_is_one_fence_and_the_point_of_its_label_is_none() -> None:
    far = "14,51 15,51 15,52 14,51"
    label = f"<Point>{place('4.5,51.5')}</Point>"

    (shape,) = read(
        document(f"<MultiGeometry>{label}{polygon(RING)}<MultiGeometry>{polygon(far)}</MultiGeometry></MultiGeometry>")
    )

    assert geometry(shape).area == pytest.approx(1.5)


def test_a_point_with_a_radius_and_a_line_with_a_width_are_what_they_are_in_geojson() -> None:
    point = EXTENDED.format("radius_m", " 500 ") + f"<Point>{place('4,51,12')}</Point>"
    line = EXTENDED.format("width_m", "2e3") + f"<LineString>{place('4,51 5,52')}</LineString>"
    circle_there = {"type": "Point", "coordinates": [4, 51]}
    corridor_there = {"type": "LineString", "coordinates": [[4, 51], [5, 52]]}

    circle, corridor = read(document(point, line))

    (expected,) = parse_geojson({"type": "Feature", "geometry": circle_there, "properties": {"radius_m": 500}})
    assert circle.wkb == expected.wkb
    (expected,) = parse_geojson({"type": "Feature", "geometry": corridor_there, "properties": {"width_m": 2000}})
    assert corridor.wkb == expected.wkb


def test_googles_extensions_are_passed_over() -> None:
    ring = polygon(RING).replace("<Polygon>", "<Polygon><gx:altitudeMode>clampToSeaFloor</gx:altitudeMode>")

    (shape,) = read(document(f"{ring}<gx:Track><gx:coord>4 51 0</gx:coord></gx:Track>"))

    assert geometry(shape).area == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_fault(encoding: str) -> None:
    text = (
        document(f"<name>Ærøskøbing</name>{polygon(RING)}").decode().replace("UTF-8", encoding[:6].upper().rstrip("-"))
    )

    (shape,) = read(text.encode(encoding))

    assert shape.name == "Ærøskøbing"


def test_a_kmz_is_read_from_doc_kml_else_from_the_first_kml() -> None:
    here, there = document(f"<name>here</name>{polygon(RING)}"), document(f"<name>there</name>{polygon(RING)}")

    assert [shape.name for shape in read(kmz(a_kml=there, doc_kml=here, icon_png=b"\0"))] == ["here"]
    assert [shape.name for shape in read(kmz(icon_png=b"\0", a_KML=there, b_kml=here))] == ["there"]


BOMB = "".join(f'<!ENTITY e{level + 1} "{f"&e{level};" * 10}">' for level in range(9))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<kml>", "zones.kml: expected KML, got no XML: no element found"),
        (b"<kml>&name;</kml>", "expected KML, got no XML: undefined entity"),
        (b'<?xml version="1.0" encoding="klingon"?><kml/>', "expected KML, got no XML: unknown encoding: klingon"),
        (b"<gpx></gpx>", "expected KML, got XML that begins with <gpx>"),
        (b"<kml></kml>", "expected at least one Placemark, got KML without any"),
        (
            f"<!DOCTYPE kml [{BOMB}]><kml>&e9;</kml>".encode(),
            "expected KML without a document type, got <!DOCTYPE kml>",
        ),
        (b'<!DOCTYPE kml SYSTEM "file:///etc/passwd"><kml/>', "expected KML without a document type"),
        (
            document(polygon(RING), "<name>Pier</name>"),
            r"placemark 2 \(Pier\): expected polygons, lines or one point, got 0 polygons, 0 lines and 0 points",
        ),
        (
            document(polygon(RING) + f"<LineString>{place('4,51 5,52')}</LineString>"),
            "placemark 1: expected polygons, lines or one point, got 1 polygons, 1 lines and 0 points",
        ),
        (
            document(f"<Point>{place('4,51')}</Point>"),
            "placemark 1: expected radius_m, the radius of a circle in metres",
        ),
        (
            document(EXTENDED.format("radius_m", "wide") + f"<Point>{place('4,51')}</Point>"),
            r"placemark 1: expected radius_m in \[1, 1000000\], got 'wide'",
        ),
        (
            document(polygon("4,51 5,51 5,x 4,51")),
            r"placemark 1, ring 1, point 3: expected \[longitude, latitude\], got \[5.0, 'x'\]",
        ),
        (document(polygon("4, 51 5, 51")), r"ring 1, point 1: expected \[longitude, latitude\], got \[4.0, ''\]"),
        (document(polygon("")), "placemark 1, ring 1: expected at least 4 points, got 0"),
        (document("<Polygon/>"), "placemark 1: expected at least one ring, got an empty shape"),
        (document(f"<Point>{place('')}</Point>{EXTENDED.format('radius_m', 5)}"), "placemark 1, point 1: expected"),
        (kmz(roads_shp=b"", roads_dbf=b""), "expected a .kml in the archive, got roads.shp, roads.dbf"),
        (kmz(), "expected a .kml in the archive, got nothing"),
        (
            kmz(doc_kml=document(polygon(RING)))[:-30],
            "expected a KMZ archive, got one that cannot be unpacked: File is not",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_and_where(content: bytes, message: str) -> None:
    with pytest.raises(InvalidShape, match=message):
        read(content)


def test_a_small_archive_that_unpacks_to_too_much_is_refused() -> None:
    packed = kmz(doc_kml=b" " * (MAX_KML_BYTES + 1))

    assert len(packed) < 100_000
    with pytest.raises(
        InvalidShape, match=r"expected at most 67108864 bytes of KML in the archive, got more in doc\.kml"
    ):
        read(packed)


def test_more_tags_than_memory_can_hold_are_refused_unread() -> None:
    with pytest.raises(InvalidShape, match="expected at most 8000000 tags of KML, got 8000001"):
        read(b"<a/>" * (MAX_KML_TAGS + 1))


def test_an_encrypted_archive_is_refused() -> None:
    packed = bytearray(kmz(doc_kml=document(polygon(RING))))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        packed[packed.index(signature) + offset] |= 1

    with pytest.raises(InvalidShape, match=r"got one that cannot be unpacked: .*encrypted"):
        read(bytes(packed))
