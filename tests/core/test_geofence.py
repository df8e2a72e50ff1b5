"""The plain policy, fix by fix. Timelines run from left to right; `[ ]` is the fence, digits are fixes."""

import csv
import random
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.tracks import DATA, Fix, batch_of, millis, run, sydney_track
from vesselflow.core.errors import UsageError
from vesselflow.core.fences import fence_hash
from vesselflow.core.geofence import FenceHistory, GeofencePolicy, detect, new_states
from vesselflow.core.model import Event, FenceVersion
from vesselflow.core.shapes import parse_geojson

SQUARE = shapely.box(0, 0, 1, 1)
MINUTE = 60_000


def fence(
    id: str, shape: shapely.Geometry = SQUARE, *, from_ms: int = -(10**15), until_ms: int | None = None
) -> FenceVersion:
    return FenceVersion(
        id=id, client_id="acme", name=f"Port {id}", wkb=shapely.to_wkb(shape), from_ms=from_ms, until_ms=until_ms
    )


def plain(*fences: FenceVersion, alert_limit_ms: int | None = None) -> GeofencePolicy:
    return GeofencePolicy(fences=FenceHistory(fences), alert_limit_ms=alert_limit_ms)


def told(events: Sequence[Event]) -> list[tuple[int, str, str]]:
    return [(event.at_ms, event.kind.removeprefix("geofence."), str(event.geofence_id)) for event in events]


def along(*lons: float, lat: float = 0.5, vessel: int = 235_000_001) -> list[Fix]:
    return [Fix(vessel=vessel, at_ms=number, lon_deg=lon, lat_deg=lat) for number, lon in enumerate(lons)]


def test_a_vessel_that_passes_through_enters_once_and_exits_once() -> None:
    # 0  [ 1  2 ]  3  4
    fixes = along(-1, 0.2, 0.8, 2, 3)

    events = run(detect, new_states(8), fixes, plain(fence("a")))

    assert told(events) == [(1, "entered", "a"), (3, "exited", "a")]


def test_a_first_fix_inside_is_entered() -> None:
    assert told(run(detect, new_states(8), along(0.5), plain(fence("a")))) == [(0, "entered", "a")]


def test_a_first_fix_outside_is_nothing() -> None:
    assert run(detect, new_states(8), along(5), plain(fence("a"))) == []


@pytest.mark.parametrize("place", [(0.0, 0.5), (1.0, 0.5), (0.5, 0.0), (0.5, 1.0), (0.0, 0.0), (1.0, 1.0)])
def test_a_point_on_the_edge_is_inside(place: tuple[float, float]) -> None:
    fixes = [Fix(lon_deg=place[0], lat_deg=place[1])]

    assert told(run(detect, new_states(8), fixes, plain(fence("a")))) == [(0, "entered", "a")]


def test_a_hole_is_outside_and_its_edge_inside() -> None:
    ring = shapely.Polygon(SQUARE.exterior, [shapely.box(0.4, 0.4, 0.6, 0.6).exterior])
    # [ 0  ( 1 )  2 on the hole's edge ]
    fixes = along(0.2, 0.5, 0.6)

    events = run(detect, new_states(8), fixes, plain(fence("a", ring)))

    assert told(events) == [(0, "entered", "a"), (1, "exited", "a"), (2, "entered", "a")]


def test_the_parts_of_a_multipolygon_are_one_fence() -> None:
    parts = shapely.MultiPolygon([SQUARE, shapely.box(10, 0, 11, 1)])
    # [ 0 ]            [ 1 ]  2
    fixes = along(0.5, 10.5, 12)

    events = run(detect, new_states(8), fixes, plain(fence("a", parts)))

    assert told(events) == [(0, "entered", "a"), (2, "exited", "a")]


def test_exits_come_before_enters_and_each_by_fence_id() -> None:
    # [b][d] around fix 0, [a][c] around fix 1
    far = shapely.box(5, 0, 6, 1)
    policy = plain(fence("d"), fence("c", far), fence("b"), fence("a", far))

    events = run(detect, new_states(8), along(0.5, 5.5), policy)

    assert told(events)[2:] == [(1, "exited", "b"), (1, "exited", "d"), (1, "entered", "a"), (1, "entered", "c")]


def test_two_vessels_in_one_batch_are_told_apart() -> None:
    # vessel 1: [ 0 ] 2      vessel 2: 1 [ 3 ]
    fixes = [
        Fix(vessel=1, at_ms=0, lon_deg=0.5, lat_deg=0.5),
        Fix(vessel=2, at_ms=1, lon_deg=5.0, lat_deg=0.5),
        Fix(vessel=1, at_ms=2, lon_deg=5.0, lat_deg=0.5),
        Fix(vessel=2, at_ms=3, lon_deg=0.5, lat_deg=0.5),
    ]

    events = run(detect, new_states(8), fixes, plain(fence("a")))

    assert [(event.vessel, event.at_ms, event.kind) for event in events] == [
        (1, 0, "geofence.entered"),
        (1, 2, "geofence.exited"),
        (2, 3, "geofence.entered"),
    ]


def test_a_visit_within_one_batch_is_told_although_the_state_ends_where_it_began() -> None:
    states = new_states(8)

    events = run(detect, states, along(-1, 0.5, 2), plain(fence("a")))

    assert told(events) == [(1, "entered", "a"), (2, "exited", "a")]
    assert states.rows["fences"].tolist() == [0]
    assert states.notes == {}


def test_an_event_says_who_where_and_whose_fence() -> None:
    fix = Fix(vessel=235_000_001, at_ms=5, received_ms=9, lon_deg=0.5, lat_deg=0.25, name="ORIANA", flag="GB")

    (event,) = run(detect, new_states(8), [fix], plain(fence("a")))

    assert event == Event(
        id=event.id,
        kind="geofence.entered",
        vessel=235_000_001,
        mmsi=235_000_001,
        at_ms=5,
        first_fix_ms=5,
        received_ms=9,
        lon_deg=0.5,
        lat_deg=0.25,
        name="ORIANA",
        flag="GB",
        client_id="acme",
        geofence_id="a",
        geofence_name="Port a",
    )


def test_ids_are_uuids_that_never_change() -> None:
    # Another id would notify every client of everything again. Computed apart, by Python's uuid.uuid5 from
    # the text that docs/detectors.md describes.
    first, second = run(detect, new_states(8), along(0.5, 5), plain(fence("a")))

    assert UUID(first.id).version == 5
    assert [first.id, second.id] == ["cc5a4dd1-daba-5034-beb8-d5ea5678fb9f", "0651e0bb-bd90-5920-afa7-06c39fc53ddc"]


def test_a_fences_hash_never_changes() -> None:
    # From coreutils: printf a | b2sum -l 64
    assert fence_hash("a") == int.from_bytes(bytes.fromhex("40f89e395b66422f"), "little")


def test_the_same_fixes_again_give_the_same_ids() -> None:
    fixes = along(-1, 0.5, 2)

    once = run(detect, new_states(8), fixes, plain(fence("a")))
    again = run(detect, new_states(16), fixes, plain(fence("a")), cuts=[1, 2])

    assert [event.id for event in once] == [event.id for event in again]


def test_the_state_remembers_which_fences_and_since_when() -> None:
    states = new_states(8)

    run(detect, states, along(0.5, 0.6, 0.7), plain(fence("a"), fence("b", shapely.box(0.55, 0, 2, 1))))

    assert {id: stay.since_ms for id, stay in states.notes[0]["in"].items()} == {"a": 0, "b": 1}


def test_detecting_changes_neither_state_nor_batch() -> None:
    states, policy = new_states(8), plain(fence("a"))
    run(detect, states, along(0.5), policy)
    batch = batch_of(along(5, 0.5))
    rows, notes = states.rows.copy(), {slot: dict(note) for slot, note in states.notes.items()}
    columns = {name: getattr(batch, name).copy() for name in ("lon_deg", "lat_deg", "at_ms", "vessel")}
    states.dirty[:] = False

    detect(states, batch, policy)

    assert (states.rows == rows).all()
    assert states.notes == notes
    assert not states.dirty.any()
    assert all((getattr(batch, name) == column).all() for name, column in columns.items())


def test_a_batch_of_read_only_columns_is_fine() -> None:
    batch = batch_of(along(0.5, 5))
    for column in (batch.vessel, batch.at_ms, batch.received_ms, batch.lon_deg, batch.lat_deg):
        column.flags.writeable = False

    assert len(detect(new_states(8), batch, plain(fence("a"))).events) == 2


def test_vessels_that_cross_nothing_change_no_row() -> None:
    states, policy = new_states(8), plain(fence("a"))
    run(detect, states, along(0.5), policy)
    states.dirty[:] = False

    states.apply(detect(states, batch_of(along(0.6, 0.7)), policy))

    assert not states.dirty.any()


def test_an_empty_batch_and_no_fences_are_nothing() -> None:
    assert detect(new_states(8), batch_of([]), plain(fence("a"))).events == []
    assert detect(new_states(8), batch_of(along(0.5)), plain()).events == []


def test_an_empty_shape_contains_nothing_and_disturbs_no_other() -> None:
    policy = plain(fence("a", shapely.Polygon()), fence("b"))

    assert told(run(detect, new_states(8), along(0.5), policy)) == [(0, "entered", "b")]
    assert run(detect, new_states(8), along(0.5), plain(fence("a", shapely.Polygon()))) == []


def test_a_fix_too_old_when_received_moves_the_state_silently() -> None:
    # received:  0 s        60.001 s late: no alert      in time: exit
    fixes = [
        Fix(at_ms=0, lon_deg=5.0, lat_deg=0.5),
        Fix(at_ms=1_000, received_ms=61_001, lon_deg=0.5, lat_deg=0.5),
        Fix(at_ms=2_000, received_ms=62_000, lon_deg=5.0, lat_deg=0.5),
    ]

    events = run(detect, new_states(8), fixes, plain(fence("a"), alert_limit_ms=MINUTE))

    assert told(events) == [(2_000, "exited", "a")]


def test_a_policy_that_needs_the_fix_before_needs_the_gate_that_keeps_it() -> None:
    with pytest.raises(UsageError, match="expected a reach where a first fix announces nothing"):
        GeofencePolicy(fences=FenceHistory(), unknown_is_outside=False)


def test_a_position_is_judged_by_the_fences_in_force_when_it_was_received() -> None:
    # fence:      |--- 100 ... 200 ---|
    # received: 99 100           199  200
    policy = plain(fence("a", from_ms=100, until_ms=200))
    fixes = [
        Fix(vessel=vessel, at_ms=vessel, received_ms=received, lon_deg=0.5, lat_deg=0.5)
        for vessel, received in enumerate((99, 100, 199, 200), start=1)
    ]

    events = run(detect, new_states(8), fixes, policy)

    assert [event.vessel for event in events] == [2, 3]


@pytest.mark.parametrize("cuts", [(), (1,), (2,), (1, 2)])
def test_an_edit_keeps_the_fence_and_the_next_fix_decides_by_the_new_shape(cuts: tuple[int, ...]) -> None:
    # shape until 10:  [ 0 ]          shape from 10:            [ 2 ]
    #                          and fix 1, after the edit, at fix 0's place: outside of the new shape
    policy = plain(fence("a", until_ms=10), fence("a", shapely.box(10, 0, 11, 1), from_ms=10))
    fixes = [
        Fix(at_ms=0, lon_deg=0.5, lat_deg=0.5),
        Fix(at_ms=11, lon_deg=0.5, lat_deg=0.5),
        Fix(at_ms=12, lon_deg=10.5, lat_deg=0.5),
    ]

    events = run(detect, new_states(8), fixes, policy, cuts=cuts)

    assert told(events) == [(0, "entered", "a"), (11, "exited", "a"), (12, "entered", "a")]


def test_an_edit_around_a_vessel_that_stays_inside_is_nothing() -> None:
    policy = plain(fence("a", until_ms=10), fence("a", shapely.box(-5, -5, 5, 5), from_ms=10))
    fixes = [Fix(at_ms=0, lon_deg=0.5, lat_deg=0.5), Fix(at_ms=11, lon_deg=0.5, lat_deg=0.5)]

    assert told(run(detect, new_states(8), fixes, policy)) == [(0, "entered", "a")]


@pytest.mark.parametrize("cuts", [(), (1,), (2,), (1, 2, 3)])
def test_a_deleted_fence_announces_nothing_and_leaves_no_trace(cuts: tuple[int, ...]) -> None:
    # fence a: ... 10          fence b: always
    # [a 0 b]   [b 11]   12 outside of both
    policy = plain(fence("a", until_ms=10), fence("b"))
    fixes = [
        Fix(at_ms=0, lon_deg=0.5, lat_deg=0.5),
        Fix(at_ms=11, lon_deg=0.5, lat_deg=0.5),
        Fix(at_ms=12, lon_deg=5.0, lat_deg=0.5),
    ]
    states = new_states(8)

    events = run(detect, states, fixes, policy, cuts=cuts)

    assert told(events) == [(0, "entered", "a"), (0, "entered", "b"), (12, "exited", "b")]
    assert states.notes == {}
    assert states.rows["fences"].tolist() == [0]


def test_a_fence_deleted_just_before_the_vessel_leaves_has_no_exit() -> None:
    policy = plain(fence("a", until_ms=10))
    fixes = [Fix(at_ms=0, lon_deg=0.5, lat_deg=0.5), Fix(at_ms=11, lon_deg=5.0, lat_deg=0.5)]

    assert told(run(detect, new_states(8), fixes, policy)) == [(0, "entered", "a")]


def test_of_two_versions_in_force_the_later_one_stands() -> None:
    policy = plain(fence("a", from_ms=0), fence("a", shapely.box(10, 0, 11, 1), from_ms=5))

    assert run(detect, new_states(8), [Fix(at_ms=6, lon_deg=0.5, lat_deg=0.5)], policy) == []


def test_a_new_history_takes_over_shapes_and_answers_as_a_fresh_one() -> None:
    old = FenceHistory([fence("a"), fence("b", shapely.box(3, 0, 4, 1))])
    versions = [fence("a"), fence("c", shapely.box(5, 0, 6, 1))]
    fixes = along(0.5, 3.5, 5.5)

    taken_over = run(detect, new_states(8), fixes, GeofencePolicy(fences=FenceHistory(versions, previous=old)))

    assert taken_over == run(detect, new_states(8), fixes, plain(*versions))


def test_a_long_history_is_gone_through_in_order() -> None:
    # A fence of its own for each of 40 spans of time.
    policy = plain(*(fence(f"f{span:02}", from_ms=span * 10, until_ms=span * 10 + 10) for span in range(40)))
    fixes = [Fix(vessel=span + 1, at_ms=span * 10, lon_deg=0.5, lat_deg=0.5) for span in range(40)]

    events = run(detect, new_states(8), fixes, policy)

    assert [event.geofence_id for event in events] == [f"f{span:02}" for span in range(40)]


# The corners of the world


@pytest.mark.parametrize(
    ("shape", "place"),
    [
        (shapely.box(179, -1, 180, 1), (180.0, 0.0)),
        (shapely.box(-180, -1, -179, 1), (-180.0, 0.0)),
        (shapely.box(-1, 89, 1, 90), (0.0, 90.0)),
        (shapely.box(-1, -90, 1, -89), (0.0, -90.0)),
        (shapely.box(-180, -90, 180, 90), (123.456, -45.6)),
    ],
)
def test_the_edges_of_the_map_are_on_it(shape: shapely.Geometry, place: tuple[float, float]) -> None:
    fixes = [Fix(lon_deg=place[0], lat_deg=place[1])]

    assert told(run(detect, new_states(8), fixes, plain(fence("a", shape)))) == [(0, "entered", "a")]


# Against others


def test_the_sydney_track_gives_exactly_the_expected_events() -> None:
    zones = parse_geojson((DATA / "amsa" / "zones.geojson").read_bytes())
    policy = GeofencePolicy(
        fences=FenceHistory(
            FenceVersion(id=str(zone.id), client_id="amsa", name=str(zone.name), wkb=zone.wkb, from_ms=0)
            for zone in zones
        )
    )
    kinds = {"initial-inside": "geofence.entered", "enter": "geofence.entered", "exit": "geofence.exited"}
    with (DATA / "amsa" / "503000530.expected_events.csv").open(encoding="utf-8") as file:
        expected = [(millis(row["time"]), kinds[row["event"]], row["zone"]) for row in csv.DictReader(file)]

    events = run(detect, new_states(8), sydney_track(), policy, cuts=range(0, 1301, 500))

    assert sorted((event.at_ms, event.kind, str(event.geofence_name)) for event in events) == sorted(expected)


SYDNEY = next(zone for zone in parse_geojson((DATA / "amsa" / "zones.geojson").read_bytes()) if zone.name == "Sydney")
SYDNEY_POLICY = GeofencePolicy(
    fences=FenceHistory([FenceVersion(id="SYD", client_id="amsa", name="Sydney", wkb=SYDNEY.wkb, from_ms=0)])
)
SYDNEY_TRACK = sydney_track()
SYDNEY_EVENTS = run(detect, new_states(8), SYDNEY_TRACK, SYDNEY_POLICY)


@settings(max_examples=40, deadline=None)
@given(cuts=st.sets(st.integers(1, len(SYDNEY_TRACK) - 1), max_size=60))
def test_where_batches_are_cut_changes_nothing(cuts: set[int]) -> None:
    assert run(detect, new_states(8), SYDNEY_TRACK, SYDNEY_POLICY, cuts=cuts) == SYDNEY_EVENTS


def by_hand(fixes: Sequence[Fix], versions: Sequence[FenceVersion]) -> list[tuple[int, int, str, str]]:
    """Judge each fix against each fence on its own, as the plan's loop does."""
    inside: dict[tuple[int, str], bool] = {}
    found = []
    for fix in fixes:
        received = fix.at_ms if fix.received_ms is None else fix.received_ms
        in_force = [
            each
            for each in versions
            if each.from_ms <= received and (each.until_ms is None or received < each.until_ms)
        ]
        for key in [key for key in inside if key[0] == fix.vessel and key[1] not in {each.id for each in in_force}]:
            del inside[key]
        for each in in_force:
            now = shapely.from_wkb(each.wkb).covers(shapely.Point(fix.lon_deg, fix.lat_deg))
            if now != inside.get((fix.vessel, each.id), False):
                found.append((fix.vessel, fix.at_ms, "entered" if now else "exited", each.id))
            inside[fix.vessel, each.id] = now
    return found


def blob(random_: random.Random) -> shapely.Geometry:
    """Return a polygon with corners on a coarse raster, at times with a hole or a second part."""
    x, y = random_.randint(-4, 4), random_.randint(-4, 4)
    angles = sorted(random_.sample(range(24), random_.randint(3, 9)))
    radii = [random_.choice([0.5, 1.0, 2.0]) for _ in angles]
    points = [
        (x + radius * np.cos(angle * np.pi / 12), y + radius * np.sin(angle * np.pi / 12))
        for angle, radius in zip(angles, radii, strict=True)
    ]
    shape = shapely.make_valid(shapely.Polygon(np.round(points, 2)))
    if random_.random() < 0.3:
        shape = shape.difference(shapely.box(x - 0.25, y - 0.25, x + 0.25, y + 0.25))
    if random_.random() < 0.3:
        shape = shape.union(shapely.box(x + 2, y + 2, x + 3, y + 3))
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return shapely.MultiPolygon(parts) if parts else shapely.box(x, y, x + 1, y + 1)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), cut=st.integers(1, 40))
def test_random_fences_and_fixes_give_what_a_loop_over_them_gives(seed: int, cut: int) -> None:
    random_ = random.Random(seed)
    versions = []
    for number in range(random_.randint(0, 12)):
        from_ms = random_.choice([-100, -100, random_.randint(0, 200)])
        middle, until = from_ms + random_.randint(1, 100), from_ms + random_.randint(101, 250)
        edited = random_.random() < 0.4
        ends = until if random_.random() < 0.5 else None
        versions.append(fence(f"f{number}", blob(random_), from_ms=from_ms, until_ms=middle if edited else ends))
        if edited:
            versions.append(fence(f"f{number}", blob(random_), from_ms=middle, until_ms=ends))
    # On a raster of halves fixes often lie on edges and corners.
    fixes = [
        Fix(
            vessel=random_.randint(1, 4),
            at_ms=at_ms,
            received_ms=at_ms + random_.randint(0, 30),
            lon_deg=random_.randint(-10, 10) / 2,
            lat_deg=random_.randint(-10, 10) / 2,
        )
        for at_ms in range(200)
    ]

    events = run(detect, new_states(8), fixes, plain(*versions), cuts=range(cut, 200, cut))

    found = [(event.vessel, event.at_ms, event.kind.removeprefix("geofence."), event.geofence_id) for event in events]
    assert sorted(found) == sorted(by_hand(fixes, versions))
    assert len({event.id for event in events}) == len(events)
