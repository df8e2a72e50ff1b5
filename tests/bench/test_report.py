import json

import pytest

from bench.report import BenchError, Report, Result, environment, percentile
from bench.throughput import RATES_PER_S, Drain, report_of

REPORT = Report(
    "example",
    [Result("rate", 25_000.0, "positions/s", "higher"), Result("p99", 12.5, "ms", "lower")],
    {"peer": 10.42},
    {"cores": 2},
    goals={"rate": 20_000.0, "p99": 10.0, "ratio to peer": 10.0},
    remarks=("a remark",),
)


def test_a_percentile_is_one_of_the_values_by_nearest_rank() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]

    assert [percentile(values, share) for share in (0.0, 0.2, 0.5, 0.99, 1.0)] == [1.0, 1.0, 3.0, 5.0, 5.0]


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(BenchError, match="got none"):
        percentile([], 0.5)


def test_the_json_is_one_line_with_the_keys_that_programs_read() -> None:
    line = REPORT.as_json()

    assert "\n" not in line
    assert json.loads(line) == {
        "bench": "example",
        "results": [
            {"name": "rate", "value": 25_000.0, "unit": "positions/s", "better": "higher"},
            {"name": "p99", "value": 12.5, "unit": "ms", "better": "lower"},
        ],
        "ratios": {"peer": 10.42},
        "environment": {"cores": 2},
    }


def test_the_table_tells_which_goals_are_met() -> None:
    assert REPORT.table().splitlines() == [
        "example",
        "  rate           25,000 positions/s  goal at least 20,000: met",
        "  p99              12.5 ms           goal at most 10: MISSED",
        "  ratio to peer    10.4 times        goal at least 10: met",
        "  a remark",
    ]


def test_the_environment_names_cores_memory_and_versions() -> None:
    found = environment(kafka="4.1.1")

    assert {"cores", "memory_gb", "versions", "kafka"} <= found.keys()
    assert json.loads(json.dumps(found)) == found


def test_the_throughput_is_that_of_the_slowest_agent_and_the_ratio_is_to_the_peer() -> None:
    drain = Drain(started=100.0, ended={"ingest": 104.0, "sink": 110.0}, cpu_used_s=8.0, most_memory_mb=300.0)

    report = report_of(drain, 400_000, [[0.1, 0.2] for _ in RATES_PER_S], 2_000.0, {}, ())

    values = {each.name: each.value for each in report.results}
    assert values["throughput"] == 40_000.0
    assert values["until ingest is through"] == 100_000.0
    assert values["worker CPU"] == 20.0
    assert values["produce to Postgres at 16,670/s, p99"] == 200.0
    assert report.ratios == {"textbook": 20.0}
