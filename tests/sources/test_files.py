import gzip
import json
from pathlib import Path

import pytest

from vesselflow.core.errors import UsageError
from vesselflow.core.model import VesselState
from vesselflow.sources.files import FileOfStates
from vesselflow.sources.losses import Loss, Losses, Timed

DATA = Path(__file__).parent.parent / "data" / "captures"
SAMPLES = Path(__file__).parent.parent.parent / "vesselflow" / "samples"
STATE = {"IMO": 9074729, "Latitude": 51.9, "Longitude": 4.1, "AISDestination": "NLRTM"}


def read(path: Path) -> list[Timed]:
    return list(FileOfStates(str(path), Losses()))


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "file"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_solent_sample_is_read_with_its_times() -> None:
    states = read(SAMPLES / "solent-2016-01-12.csv.gz")

    assert len(states) == 18_623
    assert len({state.MMSI for _, state in states}) == 91
    at_ms, first = states[0]
    assert (at_ms, first.MMSI, first.CourseOverGround, first.SpeedOverGround) == (
        1_452_603_731_218,
        235070762,
        157.8,
        5.9,
    )


def test_the_columns_of_global_fishing_watch_are_understood() -> None:
    at_ms, first = read(DATA / "gfw-2018-01.csv")[0]

    assert (at_ms, first.MMSI, first.Longitude) == (1_514_765_539_000, 220413000, -128.3739633333)


def test_one_state_a_line_and_an_array_are_the_same(tmp_path: Path) -> None:
    lines = read(written(tmp_path, "\n".join([json.dumps(STATE)] * 3)))
    array = read(written(tmp_path, json.dumps([STATE] * 3, indent=2)))

    assert lines == array == [(None, VesselState(**STATE))] * 3  # type: ignore[arg-type]


def test_a_snapshots_time_is_that_of_vessels_without_one(tmp_path: Path) -> None:
    snapshot = {"timestamp": "2025-12-11T20:44:50+00:00", "vessels": [{"mmsi": 376128000, "lon": 19.6, "lat": 59.2}]}

    assert [at for at, _ in read(written(tmp_path, json.dumps(snapshot, indent=2)))] == [1_765_485_890_000]


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    assert len(read(written(tmp_path, gzip.compress(json.dumps(STATE).encode())))) == 1


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("MMSI,lat,lon\n235012345,abc,1\n235012345,50,1\n", ["bad-position"]),
        (json.dumps(STATE) + "\n{not json\n" + json.dumps(STATE) + "\n", ["not-json"]),
        (json.dumps([STATE, 5, STATE]), ["not-a-state"]),
    ],
)
def test_a_bad_row_is_told_and_the_others_go_on(tmp_path: Path, text: str, reasons: list[str]) -> None:
    told: list[Loss] = []

    states = list(FileOfStates(str(written(tmp_path, text)), Losses(told.append)))

    assert states
    assert [loss.reason for loss in told] == reasons


@pytest.mark.parametrize("text", ["", "hello\nworld\n", "name,age\nx,1\n"])
def test_an_unknown_format_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="expected NMEA, CSV with a header, or JSON"):
        read(written(tmp_path, text))


def test_a_file_that_breaks_off_is_a_clear_error(tmp_path: Path) -> None:
    whole = gzip.compress((json.dumps(STATE) + "\n").encode() * 5000)

    with pytest.raises(UsageError, match="whole gzip file"):
        read(written(tmp_path, whole[: len(whole) // 2]))


def test_a_file_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="expected a file, got nowhere"):
        FileOfStates("nowhere", Losses())


# As the Danish Maritime Authority writes it, with the columns that we do not read left out.
DANISH = """\
# Timestamp,Type of mobile,MMSI,Latitude,Longitude,Navigational status,ROT,SOG,COG,Heading,IMO,Callsign,Name,Ship type
02/01/2026 00:00:00,Class A,219018314,56.489370,10.951233,Under way using engine,,0.1,,,Unknown,Unknown,,Undefined
"""


def test_the_danish_authoritys_header_is_no_comment_and_its_day_comes_first(tmp_path: Path) -> None:
    ((at_ms, state),) = read(written(tmp_path, DANISH))

    assert (at_ms, state.MMSI, state.Latitude, state.SpeedOverGround) == (1_767_312_000_000, 219018314, 56.48937, 0.1)


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("mmsi,lat,sog", "got none for lon and timestamp among: mmsi, lat, sog"),
        ("BaseDateTime;LAT;LON", "got none for mmsi or imo among: BaseDateTime, LAT, LON"),
    ],
)
def test_a_table_without_a_column_that_is_needed_is_told_with_its_columns(
    tmp_path: Path, header: str, missing: str
) -> None:
    path = written(tmp_path, header + "\n")

    with pytest.raises(UsageError, match=missing) as error:
        list(FileOfStates(str(path), Losses(), needs_time=True))

    assert str(error.value).startswith(str(path))


def test_a_table_may_lack_times_where_they_are_not_needed(tmp_path: Path) -> None:
    assert [at for at, _ in read(written(tmp_path, "mmsi,lat,lon\n235012345,50,1\n"))] == [None]


def test_a_quoted_value_may_hold_the_delimiter(tmp_path: Path) -> None:
    rows = written(tmp_path, 'mmsi,name,lat,lon\n235012345,"AURORA, ""A""",50,1\n')

    ((_, state),) = read(rows)

    assert (state.VesselName, state.Latitude) == ('AURORA, "A"', 50.0)


def test_a_quote_that_nothing_closes_spoils_its_own_line_only(tmp_path: Path) -> None:
    rows = '235012345,50,1,"A\n\n235012345,51,1,B\n235012345,"52,1,C\n235012345,53,1,D"\n'
    told: list[Loss] = []

    states = list(FileOfStates(str(written(tmp_path, "mmsi,lat,lon,name\n" + rows)), Losses(told.append)))

    assert [state.Latitude for _, state in states] == [50.0, 51.0, 53.0]
    assert [(loss.reason, loss.line) for loss in told] == [("bad-position", 5)]


def test_the_first_column_may_lack_a_name(tmp_path: Path) -> None:
    ((_, state),) = read(written(tmp_path, "\tmmsi\tlat\tlon\n0\t235012345\t50\t1\n"))

    assert (state.MMSI, state.Latitude) == (235012345, 50.0)
