"""The sample fences are valid, and what runs the samples keeps within the alert limit."""

import pytest

from vesselflow.core.shapes import parse_geojson
from vesselflow.up.samples import TRACKS, Track, fence_files


@pytest.mark.parametrize("client", ["ferry-watch", "harbour-desk"])
def test_every_fence_of_a_sample_client_has_a_name_of_its_own(client: str) -> None:
    names = [shape.name for shape in parse_geojson(fence_files()[client].read_bytes())]

    assert len(names) >= 9
    assert len({*names}) == len(names)
    assert None not in names


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: track.name)
def test_a_replay_begins_within_the_alert_limit(track: Track) -> None:
    arguments = track.arguments(alert_limit_s=300.0)

    assert float(arguments[arguments.index("--head") + 1]) <= 240.0


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: track.name)
def test_the_file_of_a_track_is_shipped(track: Track) -> None:
    assert track.file.is_file()
