"""KML and KMZ -> features like those of GeoJSON: one for each Placemark, wherever it stands.

``ExtendedData`` (``Data`` and ``SimpleData``) becomes properties; ``radius_m`` makes a circle of a Point,
``width_m`` a corridor of a LineString. Google's extensions (``gx:``), styles and links are passed over.

Source: OGC 12-007r2, "KML 2.3" (2015), sections 9.11, 10 and 16.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from typing import Any, Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from vesselflow.core.errors import InvalidShape
from vesselflow.core.geojson import Feature
from vesselflow.core.rings import number_or_text

#: A KMZ of a few kilobytes can hold gigabytes of blanks.
MAX_KML_BYTES: Final = 64 * 1024 * 1024
#: An element takes about 100 bytes of memory, even an empty one.
MAX_KML_TAGS: Final = 8_000_000

_GOOGLE: Final = "http://www.google.com/kml/ext/2.2"
_LENGTHS: Final = ("radius_m", "width_m")
#: What `zipfile` raises for archives that are cut off, changed, encrypted or packed in an unknown way.
_BAD_ARCHIVE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


def kmz_features(archive: bytes) -> list[Feature]:
    """Return the features of ``doc.kml`` in a KMZ, else of its first ``.kml``.

    Raises:
        InvalidShape: not such an archive, or one that unpacks to more than `MAX_KML_BYTES`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            name = _document(files.namelist())
            with files.open(name) as document:
                content = document.read(MAX_KML_BYTES + 1)
    except _BAD_ARCHIVE as error:
        raise InvalidShape(f"expected a KMZ archive, got one that cannot be unpacked: {error}") from error
    if len(content) > MAX_KML_BYTES:
        raise InvalidShape(f"expected at most {MAX_KML_BYTES} bytes of KML in the archive, got more in {name}")
    return kml_features(content)


def kml_features(content: bytes) -> list[Feature]:
    """Return a feature for each Placemark, in the order of the document.

    Raises:
        InvalidShape: no KML, one with a document type (it could define entities), or one without Placemarks.
    """
    tags = content.count(b"<")
    if tags > MAX_KML_TAGS:
        raise InvalidShape(f"expected at most {MAX_KML_TAGS} tags of KML, got {tags}")
    placemarks = _root(content).iter("Placemark")
    features = [_feature(placemark, f"placemark {number}") for number, placemark in enumerate(placemarks, start=1)]
    if not features:
        raise InvalidShape("expected at least one Placemark, got KML without any")
    return features


def _document(names: list[str]) -> str:
    documents = [name for name in names if name.lower().endswith(".kml")]
    if not documents:
        raise InvalidShape(f"expected a .kml in the archive, got {', '.join(names[:5]) or 'nothing'}")
    return "doc.kml" if "doc.kml" in documents else documents[0]


class _Builder(ElementTree.TreeBuilder):
    """Refuses a document type before a single one of its entities is declared; nothing else can expand or fetch."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise InvalidShape(f"expected KML without a document type, got <!DOCTYPE {name}>")


def _root(content: bytes) -> Element:
    parser = ElementTree.XMLParser(target=_Builder())
    try:
        parser.feed(content)
        root: Element = parser.close()
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise InvalidShape(f"expected KML, got no XML: {error}") from error
    for element in root.iter():
        namespace, _, name = element.tag.rpartition("}")
        element.tag = f"gx:{name}" if namespace == f"{{{_GOOGLE}" else name
    if root.tag != "kml":
        raise InvalidShape(f"expected KML, got XML that begins with <{root.tag}>")
    return root


def _feature(placemark: Element, place: str) -> Feature:
    properties = _properties(placemark)
    where = Feature(place, {"properties": properties}).where
    return Feature(
        place, {"id": placemark.get("id"), "properties": properties, "geometry": _geometry(placemark, where)}
    )


def _properties(placemark: Element) -> dict[str, object]:
    values = {data.get("name", ""): _text(data.find("value")) for data in placemark.iter("Data")}
    values |= {data.get("name", ""): _text(data) for data in placemark.iter("SimpleData")}
    values.pop("", None)
    values |= {tag: text for tag in ("name", "description") if (text := _text(placemark.find(tag)))}
    return {key: number_or_text(text) if key in _LENGTHS else text for key, text in values.items()}


def _geometry(placemark: Element, where: str) -> dict[str, Any]:
    polygons = [_rings(polygon) for polygon in placemark.iter("Polygon")]
    lines = [_positions(line) for line in placemark.iter("LineString")]
    points = [_positions(point) for point in placemark.iter("Point")]
    if polygons and not lines:
        # Several programs put a point for the label beside the polygons of a MultiGeometry.
        return {"type": "MultiPolygon", "coordinates": polygons}
    if lines and not polygons and not points:
        return {"type": "MultiLineString", "coordinates": lines}
    if len(points) == 1 and not lines:
        return {"type": "Point", "coordinates": points[0][0] if points[0] else []}
    got = f"{len(polygons)} polygons, {len(lines)} lines and {len(points)} points"
    raise InvalidShape(f"{where}: expected polygons, lines or one point, got {got}")


def _rings(polygon: Element) -> list[Any]:
    outer = polygon.find("outerBoundaryIs/LinearRing")
    holes = polygon.findall("innerBoundaryIs/LinearRing")
    if outer is None:
        return [[]] if holes else []
    return [_positions(ring) for ring in (outer, *holes)]


def _positions(line: Element) -> list[list[float | str]]:
    places = _text(line.find("coordinates")).split()
    return [[number_or_text(text) for text in place.split(",")] for place in places]


def _text(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""
