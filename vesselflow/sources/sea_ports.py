"""The ports that come with the package, and from each the ports that a voyage may lead to."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

import numpy as np

from vesselflow.core.model import FloatArray, IntArray

EARTH_RADIUS_M: Final = 6_371_008.8
_NEAREST: Final = 24
_LEAST_VOYAGE_M: Final = 30_000.0
_MOST_VOYAGE_M: Final = 3_000_000.0


@dataclass(frozen=True, slots=True)
class SeaPorts:
    """Ports as columns, with the nearest other ports of the same ocean as rows of indexes (-1: fewer)."""

    names: tuple[str, ...]
    locodes: tuple[str, ...]
    vectors: FloatArray
    near: IntArray


@lru_cache(maxsize=1)
def sea_ports() -> SeaPorts:
    """Return the ports that come with the package."""
    text = resources.files("vesselflow").joinpath("samples", "ports.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    vectors = unit_vectors(
        lon_deg=np.array([float(row["lon"]) for row in rows]), lat_deg=np.array([float(row["lat"]) for row in rows])
    )
    distance_m = EARTH_RADIUS_M * np.arccos(np.clip(vectors @ vectors.T, -1.0, 1.0))
    ocean = np.array([row["ocean"] for row in rows])
    fits = (ocean[:, None] == ocean) & (distance_m >= _LEAST_VOYAGE_M) & (distance_m <= _MOST_VOYAGE_M)
    order = np.argsort(np.where(fits, distance_m, np.inf), axis=1, kind="stable")[:, :_NEAREST]
    near = np.where(np.take_along_axis(fits, order, axis=1), order, -1)
    return SeaPorts(tuple(row["name"] for row in rows), tuple(row["locode"] for row in rows), vectors, near)


def unit_vectors(*, lon_deg: FloatArray, lat_deg: FloatArray) -> FloatArray:
    """Return places as rows of a unit vector from the Earth's centre; the Earth is a sphere here."""
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
