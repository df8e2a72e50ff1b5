"""Polygons -> valid ones: refused with what is wrong and where, or mended when that was asked for."""

from __future__ import annotations

from typing import Any, Final

import shapely

from vesselflow.core.errors import InvalidShape
from vesselflow.core.rings import Repairs

#: Square degrees: about 100 cm2, more than what rounding makes of a line.
MIN_AREA: Final = 1e-12
#: How much of the area two readings of a broken ring may see differently before nobody knows what was meant.
_MAX_DOUBT: Final = 0.1


def has_area(polygon: Any) -> bool:
    """Tell whether *polygon* is more than a line or a point."""
    # The signed area of a ring shaped like an 8 is 0 as well; its hull's is not.
    return bool(polygon.area > MIN_AREA or polygon.convex_hull.area > MIN_AREA)


def valid_polygons(polygon: Any, where: str, repairs: Repairs) -> list[Any]:
    """Return *polygon* when it is valid, else what is left of it after a repair.

    Raises:
        InvalidShape: it is not valid, and no repair is wanted or its outcome would be a guess.
    """
    wrong = _what_and_where(polygon)
    if not wrong:
        return [polygon]
    repairs.note_or_refuse(wrong, f"{where}: expected a valid shape, got {wrong}")
    mended = _mended(polygon)
    doubt = _doubt(polygon, mended)
    if doubt > _MAX_DOUBT:
        raise InvalidShape(
            f"{where}: expected a shape with a plain repair, got {wrong}; what it encloses is in doubt for "
            f"{doubt:.0%} of its area"
        )
    return mended


def joined(polygons: list[Any], where: str, repairs: Repairs) -> Any:
    """Return *polygons*, each valid, as one POLYGON or valid MULTIPOLYGON.

    Raises:
        InvalidShape: they overlap or share an edge, and no repair is wanted.
    """
    shape = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    wrong = _what_and_where(shape)
    if not wrong:
        return shape
    repairs.note_or_refuse(wrong, f"{where}: expected a valid shape, got {wrong}")
    return union(polygons)


def union(polygons: list[Any]) -> Any:
    """Return all that *polygons* cover as one POLYGON or MULTIPOLYGON."""
    parts = _polygons(shapely.union_all(polygons))
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _what_and_where(shape: Any) -> str:
    """Return such as ``self-intersection at longitude and latitude 5.5 52``, nothing for a valid shape."""
    reason = shapely.is_valid_reason(shape)
    if reason == "Valid Geometry":
        return ""
    # GEOS says "Self-intersection[5.5 52]".
    what, _, place = reason.rstrip("]").partition("[")
    return f"{what.lower()} at longitude and latitude {place}"


def _mended(polygon: Any) -> list[Any]:
    mended = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    if polygon.interiors:
        # GEOS makes an area of a hole outside of its shell, where nobody meant to be told of ships.
        shell = shapely.make_valid(shapely.Polygon(polygon.exterior), method="structure", keep_collapsed=False)
        mended = shapely.intersection(mended, shell)
    return _polygons(mended)


def _doubt(polygon: Any, mended: list[Any]) -> float:
    """Return the part of the area that GEOS' other method (enclosed an odd number of times) sees differently."""
    odd = shapely.union_all(_polygons(shapely.make_valid(polygon, method="linework")))
    whole = shapely.union_all(mended)
    return min(1.0, float(shapely.symmetric_difference(whole, odd).area / max(whole.area, MIN_AREA)))


def _polygons(shape: Any) -> list[Any]:
    return [part for part in shapely.get_parts(shape).tolist() if part.geom_type == "Polygon" and has_area(part)]
