"""The plain policy of `vesselflow backtest` against a loop with shapely, on random tables and on real tracks."""

import csv
import gzip
import itertools
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.backtests import Row, backtest, feature, write_zones

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
FENCES = ROOT / "vesselflow" / "samples" / "fences"

#: vessel, time, longitude, latitude
Position = tuple[str, datetime, float, float]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


SPELLINGS = {
    "mmsi": ("mmsi", "MMSI", "ssvid", "Mmsi Number"),
    "timestamp": ("timestamp", "BaseDateTime", "base_date_time", "Time", "date_time_utc", "t"),
    "lon": ("lon", "LON", "longitude", "Longitude_degrees", "lng", "x"),
    "lat": ("lat", "LAT", "latitude", "Latitude_degrees", "y"),
    "name": ("name", "VesselName", "SHIPNAME"),
    "cargo": ("cargo", "Transceiver", ""),
}
HOUR = datetime(2026, 1, 1, tzinfo=UTC)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_plain_equals_a_loop_for_columns_of_any_order_and_spelling(
    capfd: pytest.CaptureFixture[str], seed: int
) -> None:
    random_ = random.Random(seed)
    # On a raster, so that many fixes lie on edges and corners, and times repeat and run backwards.
    positions = [
        (
            f"mmsi:{random_.randint(211000001, 211000003)}",
            HOUR + timedelta(seconds=random_.randint(0, 100), milliseconds=random_.randint(0, 1) * 250),
            random_.randint(0, 8) / 2,
            random_.randint(1, 8) / 2,
        )
        for _ in range(60)
    ]
    shapes = {f"z{number}": box(random_) for number in range(random_.randint(1, 4))}
    write_zones(*(feature(json.loads(shapely.to_geojson(shape)), id=id) for id, shape in shapes.items()))
    columns = random_.sample(list(SPELLINGS), len(SPELLINGS))
    with Path("track.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter=random_.choice(",;\t"))
        writer.writerow([random_.choice(SPELLINGS[column]) for column in columns])
        for vessel, at, lon, lat in positions:
            values = {"mmsi": vessel[5:], "timestamp": at.isoformat(), "lon": lon, "lat": lat, "name": 'A "B", C'}
            writer.writerow([values.get(column, "?") for column in columns])

    events, _ = backtest(capfd, "--plain")

    assert events == plainly(positions, shapes)


def box(random_: random.Random) -> shapely.Geometry:
    """Return a square on the raster, at times with a hole or a second part."""
    x, y = random_.randint(0, 3), random_.randint(1, 3)
    shape = shapely.box(x, y, x + 1.5, y + 1.5)
    if random_.random() < 0.5:
        shape = shape.difference(shapely.box(x + 0.25, y + 0.25, x + 0.75, y + 0.75))
    return shape.union(shapely.box(x + 2, y, x + 3, y + 1)) if random_.random() < 0.3 else shape


def plainly(positions: Iterable[Position], shapes: dict[str, shapely.Geometry]) -> list[Row]:
    """Judge each position against each shape on its own, as the plan's loop does."""
    inside: dict[tuple[str, str], bool] = {}
    rows: list[Row] = []
    for vessel, at, lon, lat in positions:
        point = shapely.Point(lon, lat)
        for id, shape in shapes.items():
            now = bool(shape.covers(point))
            if now != inside.get((vessel, id), False):
                moment = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
                event = "entered" if now else "exited"
                rows.append({"vessel": vessel, "geofence": id, "event": event, "at": moment, "first_fix_at": moment})
                rows[-1] |= {"lon": lon, "lat": lat, "interpolated": False}
            inside[vessel, id] = now
    return sorted(rows, key=lambda row: (row["at"], row["vessel"], row["geofence"]))


def test_plain_equals_a_loop_over_the_solents_tracks(capfd: pytest.CaptureFixture[str]) -> None:
    track, zones = DATA / "solent" / "SolentAIS_20160112_130211.csv.gz", FENCES / "ferry-watch.geojson"
    shapes = {
        each["properties"]["name"]: shapely.from_geojson(json.dumps(each["geometry"]))
        for each in json.loads(zones.read_text())["features"]
    }
    shapely.prepare(list(shapes.values()))
    with gzip.open(track, "rt", encoding="utf-8") as file:
        positions = [
            (
                f"mmsi:{row['MMSI']}",
                datetime.fromisoformat(row["Time"]),
                float(row["Longitude_degrees"]),
                float(row["Latitude_degrees"]),
            )
            for row in csv.DictReader(file)
        ]

    events, err = backtest(capfd, "--plain", "--geofences", str(zones), positions=[track])

    assert events == plainly(positions, shapes)
    assert len(events) == 153
    assert "18,623 positions of 91 vessels judged" in err


def test_the_sydney_track_gives_exactly_the_expected_events(capfd: pytest.CaptureFixture[str]) -> None:
    kinds = {"initial-inside": "entered", "enter": "entered", "exit": "exited"}
    ids = {"Sydney": "SYD", "Australia mainland EEZ": "eez"}
    with (DATA / "amsa" / "503000530.expected_events.csv").open(encoding="utf-8") as file:
        expected = [
            (row["time"].replace("Z", ".000Z"), ids[row["zone"]], kinds[row["event"]], float(row["lon"]))
            for row in csv.DictReader(file)
        ]

    events, _ = backtest(
        capfd,
        *("--plain", "--geofences", str(DATA / "amsa" / "zones.geojson")),
        positions=[DATA / "amsa" / "503000530.csv"],
    )

    assert [(row["at"], row["geofence"], row["event"], row["lon"]) for row in events] == sorted(expected)


def test_nmea_is_judged_by_the_times_of_its_tag_blocks(capfd: pytest.CaptureFixture[str]) -> None:
    track = ROOT / "vesselflow" / "samples" / "aishub-2012-03-14.nmea.gz"

    events, err = backtest(capfd, "--plain", "--geofences", str(FENCES / "harbour-desk.geojson"), positions=[track])

    # The fences' README counts, with shapely, the vessels inside Portsmouth Harbour and in Tokyo Bay.
    for name, vessels in (("Portsmouth Harbour", 5), ("Tokyo Bay, Uraga Channel", 22)):
        assert len({row["vessel"] for row in events if row["geofence"] == name}) == vessels
    assert all(str(row["at"]).startswith("2012-03-14T11:3") for row in events)
    assert "2,488 static reports" in err


def test_under_the_default_policy_entered_and_exited_alternate_on_real_tracks(
    capfd: pytest.CaptureFixture[str],
) -> None:
    track, zones = DATA / "solent" / "SolentAIS_20160112_130211.csv.gz", DATA / "solent" / "zones.geojson"

    events, err = backtest(capfd, "--geofences", str(zones), positions=[track])

    crossings = [row for row in events if row["event"] in ("entered", "exited") and row["geofence"] != "ryde-pier"]
    visits: dict[tuple[object, object], list[object]] = {}
    for row in crossings:
        visits.setdefault((row["vessel"], row["geofence"]), []).append(row["event"])
    assert len(visits) > 30
    assert all(one != next_ for told in visits.values() for one, next_ in itertools.pairwise(told))
    # The rules of Ryde Pier leave out what is entered, those of Cowes Roads have a speed limit.
    assert {row["event"] for row in events if row["geofence"] == "ryde-pier"} == {"exited", "dwelled"}
    assert {row["event"] for row in events if row["geofence"] == "cowes-roads"} == {"entered", "exited", "speeding"}
    assert {row["geofence"] for row in events} >= {"portsmouth-entrance", "spithead"}
    assert "4 left out: jump 1, repeated 3" in err
