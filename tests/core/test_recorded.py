"""What a recording's states become, and what is counted of those that become nothing."""

from vesselflow.core.model import VesselState
from vesselflow.core.recorded import BATCH, RecordedPositions

AT_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def state(mmsi: int = 235_000_001, lon: float = 4.0, lat: float = 51.0, at: int | None = AT_MS) -> VesselState:
    return VesselState(MMSI=mmsi, Longitude=lon, Latitude=lat, Timestamp=at)


def test_a_position_counts_as_received_at_its_own_time() -> None:
    (batch,) = RecordedPositions([state(at=AT_MS)], identity="mmsi")

    assert (batch.at_ms.tolist(), batch.received_ms.tolist()) == ([AT_MS], [AT_MS])


def test_a_time_in_the_future_is_no_less_a_time() -> None:
    in_2100 = 4_102_444_800_000

    (batch,) = RecordedPositions([state(at=in_2100)], identity="mmsi")

    assert batch.at_ms.tolist() == [in_2100]


def test_every_state_is_in_a_batch_or_counted_by_reason() -> None:
    base_station, sart = 2_320_001, 970_000_001
    states = [
        state(),
        state(at=None),
        state(lon=0.0, lat=0.0),
        state(lon=181.0, lat=91.0),
        state(lon=200.0),
        state(mmsi=base_station),
        state(mmsi=sart),
        VesselState(Longitude=4.0, Latitude=51.0, Timestamp=AT_MS),
        VesselState(MMSI=235_000_001, VesselName="AURORA"),
        VesselState(MMSI=235_000_001, IMO=1234568, Longitude=4.0, Latitude=51.0, Timestamp=AT_MS),
    ]

    recorded = RecordedPositions(states, identity="mmsi")
    positions = sum(map(len, recorded))

    assert +recorded.left_out == {
        "no-time": 1,
        "position-not-available": 2,
        "bad-position": 1,
        "not-a-ship": 2,
        "no-identity": 1,
    }
    assert (recorded.records, positions, recorded.static_reports) == (10, 2, 1)
    assert recorded.records == positions + recorded.static_reports + recorded.left_out.total()
    assert +recorded.unread == {"bad-imo": 1}


def test_static_data_are_known_from_their_report_on_across_batches() -> None:
    report = VesselState(MMSI=235_000_001, VesselType=70)
    states = [state(), report, *[state() for _ in range(BATCH)]]

    first, second = RecordedPositions(states, identity="mmsi")

    assert (first.text("ship_type", 0), first.text("ship_type", 1), second.text("ship_type", 0)) == (
        None,
        "Cargo",
        "Cargo",
    )


def test_vessels_go_by_the_identity_asked_for() -> None:
    both = VesselState(MMSI=235_000_001, IMO=9074729, Longitude=4.0, Latitude=51.0, Timestamp=AT_MS)

    assert [batch.vessel.tolist() for batch in RecordedPositions([both], identity="imo")] == [[9074729]]
    assert [batch.vessel.tolist() for batch in RecordedPositions([both], identity="mmsi")] == [[235_000_001]]


def test_batches_without_positions_are_left_out() -> None:
    assert list(RecordedPositions([state(at=None)], identity="mmsi")) == []
