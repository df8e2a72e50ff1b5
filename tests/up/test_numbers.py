"""The worker's metrics become counts that survive its restarts."""

from collections import Counter

from vesselflow.up.numbers import Numbers, counted, quantile_ms

METRICS = """
# TYPE vesselflow_positions_total counter
vesselflow_positions_total{agent="ingest"} 100.0
vesselflow_positions_total{agent="geofence"} 90.0
# TYPE vesselflow_events_total counter
vesselflow_events_total{kind="geofence.entered"} 7.0
vesselflow_events_total{kind="geofence.exited"} 3.0
# TYPE vesselflow_partition_lag_records gauge
vesselflow_partition_lag_records{topic="a"} 4.0
vesselflow_partition_lag_records{topic="b"} 5.0
"""


def metrics(positions: int) -> str:
    return f'# TYPE vesselflow_positions_total counter\nvesselflow_positions_total{{agent="ingest"}} {positions}\n'


def test_positions_are_ingests_and_all_kinds_of_events_count() -> None:
    found, lag = counted(METRICS)

    assert found == Counter(positions=100, events=10)
    assert lag == 9


def test_a_counter_that_began_anew_adds_to_what_was_counted_before() -> None:
    numbers = Numbers("http://127.0.0.1:1")

    for positions in (100, 150, 20, 30):  # restarted before the third
        numbers._take(metrics(positions))

    assert numbers.totals["positions"] == 180


async def test_a_worker_that_does_not_answer_leaves_the_numbers_as_they_are() -> None:
    numbers = Numbers("http://127.0.0.1:1")

    assert not await numbers.refresh()
    assert not numbers.totals


def test_a_quantile_is_a_time_that_was_measured() -> None:
    times = [float(each) for each in range(1, 101)]

    assert quantile_ms(times, 0.5) == 50.0
    assert quantile_ms(times, 0.99) == 99.0
