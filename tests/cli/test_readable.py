"""Records of every topic as plain values."""

from typing import Any

import msgspec
import numpy as np

from vesselflow.cli._readable import bucket_vessels, readable
from vesselflow.core import activity, changes, gap, geofence, movement, wire
from vesselflow.core.model import POSITION_COLUMNS, PositionBatch
from vesselflow.core.states import Detection, VesselStates
from vesselflow.core.statics import new_statics
from vesselflow.state import Buckets, Progress, snapshot


def batch(**columns: list[Any]) -> PositionBatch:
    missing = {"f": np.nan, "i": 0}
    filled = {
        name: np.array(columns.get(name, [missing[dtype.kind]]), dtype=dtype)
        for name, dtype in POSITION_COLUMNS.items()
    }
    return PositionBatch(**filled, strings=("NL", "ORIANA"))


def bucket(states: VesselStates, note: Any = None, **fields: Any) -> bytes:
    """Return the stored row of a bucket with vessel 244660000 alone."""
    slots = states.slots(np.array([244_660_000]))
    rows = states.rows[slots].copy()
    for name, value in fields.items():
        rows[name] = states.strings.number(value) if name in states.text_fields else value
    states.apply(Detection(slots=slots, rows=rows, notes={0: note} if note else {}))
    (_, stored), *_ = snapshot(Buckets(states), 7, {3: (5, 1)})[0]
    assert stored is not None
    return stored


def value_of(topic: str, value: bytes | None, key: bytes | None = None) -> Any:
    return readable(topic, key, value)[1]


def test_positions_are_rows_with_null_for_what_is_not_available() -> None:
    value = wire.encode_positions(
        batch(
            vessel=[244_660_000],
            mmsi=[244_660_000],
            at_ms=[1000],
            lon_deg=[4.1],
            lat_deg=[51.9],
            sog_kn=[10.6],
            nav_status=[-1],
            name=[1],
            ship_type=[-1],
            flag=[0],
            destination=[-1],
            eta=[-1],
        )
    )

    (row,) = value_of("vesselflow.positions", value)

    assert row["vessel"] == "mmsi:244660000"
    assert (row["imo"], row["mmsi"]) == (None, 244_660_000)
    assert (row["lon_deg"], row["lat_deg"]) == (4.1, 51.9)
    # 10.6 does not fit 32 bits; what is shown is what was sent.
    assert (row["sog_kn"], row["cog_deg"], row["nav_status"]) == (10.6, None, None)
    assert (row["name"], row["flag"], row["ship_type"], row["destination"]) == ("ORIANA", "NL", None, None)


def test_json_topics_are_shown_as_they_are() -> None:
    assert value_of("vessel.state.changed", b'{"IMO": 9074729}') == {"IMO": 9074729}
    assert value_of("vesselflow.events", b'[{"id": "e1"}]') == [{"id": "e1"}]


def test_bytes_of_no_known_form_are_in_base64() -> None:
    assert value_of("vesselflow.positions", b"\xff\x00") == {"base64": "/wA="}
    assert value_of("somebody.elses", b"\xff\x00") == {"base64": "/wA="}
    assert readable("somebody.elses", b"\xff", None) == ({"base64": "/w=="}, None)


def test_a_deleted_row_is_null() -> None:
    assert readable("vesselflow-state-ingest-changelog", b"00003/00012", None) == ("00003/00012", None)


def test_a_bucket_of_statics_shows_texts_and_null_for_what_is_unknown() -> None:
    value = bucket(new_statics(), mmsi=244_660_000, name="ORIANA", draught_m=10.4)

    shown = value_of("vesselflow-state-ingest-changelog", value, b"00003/00012")

    assert (shown["offset"], shown["origins"]) == (7, {3: (5, 1)})
    (vessel,) = shown["vessels"]
    assert vessel["vessel"] == "mmsi:244660000"
    assert (vessel["name"], vessel["imo"], vessel["draught_m"], vessel["eta"]) == ("ORIANA", None, 10.4, None)


def test_a_bucket_of_fences_shows_which_and_since_when() -> None:
    value = bucket(
        geofence.new_states(64),
        note={"in": {"f1": {"since_ms": 1000, "inside": True}, "f2": {"since_ms": 1500}}},
        fences=99,
        at_ms=2000,
    )

    (vessel,) = value_of("vesselflow-state-geofence-changelog", value, b"00003/00012")["vessels"]

    assert vessel["fences"] == {"f1": "1970-01-01T00:00:01.000Z"}
    assert vessel["at"] == "1970-01-01T00:00:02.000Z"
    assert "note" not in vessel


def test_what_the_detectors_keep_as_numbers_is_shown_in_words() -> None:
    status = bucket(changes.new_states(64), status_plus_1=6, eta_minute=1, flag="NL")
    speed = bucket(movement.new_states(64), level=2, candidate_level=1, candidate_since_ms=3000)
    silence = bucket(gap.new_states(64), silence=1)

    (reported,) = value_of("vesselflow-state-changes-changelog", status, b"00003/00012")["vessels"]
    (moving,) = value_of("vesselflow-state-movement-changelog", speed, b"00003/00012")["vessels"]
    (dark,) = value_of("vesselflow-state-gap-changelog", silence, b"00003/00012")["vessels"]

    assert (reported["status"], reported["eta"], reported["flag"]) == ("Moored", "01-01T00:00", "NL")
    assert (moving["level"], moving["candidate_level"]) == ("under way", "stopped")
    assert moving["candidate_since"] == "1970-01-01T00:00:03.000Z"
    assert dark["silence"] == "dark"


def test_a_bucket_of_another_table_is_read_the_same_way() -> None:
    value = bucket(activity.new_states(64), flag="NL", last_seen_ms=5000)

    (row,) = bucket_vessels(value)

    assert (row["vessel"], row["flag"], row["ship_type"], row["last_seen_ms"]) == (244_660_000, "NL", None, 5000)


def test_a_progress_is_an_object() -> None:
    value = msgspec.msgpack.encode(Progress(1, 41, {3: (45, 56)}, {0: 2}))

    shown = value_of("vesselflow-state-geofence-changelog", value, b"00009/progress")

    assert shown == {"version": 1, "offset": 41, "origins": {3: (45, 56)}, "rows": {0: 2}}


def test_a_window_and_the_progress_among_windows_are_told_apart_by_the_key() -> None:
    topic = "vesselflow-windows-activity-changelog"
    body = msgspec.msgpack.encode(activity.WindowSum(positions=3))
    window = msgspec.msgpack.encode([1, 41, {}, body])
    progress = msgspec.msgpack.encode(Progress(1, 41, {}, {}))

    key, shown = readable(topic, b"[2,[1795394690.0,1795394700.0]]", window)

    assert key == [2, [1795394690.0, 1795394700.0]]
    assert shown == {"offset": 41, "origins": {}, "window": activity.WindowSum(positions=3)}
    assert value_of(topic, progress, b"[2,[-1.0,9.0]]")["offset"] == 41
