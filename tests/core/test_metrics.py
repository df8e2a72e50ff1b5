"""`docs/metrics.md` and the metrics in the code say the same."""

from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from vesselflow import metrics

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
KINDS: dict[type[MetricWrapperBase], str] = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}


def declared() -> list[MetricWrapperBase]:
    return [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]


def full_name(metric: MetricWrapperBase) -> str:
    return f"{metric._name}_total" if isinstance(metric, Counter) else str(metric._name)


def row(metric: MetricWrapperBase) -> str:
    labels = ", ".join(metric._labelnames) or "-"
    return f"| `{full_name(metric)}` | {KINDS[type(metric)]} | {labels} | {metric._documentation} |"


def test_the_document_lists_every_metric_as_it_is_declared() -> None:
    listed = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `vesselflow_")]

    assert listed == [row(metric) for metric in declared()]


def test_every_name_starts_with_the_projects() -> None:
    assert [metric._name for metric in declared() if not metric._name.startswith("vesselflow_")] == []


def test_every_help_is_a_sentence() -> None:
    assert [metric._name for metric in declared() if not metric._documentation.endswith(".")] == []


def test_no_label_grows_with_the_fleet() -> None:
    labels = {label for metric in declared() for label in metric._labelnames}

    assert not labels & {"vessel", "mmsi", "imo", "client", "client_id", "fence"}
