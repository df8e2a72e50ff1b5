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
