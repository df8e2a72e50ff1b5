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


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>
  <name>Harbour</name>
  <ExtendedData><Data name="rules"><value>{"dwell_s": 1800}</value></Data></ExtendedData>
  <Polygon><outerBoundaryIs><LinearRing><coordinates>
    4,51,0 5,51,0 5,52,0 4,52,0 4,51,0
  </coordinates></LinearRing></outerBoundaryIs></Polygon>
</Placemark></Document></kml>
"""
WKT = "POLYGON ((4 51, 6 51, 6 52, 4 52, 4 51))\nMULTIPOLYGON (((1 1, 2 1, 2 2, 1 1)), ((3 3, 4 3, 4 4, 3 3)))\n"


def geofences(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Return what a command printed; of one that fails, its only line on stderr."""
    assert cli.run(["geofences", *arguments]) == code
    shown = capsys.readouterr()
    if code:
        assert shown.out == ""
        [line] = shown.err.splitlines()
        return line
    return shown.out


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in geofences(capsys, "list", "--json", *arguments).splitlines()]


@pytest.mark.usefixtures("database")
def test_kml_and_wkt_are_imported_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kml, wkt = tmp_path / "port.kml", tmp_path / "areas.wkt"
    kml.write_text(KML)
    wkt.write_text(WKT)

    said = geofences(capsys, "import", str(kml), str(wkt), "--client", "ann")

    assert said == "imported 3 fences for ann\n"
    assert [(row["name"], row["vertices"], row["rules"]) for row in listed(capsys)] == [
        ("Harbour", 5, {"dwell_s": 1800}),
        ("areas 1", 5, {}),
        ("areas 2", 8, {}),
    ]


@pytest.mark.usefixtures("database")
def test_one_bad_file_of_several_imports_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "areas.wkt", tmp_path / "bad.wkt"
    good.write_text(WKT)
    bad.write_text("POLYGON ((4 51, 6 51, 6 52))")

    assert "bad.wkt" in geofences(capsys, "import", str(good), str(bad), "--client", "ann", code=2)
    assert listed(capsys) == []


@pytest.mark.usefixtures("database")
def test_what_is_repaired_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bow.wkt"
    file.write_text("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))")

    refused = geofences(capsys, "import", str(file), "--client", "ann", code=2)
    assert cli.run(["geofences", "import", str(file), "--client", "ann", "--repair"]) == 0

    assert "self" in refused
    assert "bow.wkt: feature 1: repaired: " in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_bad_rules_name_their_feature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "port.kml"
    file.write_text(KML.replace("dwell_s", "dwell"))

    line = geofences(capsys, "import", str(file), "--client", "ann", code=2)

    assert "port.kml: feature 1 (Harbour): expected rules among events, " in line


@pytest.mark.usefixtures("database")
def test_an_import_may_replace_the_fences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    geofences(capsys, "import", geojson(tmp_path, ("Port", SQUARE), ("Sea", BIG)), "--client", "ann")

    said = geofences(
        capsys, "import", geojson(tmp_path, ("Port", SQUARE), ("Bay", BIG)), "--client", "ann", "--replace"
    )

    assert said == "imported 1 fence for ann, 1 were there already, 1 others deleted\n"
    assert [row["name"] for row in listed(capsys)] == ["Bay", "Port"]


@pytest.mark.usefixtures("database")
def test_an_export_imported_again_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    geofences(capsys, "import", geojson(tmp_path, ("Port", SQUARE), ("Sea", BIG)), "--client", "ann")
    port, sea = (str(row["id"]) for row in listed(capsys))
    geofences(capsys, "set", port, "--off", "--name", "Harbour", "--rules", '{"margin_m": 5}')
    before, out = listed(capsys), tmp_path / "out.geojson"

    assert cli.run(["geofences", "export", "--client", "ann", "--out", str(out)]) == 0
    assert capsys.readouterr().err == f"wrote 2 fences of ann to {out}\n"
    assert geofences(capsys, "export", "--client", "ann") == out.read_text()
    again = geofences(capsys, "import", str(out), "--client", "ann")

    assert again == "imported 0 fences for ann, 2 were there already\n"
    assert listed(capsys) == before
    geofences(capsys, "delete", "--client", "ann", "--all", "--yes")
    geofences(capsys, "import", str(out), "--client", "ann")
    assert [(row["id"], row["name"], row["is_active"], row["rules"]) for row in listed(capsys)] == [
        (port, "Harbour", False, {"margin_m": 5}),
        (sea, "Sea", True, {}),
    ]


@pytest.mark.usefixtures("database")
def test_an_export_of_nothing_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    line = geofences(capsys, "export", "--client", "ann", code=2)

    assert line == "vesselflow: expected a client with fences, got 'ann', who has none"


@pytest.mark.usefixtures("database")
def test_a_fence_is_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    geofences(capsys, "import", geojson(tmp_path, ("Port", SQUARE)), "--client", "ann")
    [row] = listed(capsys)
    rules = tmp_path / "rules.json"
    rules.write_text('{"events": ["exited"]}')

    geofences(capsys, "set", str(row["id"]), "--off")
    geofences(capsys, "set", str(row["id"]), "--rules", f"@{rules}")

    shown = geofences(capsys, "list")
    assert shown.split() == [row["id"], "ann", "off", "5", "vertices", "Port", '{"events":["exited"]}']


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--on",), "which no fence has"),
        ((), "expected --on, --off, --name or --rules, got none of them"),
        (("--rules", "{"), "expected rules as a JSON object, got no JSON"),
        (("--rules", '{"margin": 5}'), "expected rules among events"),
        (("--rules", "@/nowhere/rules.json"), "No such file"),
        (("--name", ""), "expected a name of 1 to 255 characters"),
    ],
)
def test_a_change_that_cannot_be_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert message in geofences(capsys, "set", str(uuid4()), *arguments, code=2)


@pytest.mark.usefixtures("database")
def test_fences_are_deleted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    geofences(capsys, "import", geojson(tmp_path, ("Bay", SQUARE), ("Port", BIG), ("Sea", SQUARE)), "--client", "ann")
    bay, port, sea = (str(row["id"]) for row in listed(capsys))
    nobodys = str(uuid4())

    assert nobodys in geofences(capsys, "delete", bay, nobodys, code=2)
    assert geofences(capsys, "delete", bay) == "deleted 1 fence\n"
    assert [row["id"] for row in listed(capsys)] == [port, sea]
    assert "expected --yes" in geofences(capsys, "delete", "--client", "ann", "--all", code=2)
    assert geofences(capsys, "delete", "--client", "ann", "--all", "--yes") == "deleted 2 fences\n"


@pytest.mark.parametrize("arguments", [(), ("--client", "ann"), ("--all",), ("x", "--client", "ann", "--all")])
def test_what_to_delete_has_to_be_said(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    line = geofences(capsys, "delete", *arguments, code=2)

    assert line == "vesselflow: expected either ids of fences, or --client with --all"


def test_a_database_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://vesselflow@127.0.0.1:1/{uuid4().hex}")

    assert cli.run(["geofences", "list"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
