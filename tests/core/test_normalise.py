import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesselflow.core.model import Identity, VesselState
from vesselflow.core.normalise import Normalised, normalise
from vesselflow.core.states import Detection, VesselStates
from vesselflow.core.statics import new_statics
from vesselflow.core.wire import encode_states

NOW_MS = 1_800_000_000_000
SHIP = 235012345


def taken(record: Any, statics: VesselStates | None = None, identity: Identity = "mmsi") -> Normalised:
    """Normalise bytes, states, or values to be written as JSON, and apply what changed."""
    statics = statics if statics is not None else new_statics()
    has_states = isinstance(record, list) and record and isinstance(record[0], VesselState)
    if not isinstance(record, bytes) and not has_states:
        record = json.dumps(record).encode()
    found = normalise(
        record,
        statics,
        identity=identity,
        received_ms=NOW_MS,
        source_partition=3,
        source_offset=42,
        future_limit_ms=120_000,
    )
    statics.apply(found.detection)
    return found


def at(**more: Any) -> VesselState:
    fields = {"MMSI": SHIP, "Latitude": 50.5, "Longitude": 1.5, "Timestamp": NOW_MS} | more
    return VesselState(**fields)


def test_the_plans_single_state_becomes_a_position() -> None:
    found = taken({"IMO": 9074729, "Latitude": 51.9, "Longitude": 4.1, "AISDestination": "NLRTM"}, identity="imo")

    batch = found.batch
    assert (batch.vessel[0], batch.imo[0], batch.mmsi[0]) == (9074729, 9074729, 0)
    assert (batch.lon_deg[0], batch.lat_deg[0], batch.at_ms[0]) == (4.1, 51.9, NOW_MS)
    assert batch.text("destination", 0) == "NLRTM"
    assert (batch.source_partition[0], batch.source_offset[0], batch.source_index[0]) == (3, 42, 0)
    assert found.rejects == []


def test_values_not_available_become_nan() -> None:
    full = at(SpeedOverGround=102.3, CourseOverGround=360.0, Heading=511, NavigationalStatus=15, MessageType=1)
    long_range = at(SpeedOverGround=63.0, CourseOverGround=511.0, MessageType=27)

    batch = taken([full, long_range]).batch

    for column in (batch.sog_kn, batch.cog_deg, batch.heading_deg):
        assert np.isnan(column).all()
    assert batch.nav_status.tolist() == [-1, -1]


@pytest.mark.parametrize(("lat", "lon"), [(91.0, 181.0), (91.0, 4.0), (51.0, 181.0), (0.0, 0.0)])
def test_a_position_not_available_is_counted_and_its_static_data_kept(lat: float, lon: float) -> None:
    statics = new_statics()

    found = taken([at(Latitude=lat, Longitude=lon, VesselName="AURORA")], statics)

    assert (len(found.batch), found.rejects, found.counts) == (0, [], {"position-not-available": 1})
    assert taken([at()], statics).batch.text("name", 0) == "AURORA"


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ({"MMSI": SHIP, "Latitude": 95, "Longitude": 1}, "bad-position"),
        ({"MMSI": SHIP, "Latitude": "abc", "Longitude": 1}, "bad-position"),
        ({"MMSI": SHIP, "Latitude": 50, "Longitude": 180.5}, "bad-position"),
        ({"MMSI": SHIP, "Latitude": 50}, "bad-position"),
        ({"MMSI": SHIP}, "no-position"),
        ({"Latitude": 50, "Longitude": 1}, "no-identity"),
        ({"MMSI": 0, "Latitude": 50, "Longitude": 1}, "no-identity"),
        ({"IMO": 9074728, "Latitude": 50, "Longitude": 1}, "bad-imo"),
        ({"MMSI": -5, "Latitude": 50, "Longitude": 1}, "bad-mmsi"),
        ({"MMSI": 10**30, "Latitude": 50, "Longitude": 1}, "bad-mmsi"),
        ({"MMSI": SHIP, "Latitude": 50, "Longitude": 1, "Timestamp": "yesterday"}, "bad-time"),
        ([1, 2], "not-a-state"),
        ("text", "not-a-state"),
        (None, "not-a-state"),
    ],
)
def test_a_bad_element_is_rejected_with_a_reason_and_spoils_no_other(element: Any, reason: str) -> None:
    good = {"MMSI": SHIP, "Latitude": 50.5, "Longitude": 1.5}

    found = taken([good, element, good])

    assert [(reject.index, reject.reason) for reject in found.rejects] == [(1, reason)]
    assert found.batch.source_index.tolist() == [0, 2]


@pytest.mark.parametrize("record", [b"", b"  ", b"hello", b'{"IMO":', b"[" * 100_000, b"\xff\xfe"])
def test_a_record_that_is_not_json_is_one_reject(record: bytes) -> None:
    found = taken(record)

    assert [(reject.index, reject.reason) for reject in found.rejects] == [(None, "not-json")]


@pytest.mark.parametrize("number", ["1e400", "9" * 400, "9" * 5000, "NaN", "-Infinity", '"NaN"', '"\\ud800"', "[[[]]]"])
def test_a_hostile_number_spoils_no_other_element(number: str) -> None:
    record = f'[{{"MMSI": {SHIP}, "Latitude": 50.5, "Longitude": 1.5}}, {{"MMSI": {SHIP}, "Latitude": {number}, "Longitude": 1}}]'

    found = taken(record.encode())

    assert len(found.batch) == 1
    assert [reject.index for reject in found.rejects] == [1]


@pytest.mark.parametrize("kind", [2320001, 992351000, 111232511, 970123456, 123456789, 12345])
def test_what_is_no_ship_is_counted_and_left_out(kind: int) -> None:
    found = taken([at(MMSI=kind)])

    assert (len(found.batch), found.rejects, found.counts) == (0, [], {"not-a-ship": 1})


def test_a_bad_imo_number_is_left_out_when_the_mmsi_tells_the_vessel() -> None:
    found = taken([at(IMO=9074728)])

    assert (found.batch.vessel[0], found.batch.imo[0], found.counts["bad-imo"]) == (SHIP, 0, 1)


def test_fields_by_other_names_and_numbers_as_text_are_understood() -> None:
    row = {
        "mmsi": str(SHIP),
        "LAT": "50.5",
        "LON": "1.5",
        "BaseDateTime": "2026-01-01T00:00:00",
        "SOG": "12.5",
        "COG": "90",
        "Vessel_Name": "AURORA",
        "IMO": "IMO9074729",
        "ship_type": "70",
        "destination": "NLRTM",
    }

    batch = taken([row]).batch

    assert (batch.lon_deg[0], batch.lat_deg[0], batch.sog_kn[0], batch.cog_deg[0]) == (1.5, 50.5, 12.5, 90.0)
    assert (batch.imo[0], batch.at_ms[0]) == (9074729, 1_767_225_600_000)
    assert [batch.text(column, 0) for column in ("name", "ship_type", "flag", "destination")] == [
        "AURORA",
        "Cargo",
        "GB",
        "NLRTM",
    ]


def test_a_lesser_value_that_cannot_be_read_costs_only_itself() -> None:
    found = taken([{"MMSI": SHIP, "Latitude": 50.5, "Longitude": 1.5, "SOG": "fast"}])

    assert np.isnan(found.batch.sog_kn[0])
    assert found.counts == {"positions": 1, "bad-value": 1}


def test_a_static_report_counts_from_its_place_on() -> None:
    # index        0      1                2      3
    # ship A       fix    static "NEW"     fix
    # ship B                                      fix
    static = VesselState(MMSI=SHIP, VesselName="NEW", VesselType=80, IMO=9074729, MessageType=5)

    batch = taken([at(), static, at(), at(MMSI=244660000)]).batch

    assert batch.source_index.tolist() == [0, 2, 3]
    assert [batch.text("name", row) for row in range(3)] == [None, "NEW", None]
    assert [batch.text("flag", row) for row in range(3)] == ["GB", "GB", "NL"]
    assert batch.imo.tolist() == [0, 9074729, 0]


def test_the_result_does_not_depend_on_how_records_are_cut() -> None:
    names = ["A", None, "B", None, "", None, "C", None]
    states = [
        at(MMSI=SHIP + number % 2, VesselName=name, AISDestination=name, Latitude=None if number % 3 == 2 else 1.0)
        for number, name in enumerate(names)
    ]
    states = [
        VesselState(MMSI=s.MMSI, VesselName=s.VesselName, MessageType=5) if s.Latitude is None else s for s in states
    ]

    whole = taken(states).batch
    statics = new_statics()
    parts = [taken([state], statics).batch for state in states]

    for column in ("name", "destination"):
        single = [part.text(column, 0) for part in parts if len(part)]
        assert [whole.text(column, row) for row in range(len(whole))] == single


def test_static_data_outlive_their_record() -> None:
    statics = new_statics()
    taken([VesselState(MMSI=SHIP, VesselName="AURORA", Draught=5.5, MessageType=5)], statics)

    assert taken([at()], statics).batch.text("name", 0) == "AURORA"
    assert statics.rows["draught_m"][0] == 5.5


def test_draught_and_eta_of_a_static_report_stand_at_the_positions_after_it() -> None:
    statics = new_statics()
    taken([VesselState(MMSI=SHIP, Draught=10.4, ETA="05-14T20:10Z", MessageType=5)], statics)

    batch = taken(
        [at(), at(MMSI=SHIP + 1), at(Draught=0.0, ETA="00-00T24:60Z"), at(ETA="2026-05-15T20:10:00Z")], statics
    ).batch

    assert np.round(batch.draught_m, 1).tolist()[::2] == pytest.approx([10.4, 10.4])
    assert np.isnan(batch.draught_m).tolist() == [False, True, False, False]
    etas = [batch.text("eta", row) for row in range(4)]
    assert etas == ["05-14T20:10", None, "05-14T20:10", "2026-05-15T20:10Z"]


def test_an_eta_that_an_older_version_kept_still_stands() -> None:
    statics = new_statics()
    slots = statics.slots(np.array([SHIP]))
    rows = statics.rows[slots]
    rows["eta"] = statics.strings.number("05-14T20:10Z")
    statics.apply(Detection(slots=slots, rows=rows))

    assert taken([at()], statics).batch.text("eta", 0) == "05-14T20:10Z"


def test_blank_overwrites_no_name_but_unsets_the_destination() -> None:
    statics = new_statics()
    taken([at(VesselName="AURORA", AISDestination="NLRTM")], statics)

    batch = taken([at(VesselName="@@@@", AISDestination="   ")], statics).batch

    assert (batch.text("name", 0), batch.text("destination", 0)) == ("AURORA", None)


def test_a_state_without_a_destination_keeps_the_known_one() -> None:
    statics = new_statics()
    taken([at(AISDestination="NLRTM")], statics)

    assert taken([at()], statics).batch.text("destination", 0) == "NLRTM"


def test_a_flag_that_the_source_gives_wins_over_the_mmsis() -> None:
    assert taken([at(Flag="mt")]).batch.text("flag", 0) == "MT"


@pytest.mark.parametrize(
    ("written", "at_ms", "counts"),
    [
        (None, NOW_MS, {}),
        (NOW_MS - 5, NOW_MS - 5, {}),
        (NOW_MS + 120_000, NOW_MS + 120_000, {}),
        (NOW_MS + 120_001, NOW_MS, {"future": 1}),
        ("2026-01-01T00:00:00Z", 1_767_225_600_000, {}),
        (1_767_225_600, 1_767_225_600_000, {}),
    ],
)
def test_the_time_is_the_positions_own_clamped_to_its_receipt(
    written: int | str | None, at_ms: int, counts: dict[str, int]
) -> None:
    found = taken([at(Timestamp=written)])

    assert found.batch.at_ms.tolist() == [at_ms]
    assert found.counts == {"positions": 1} | counts


def test_nothing_changes_until_the_detection_is_applied() -> None:
    statics = new_statics()

    normalise(
        encode_states([at(VesselName="AURORA")]),
        statics,
        identity="mmsi",
        received_ms=NOW_MS,
        source_partition=0,
        source_offset=0,
        future_limit_ms=0,
    )

    assert statics.rows["name"].tolist() == [-1]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
elements = json_values | st.dictionaries(
    st.sampled_from([*VesselState.__struct_fields__, "lat", "LON", "mmsi", "ship_type", "x"]), json_values, max_size=8
)


@given(st.lists(elements, max_size=6), st.sampled_from(["imo", "mmsi"]))
def test_whatever_json_comes_every_element_is_accounted_for(record: list[Any], identity: Identity) -> None:
    found = taken(json.dumps(record).encode(), identity=identity)

    uses = ("positions", "static-only", "position-not-available", "not-a-ship")
    assert len(found.rejects) + sum(found.counts.get(name, 0) for name in uses) == len(record)
    assert (np.abs(found.batch.lat_deg) <= 90).all()


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(record: bytes) -> None:
    taken(record)
