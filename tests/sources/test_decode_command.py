import json
from pathlib import Path

import pytest

from vesselflow.cli import run

STATES = [
    {"IMO": 9074729, "MMSI": 235012345, "Latitude": 51.9, "Longitude": 4.1, "Heading": 511, "VesselName": "AURORA"},
    {"MMSI": 235012345, "Latitude": 95, "Longitude": 4.1},
]


def test_decode_prints_statics_positions_and_rejects_as_json_lines(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "states.json"
    path.write_text(json.dumps(STATES))

    code = run(["decode", str(path)])

    out, err = capfd.readouterr()
    static, position, reject = map(json.loads, out.splitlines())
    assert code == 0
    assert (static["kind"], static["vessel"], static["imo"], static["name"]) == (
        "static",
        "mmsi:235012345",
        9074729,
        "AURORA",
    )
    assert (position["kind"], position["name"], position["flag"]) == ("position", "AURORA", "GB")
    assert (position["headingDeg"], position["sogKn"], position["at"]) == (None, None, None)
    assert (reject["kind"], reject["reason"]) == ("reject", "bad-position")
    assert err == "positions 1, reject bad-position 1\n"


def test_replay_refuses_what_does_not_fit_together_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    code = run(["replay", __file__, "--shift-to-now", "--speed", "10"])

    assert code == 2
    assert capfd.readouterr().err.startswith("vesselflow: expected speed 1 with --shift-to-now")
