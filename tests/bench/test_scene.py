import numpy as np
import shapely

from bench.scene import CLIENTS, FENCES, VESSELS, Fleet, make_fences
from vesselflow.core.partition import partition_of
from vesselflow.core.wire import decode_states


def test_fences_are_valid_polygons_of_20_to_60_vertices_spread_over_the_clients() -> None:
    fences = make_fences()

    vertices = shapely.get_num_coordinates(fences.shapes) - 1
    assert len(fences.shapes) == FENCES
    assert shapely.is_valid(fences.shapes).all()
    assert (vertices.min(), vertices.max()) == (20, 60)
    assert len(fences.of_client(0)) == FENCES // CLIENTS


def test_records_hold_one_report_of_every_vessel_a_round_on_its_own_partition() -> None:
    fleet = Fleet(make_fences(), partitions=6)

    records = list(fleet.history(1, 1_767_225_600_000))

    states = [(partition, state) for partition, value in records for state in decode_states(value)]
    reports = [(partition, state.MMSI or 0) for partition, state in states if state.Longitude is not None]
    assert sorted(mmsi for _, mmsi in reports) == sorted(fleet.mmsi.tolist())
    assert all(partition_of(mmsi, 6) == partition for partition, mmsi in reports[::500])


def test_every_ferry_crosses_a_fence_with_every_second_report() -> None:
    fences = make_fences()
    fleet = Fleet(fences, partitions=6)
    ferries = np.arange(0, VESSELS, 100)

    reports = [fleet.report(ferries, np.full(len(ferries), at), 0) for at in (0, 15_000, 30_000, 45_000)]

    first, again, over, stays = (_inside(fences.shapes, states) for states in reports)
    assert (first, over) == (again, stays)
    assert all(one != two for one, two in zip(again, over, strict=True))


def _inside(shapes: object, states: object) -> list[set[int]]:
    points = shapely.points([(state.Longitude, state.Latitude) for state in states])  # type: ignore[attr-defined]
    found: list[set[int]] = [set() for _ in points]
    for point, fence in zip(*shapely.STRtree(shapes).query(points, predicate="intersects"), strict=True):
        found[point].add(int(fence))
    return found
