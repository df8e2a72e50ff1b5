"""Measured values -> a table for people and one line of JSON for programs."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

PACKAGES: Final = ("faust-streaming", "aiokafka", "asyncpg", "msgspec", "numpy", "redis", "shapely")


class BenchError(Exception):
    """A benchmark could not be measured; the message says why."""


@dataclass(frozen=True)
class Result:
    """One measured value; ``better`` says which way is progress."""

    name: str
    value: float
    unit: str
    better: Literal["higher", "lower"]


@dataclass(frozen=True)
class Report:
    """What one benchmark found. A ratio is ours to a peer's, above 1 where we are better."""

    bench: str
    results: Sequence[Result]
    ratios: Mapping[str, float]
    environment: Mapping[str, object]
    goals: Mapping[str, float] = field(default_factory=dict)
    remarks: Sequence[str] = ()

    def table(self) -> str:
        """Return the results as aligned lines, each with its goal when it has one."""
        rows = [(each.name, shown(each.value), each.unit, self._goal(each)) for each in self.results]
        ratios = [Result(f"ratio to {peer}", ratio, "times", "higher") for peer, ratio in self.ratios.items()]
        rows += [(each.name, shown(each.value), each.unit, self._goal(each)) for each in ratios]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [
            f"  {name:<{widths[0]}}  {value:>{widths[1]}} {unit:<{widths[2]}}  {goal}".rstrip()
            for name, value, unit, goal in rows
        ]
        return "\n".join([self.bench, *lines, *(f"  {remark}" for remark in self.remarks)])

    def as_json(self) -> str:
        """Return the one line that programs read."""
        return json.dumps(
            {
                "bench": self.bench,
                "results": [asdict(each) for each in self.results],
                "ratios": dict(self.ratios),
                "environment": dict(self.environment),
            }
        )

    def _goal(self, result: Result) -> str:
        goal = self.goals.get(result.name)
        if goal is None:
            return ""
        is_met = result.value >= goal if result.better == "higher" else result.value <= goal
        sign = "at least" if result.better == "higher" else "at most"
        return f"goal {sign} {shown(goal)}: {'met' if is_met else 'MISSED'}"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of *values* that at least *share* (0 to 1) of them do not exceed: the nearest rank.

    Raises: BenchError without values.
    """
    if not values:
        raise BenchError("expected values to take a percentile of, got none")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def shown(value: float) -> str:
    """Return a value with three digits or all of its whole part.

    >>> [shown(value) for value in (48123.4, 12.345, 0.01234)]
    ['48,123', '12.3', '0.0123']
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def environment(**more: object) -> dict[str, object]:
    """Return what the values depend on: the machine, the load at this moment, the versions, and *more*."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory_bytes / 2**30, 1),
        "cpu": _cpu(),
        "load_1min_before": round(os.getloadavg()[0], 2),
        "python_loop_ns": round(_python_loop_ns(), 1),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        **more,
    }


def _python_loop_ns(turns: int = 200_000) -> float:
    """Return the nanoseconds of one turn of an empty loop at best: what this machine is worth at this moment."""
    best = math.inf
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(turns):
            pass
        best = min(best, time.perf_counter() - started)
    return best / turns * 1e9


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
