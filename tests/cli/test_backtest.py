"""`vesselflow backtest` on small tables."""

import gzip
import io
import itertools
import json
import re
from pathlib import Path

import pytest

from tests.cli.backtests import backtest, feature, write_zones
from vesselflow import cli
from vesselflow.core.fence_policy import PolicyOptions
from vesselflow.core.fields import field_of

ROOT = Path(__file__).parents[2]

TRACK = """\
mmsi,timestamp,lon,lat
211000001,2026-01-01T00:00:00Z,3.9,51.9
211000001,2026-01-01T00:02:00Z,4.1,51.9
211000001,2026-01-01T00:04:00Z,4.3,51.9
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a track and a fence."""
    monkeypatch.chdir(tmp_path)
    Path("track.csv").write_text(TRACK)
    write_zones(feature(id="port"))
    return tmp_path


def refused(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the line that a run ends with."""
    assert cli.run(["backtest", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    return err


# What it prints


def test_events_are_json_lines_with_exactly_these_keys_in_this_order(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["backtest", "--plain", "--positions", "track.csv", "--geofences", "zones.geojson", "--json"]) == 0

    entered, exited = capfd.readouterr().out.splitlines()
    assert json.loads(exited)["event"] == "exited"
    assert entered == (
        '{"vessel":"mmsi:211000001","geofence":"port","event":"entered","at":"2026-01-01T00:02:00.000Z",'
        '"first_fix_at":"2026-01-01T00:02:00.000Z","lon":4.1,"lat":51.9,"interpolated":false}'
    )


def test_without_json_each_event_is_a_line_to_read(capfd: pytest.CaptureFixture[str]) -> None:
    Path("track.csv").write_text(TRACK.replace("lat\n", "lat,name\n").replace("51.9\n", "51.9,AURORA\n"))

    assert cli.run(["backtest", "--plain", "--positions", "track.csv", "--geofences", "zones.geojson"]) == 0

    assert capfd.readouterr().out.splitlines() == [
        "2026-01-01T00:02:00.000Z  mmsi:211000001  AURORA                entered   port",
        "2026-01-01T00:04:00.000Z  mmsi:211000001  AURORA                exited    port",
    ]


def test_the_summary_says_what_became_of_every_record(capfd: pytest.CaptureFixture[str]) -> None:
    rows = [
        "211000001,,4.1,51.9",
        "211000001,soon,4.1,51.9",
        "211000001,2026-01-01T00:05:00Z,0,0",
        "211000001,2026-01-01T00:05:00Z,east,51.9",
        "2320001,2026-01-01T00:05:00Z,4.1,51.9",
        ",2026-01-01T00:05:00Z,4.1,51.9",
    ]
    Path("track.csv").write_text(TRACK + "\n".join(rows))

    _, err = backtest(capfd, "--plain")

    read, *rest = err.splitlines()
    assert read.startswith("9 records in ")
    assert rest == [
        "3 positions of 1 vessels judged from 2026-01-01T00:00:00.000Z to 2026-01-01T00:04:00.000Z",
        "6 left out: bad-position 1, bad-time 1, no-identity 1, no-time 1, not-a-ship 1, position-not-available 1",
        "2 events of 1 geofences under the plain policy: entered 1, exited 1",
    ]


def test_what_comes_late_is_left_out_unless_it_is_sorted(capfd: pytest.CaptureFixture[str]) -> None:
    header, *rows = TRACK.splitlines()
    Path("track.csv").write_text("\n".join([header, rows[2], rows[0], rows[1]]))
    Path("eager.json").write_text('{"confirm_fixes": 1, "max_speed_kn": 1000}')

    as_it_comes, err = backtest(capfd, "--policy", "eager.json")
    in_order, _ = backtest(capfd, "--policy", "eager.json", "--sort")

    assert as_it_comes == []
    assert "2 left out: late 2 (--sort judges late ones in their order)" in err
    assert [row["event"] for row in in_order] == ["entered", "exited"]


# Which positions


def test_several_files_follow_one_another_however_they_are_given(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    header, *rows = TRACK.splitlines()
    Path("a.csv").write_text(f"{header}\n{rows[0]}\n")
    Path("b.csv.gz").write_bytes(gzip.compress(f"{header}\n{rows[1]}\n".encode()))
    whole, _ = backtest(capfd, "--plain")

    for given_as in (
        ["--positions", "a.csv", "b.csv.gz", "-", "--plain"],
        ["--positions=a.csv", "b.csv.gz", "--plain", "--positions", "-"],
    ):
        monkeypatch.setattr(
            "sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(f"{header}\n{rows[2]}\n".encode())))
        )
        assert cli.run(["backtest", "--json", *given_as, "--geofences", "zones.geojson"]) == 0
        assert [json.loads(line) for line in capfd.readouterr().out.splitlines()] == whole


# Which fences


def test_fences_may_be_of_any_format_that_is_imported(capfd: pytest.CaptureFixture[str]) -> None:
    Path("zones.wkt").write_text("POLYGON ((4 51, 4.2 51, 4.2 52, 4 52, 4 51))")

    events, _ = backtest(capfd, "--plain", "--geofences", "zones.wkt")

    assert [(row["event"], row["geofence"]) for row in events] == [("entered", "feature 1"), ("exited", "feature 1")]


# Which policy


def test_without_a_policy_the_settings_count(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESSELFLOW_FENCE_CONFIRM_FIXES", "1")
    monkeypatch.setenv("VESSELFLOW_MAX_SPEED_KN", "1000")

    one_fix, err = backtest(capfd)
    monkeypatch.setenv("VESSELFLOW_FENCE_CONFIRM_FIXES", "3")
    monkeypatch.setenv("VESSELFLOW_FENCE_CONFIRM_S", "0")
    three_fixes, _ = backtest(capfd)

    assert [row["event"] for row in one_fix] == ["entered", "exited"]
    assert three_fixes == []
    assert "under the settings' policy" in err


def test_a_policy_file_stands_alone(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESSELFLOW_PLAIN_POLICY", "true")
    Path("policy.json").write_text('{"max_speed_kn": 1000}')

    events, err = backtest(capfd, "--policy", "policy.json")

    # The visit lasts two fixes at most, one of them outside: it is told from the track between the fixes.
    assert [(row["event"], row["at"], row["interpolated"]) for row in events] == [
        ("entered", "2026-01-01T00:04:00.000Z", True),
        ("exited", "2026-01-01T00:04:00.000Z", True),
    ]
    assert "under the policy.json policy" in err


def test_vessels_go_by_the_identity_of_the_settings(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESSELFLOW_IDENTITY", "imo")
    Path("track.csv").write_text("imo,mmsi,timestamp,lon,lat\n9074729,211000001,2026-01-01T00:00:00Z,4.1,51.9\n")

    events, _ = backtest(capfd, "--plain")

    assert [row["vessel"] for row in events] == ["imo:9074729"]


def test_the_rules_of_a_fence_count_but_under_the_plain_policy(capfd: pytest.CaptureFixture[str]) -> None:
    Path("track.csv").write_text(
        "mmsi,timestamp,lon,lat,ship_type\n"
        + "".join(
            f"{mmsi},2026-01-01T00:0{minute}:00Z,{3.99 + minute / 100},51.9,{ship_type}\n"
            for mmsi, ship_type in ((211000001, 80), (211000002, "Cargo"))
            for minute in range(4)
        )
    )
    write_zones(feature(id="port", properties={"rules": {"vessels": {"types": ["Tanker"]}}}))

    ruled, _ = backtest(capfd)
    plain, _ = backtest(capfd, "--plain")

    assert [(row["vessel"], row["event"]) for row in ruled] == [("mmsi:211000001", "entered")]
    assert [row["vessel"] for row in plain] == ["mmsi:211000001", "mmsi:211000002"]


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plain", "--policy", "p.json"], "expected --plain or --policy, got both"),
        (["--policy", "p.json"], "p.json: expected a policy as a JSON object: Object contains unknown field `margin`"),
        (["--policy", "nowhere.json"], "No such file or directory: 'nowhere.json'"),
        (["--positions", "nowhere.csv"], "expected a file, got nowhere.csv"),
        (["--positions", "-", "-"], "expected standard input for one thing, got - more than once"),
        (["--positions", "headless.csv"], "headless.csv: expected NMEA, CSV with a header, or JSON, got"),
        (["--positions", "timeless.csv"], "got none for timestamp among: mmsi, lon, lat"),
        (["--positions", "timeless.json"], "expected positions with a time (NMEA: with tag blocks), got 1 without"),
        (["--geofences", "nowhere.geojson"], "No such file or directory: 'nowhere.geojson'"),
        (["--geofences", "p.json"], "p.json: "),
        (["--geofences", "twins.geojson"], "'port' at features 1, 2"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_says_why(
    capfd: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    write_zones(feature(id="port"), feature(properties={"name": "port"}))
    Path("zones.geojson").rename("twins.geojson")
    write_zones(feature(id="port"))
    Path("p.json").write_text('{"margin": 5}')
    Path("headless.csv").write_text("211000001,4.1,51.9\n")
    Path("timeless.csv").write_text("mmsi,lon,lat\n211000001,4.1,51.9\n")
    Path("timeless.json").write_text('{"MMSI": 211000001, "Longitude": 4.1, "Latitude": 51.9}')
    given = ["--positions", "track.csv"] if "--positions" not in arguments else []
    given += ["--geofences", "zones.geojson"] if "--geofences" not in arguments else []

    assert message in refused(capfd, *given, *arguments)


def test_a_wrong_file_is_told_before_those_in_front_of_it_are_read(capfd: pytest.CaptureFixture[str]) -> None:
    Path("timeless.csv").write_text("mmsi,lon,lat\n211000001,4.1,51.9\n")

    err = refused(capfd, "--positions", "track.csv", "timeless.csv", "--geofences", "zones.geojson")

    assert err.startswith("vesselflow: timeless.csv: expected columns for mmsi or imo, lon, lat, timestamp")


# What docs/backtest.md says


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below *heading*, without its first two rows."""
    text = (ROOT / "docs" / "backtest.md").read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    lines = itertools.takewhile(lambda line: line.startswith("|"), text[text.index("\n| ") + 1 :].splitlines())
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in list(lines)[2:]]


def test_the_document_lists_every_option_of_a_policy() -> None:
    assert [name.strip("`") for name, _ in table("Policies")] == [*PolicyOptions.__struct_fields__]


def test_the_document_names_only_spellings_that_are_understood() -> None:
    for column, others in table("Positions"):
        names = re.findall("`([^`]+)`", f"{column}, {others}")
        assert {field_of(name) for name in names} == {field_of(column.strip("`"))} != {None}
