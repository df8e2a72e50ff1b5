"""Backtests in the current folder: the fences they try, and what they print."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from vesselflow import cli

SQUARE = {"type": "Polygon", "coordinates": [[[4, 51], [4.2, 51], [4.2, 52], [4, 52], [4, 51]]]}

Row = dict[str, object]


def feature(geometry: object = SQUARE, **members: object) -> Row:
    return {"type": "Feature", "properties": {}, "geometry": geometry, **members}


def write_zones(*features: Row) -> None:
    Path("zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def backtest(
    capfd: pytest.CaptureFixture[str], *options: str, positions: Iterable[object] = ("track.csv",)
) -> tuple[list[Row], str]:
    """Return the events of a run as JSON, and the summary."""
    files = [str(path) for path in positions]
    arguments = ["backtest", "--positions", *files, "--json", *options]
    code = cli.run(arguments if "--geofences" in options else [*arguments, "--geofences", "zones.geojson"])
    out, err = capfd.readouterr()
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()], err
