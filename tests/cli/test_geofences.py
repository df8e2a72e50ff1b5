import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest

from tests.contracts.conftest import create_database
from vesselflow import cli
from vesselflow.settings import Settings

pytestmark = pytest.mark.integration

SQUARE: dict[str, object] = {"type": "Polygon", "coordinates": [[[4, 51], [5, 51], [5, 52], [4, 52], [4, 51]]]}
BIG: dict[str, object] = {"type": "Polygon", "coordinates": [[[4, 51], [6, 51], [6, 52], [4, 52], [4, 51]]]}
POINT: dict[str, object] = {"type": "Point", "coordinates": [4, 51]}


@pytest.fixture
def database(stack: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Let the commands use a migrated database of their own."""
    url = asyncio.run(create_database(stack.database_url))
    monkeypatch.setenv("DATABASE_URL", url)
    assert cli.run(["migrate"]) == 0
    capsys.readouterr()
    return url


def geojson(folder: Path, *features: tuple[str | None, dict[str, object]]) -> str:
    path = folder / "areas.geojson"
    content = [
        {"type": "Feature", "properties": {"name": name} if name else {}, "geometry": geometry}
        for name, geometry in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": content}))
    return str(path)


@pytest.mark.usefixtures("database")
def test_a_second_migration_finds_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["migrate"]) == 0
    assert capsys.readouterr().out.startswith("the database has all ")


@pytest.mark.usefixtures("database")
def test_imported_fences_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = geojson(tmp_path, ("Port", SQUARE), (None, BIG))

    assert cli.run(["geofences", "import", file, "--client", "ann"]) == 0
    assert cli.run(["geofences", "import", file, "--client", "ann"]) == 0
    assert cli.run(["geofences", "list", "--client", "ann", "--json"]) == 0
    assert cli.run(["geofences", "list", "--client", "bob"]) == 0

    first, second, *listed = capsys.readouterr().out.splitlines()
    assert first == "imported 2 fences for ann"
    assert second == "imported 0 fences for ann, 2 were there already"
    assert [json.loads(line)["name"] for line in listed] == ["Port", "areas 2"]


@pytest.mark.usefixtures("database")
def test_a_file_with_one_bad_shape_imports_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = geojson(tmp_path, ("Port", SQUARE), ("Buoy", POINT))

    assert cli.run(["geofences", "import", file, "--client", "ann"]) == 2
    assert cli.run(["geofences", "list"]) == 0

    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1


def test_a_database_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://vesselflow@127.0.0.1:1/{uuid4().hex}")

    assert cli.run(["geofences", "list"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
