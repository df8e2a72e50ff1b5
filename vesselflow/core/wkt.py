r"""WKT, one shape a line -> features like those of GeoJSON.

A line is ``[SRID=4326;]POLYGON ((4 51, 5 51, 5 52, 4 51))`` or ``MULTIPOLYGON (((...)))``, then, if there is one, a tab
and the fence's name, as ``psql -At -F $'\t'`` writes ``ST_AsEWKT(polygon), name``. Lines that are empty or begin with
``#`` are passed over.

Source: OGC 06-103r4, "Simple feature access, Part 1" (2011), section 7; the prefix is PostGIS' extended WKT.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from vesselflow.core.errors import InvalidShape
from vesselflow.core.geojson import Feature
from vesselflow.core.rings import number_or_text

_SHAPE: Final = re.compile(
    r"(?:SRID=(?P<srid>\d+);)?\s*(?P<kind>\w*?)\s*(?:Z|M|ZM)?\s*(?P<body>EMPTY|\(.*\))", re.IGNORECASE | re.DOTALL
)
_KINDS: Final = {"POLYGON": "Polygon", "MULTIPOLYGON": "MultiPolygon"}
_NUMBERS: Final = re.compile(r"[^(),]*[^(),\s][^(),]*")
_BRACKETS: Final = str.maketrans("()", "[]")
_SHOWN: Final = 40


def wkt_features(text: str) -> list[Feature]:
    """Return one feature a line, in their order.

    Only the outline of the text is read here: rings and positions are checked with those of other formats.

    Raises:
        InvalidShape: a line is no polygon or multipolygon in WGS 84, or there is none.
    """
    features = list(_features(text))
    if not features:
        raise InvalidShape("expected a POLYGON or MULTIPOLYGON a line, got no line")
    return features


def _features(text: str) -> Iterator[Feature]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        shape, _, name = line.strip().partition("\t")
        properties = {"name": name.strip()} if name.strip() else {}
        feature = Feature(f"line {number}", {"properties": properties})
        yield Feature(feature.place, {"properties": properties, "geometry": _geometry(shape.strip(), feature.where)})


def _geometry(shape: str, where: str) -> dict[str, Any]:
    found = _SHAPE.fullmatch(shape)
    if not found:
        raise InvalidShape(f"{where}: expected WKT such as POLYGON ((4 51, 5 51, 5 52, 4 51)), got {_start(shape)}")
    kind = found["kind"].upper()
    if kind not in _KINDS:
        raise InvalidShape(f"{where}: expected a POLYGON or MULTIPOLYGON, got {kind or _start(shape)}")
    if found["srid"] not in (None, "4326"):
        raise InvalidShape(f"{where}: expected coordinates in WGS 84 (SRID 4326), got SRID {found['srid']}")
    return {"type": _KINDS[kind], "coordinates": _coordinates(found["body"], where)}


def _coordinates(body: str, where: str) -> Any:
    """Return ``((4 51, 5 51))`` as ``[[[4.0, 51.0], [5.0, 51.0]]]``: as JSON the brackets are somebody else's work."""
    if body.upper() == "EMPTY":
        return []
    try:
        return msgspec.json.decode(_NUMBERS.sub(_position, body).translate(_BRACKETS))
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidShape(f"{where}: expected brackets that match and commas between positions, got others") from error


def _position(numbers: re.Match[str]) -> str:
    return msgspec.json.encode([number_or_text(text) for text in numbers[0].split()]).decode()


def _start(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
