import numpy as np
import pytest

from vesselflow.core.ais import is_imo, mmsi_kind
from vesselflow.core.model import VesselState
from vesselflow.core.normalise import normalise
from vesselflow.core.statics import new_statics
from vesselflow.sources.sea_ports import EARTH_RADIUS_M, sea_ports, unit_vectors
from vesselflow.sources.simulate import Fleet

START_MS = 1_800_000_000_000


def sailed(*, vessels: int, rate: float, seed: int, seconds: int, tick_ms: int = 100) -> list[VesselState]:
    fleet = Fleet(vessels=vessels, rate=rate, seed=seed, start_ms=START_MS)
    ticks = range(START_MS + tick_ms, START_MS + seconds * 1000 + 1, tick_ms)
    return [state for now_ms in ticks for state in fleet.report(now_ms)]


def test_the_same_seed_makes_the_same_states_and_another_seed_others() -> None:
    first = sailed(vessels=50, rate=50.0, seed=7, seconds=5)

    assert first == sailed(vessels=50, rate=50.0, seed=7, seconds=5)
    assert first != sailed(vessels=50, rate=50.0, seed=8, seconds=5)


def test_vessels_are_ships_of_their_own_with_valid_numbers() -> None:
    fleet = Fleet(vessels=20_000, rate=1000.0, seed=1, start_ms=START_MS)

    assert len(set(fleet.mmsi.tolist())) == 20_000
    assert {mmsi_kind(mmsi) for mmsi in fleet.mmsi.tolist()} == {"ship"}
    imo = fleet.imo[fleet.imo != 0].tolist()
    assert len(set(imo)) == len(imo)
    assert all(map(is_imo, imo))


def test_about_as_many_states_come_as_were_asked_for() -> None:
    states = sailed(vessels=2000, rate=400.0, seed=1, seconds=60)

    positions = sum(state.MessageType == 1 for state in states)
    assert 60 * 400 * 0.8 < positions < 60 * 400 * 1.2


def test_ingest_finds_nothing_wrong_and_knows_every_vessel() -> None:
    states = sailed(vessels=100, rate=100.0, seed=1, seconds=60)

    found = normalise(
        states,
        new_statics(),
        identity="mmsi",
        received_ms=START_MS + 60_000,
        source_partition=0,
        source_offset=0,
        future_limit_ms=0,
    )

    assert found.rejects == []
    assert set(found.counts) == {"positions", "static-only"}
    assert all(found.batch.text("destination", row) for row in range(len(found.batch)))


def test_a_ship_covers_the_ground_its_speed_says() -> None:
    fleet = Fleet(vessels=200, rate=2000.0, seed=3, start_ms=START_MS)
    tracks: dict[int, list[VesselState]] = {}
    for now_ms in range(START_MS, START_MS + 600_000, 10_000):
        for state in fleet.report(now_ms):
            if state.MessageType == 1 and state.NavigationalStatus == 0 and state.MMSI:
                tracks.setdefault(state.MMSI, []).append(state)

    for track in tracks.values():
        lon = np.array([state.Longitude for state in track], dtype=float)
        lat = np.array([state.Latitude for state in track], dtype=float)
        at_s = np.array([state.Timestamp for state in track], dtype=float) / 1000
        places = unit_vectors(lon_deg=lon, lat_deg=lat)
        metres = EARTH_RADIUS_M * np.linalg.norm(places[-1] - places[0])
        if len(track) > 10:
            knots = metres / (at_s[-1] - at_s[0]) * 3600 / 1852
            assert knots == pytest.approx(np.mean([state.SpeedOverGround for state in track]), rel=0.05)


def test_a_ship_whose_stay_is_over_announces_its_next_port_at_once() -> None:
    fleet = Fleet(vessels=100, rate=100.0, seed=1, start_ms=START_MS)
    fleet.report(START_MS + 10_000)
    before = list(fleet.destination)
    later_ms = START_MS + 14 * 86_400_000  # longer than any voyage but the slowest

    told = {state.MMSI: state.AISDestination for state in fleet.report(later_ms) if state.MessageType == 5}

    changed = [ship for ship in range(100) if fleet.destination[ship] != before[ship]]
    assert len(changed) > 20
    assert all(told[int(fleet.mmsi[ship])] == fleet.destination[ship] for ship in changed)


def test_the_ports_lie_where_they_are() -> None:
    ports = sea_ports()
    rotterdam = ports.vectors[ports.locodes.index("NLRTM")]

    there = unit_vectors(lon_deg=np.array([4.48]), lat_deg=np.array([51.92]))[0]
    assert EARTH_RADIUS_M * np.linalg.norm(rotterdam - there) < 25_000
    assert len(ports.names) == 523
