"""Everything that belongs to an agent is there: whatever is forgotten when a detector is added, a test here fails for it."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import vesselflow.core
from vesselflow import agents, streams
from vesselflow.app import app, topic_specs
from vesselflow.tables import states
from vesselflow.tables.acknowledged import AcknowledgedTable
from vesselflow.worker import worker

ROOT = Path(__file__).parents[2]


def detectors() -> list[str]:
    """Return the core's modules that keep a state of each vessel."""
    names = [module.name for module in pkgutil.iter_modules(vesselflow.core.__path__)]
    return [name for name in names if "\ndef new_states(" in (ROOT / "vesselflow" / "core" / f"{name}.py").read_text()]


def forgotten(name: str) -> list[str]:
    """Return the files that lack their part of detector *name*."""
    loops = {loop.stage.name: loop for loop in worker.loops}
    documented = [line for line in (ROOT / "docs/detectors.md").read_text().splitlines() if line.startswith("| ")]
    checks = {
        f"vesselflow/core/{name}.py": hasattr(core(name), "new_states"),
        f"tests/core/test_{name}.py": (ROOT / "tests/core" / f"test_{name}.py").exists(),
        f"agents/{name}.py": name in loops and any(one.endswith(f".{name}") or one == name for one in app.agents),
        "agents/__init__.py": name in agents.__all__ and isinstance(getattr(agents, name, None), ModuleType),
        "tables/states.py": isinstance(getattr(states, name, None), AcknowledgedTable),
        "docs/detectors.md": any(line.startswith(f"| {name} |") for line in documented),
    }
    return [path for path, is_there in checks.items() if not is_there]


def core(name: str) -> Any:
    try:
        return importlib.import_module(f"vesselflow.core.{name}")
    except ModuleNotFoundError:
        return None


def test_the_detectors_are_found() -> None:
    assert {"geofence", "destination", "activity"} <= set(detectors())


@pytest.mark.parametrize("name", detectors())
def test_nothing_of_a_detector_is_forgotten(name: str) -> None:
    assert forgotten(name) == []


def test_each_file_is_missed_when_it_lacks_a_detector() -> None:
    assert forgotten("loitering") == [
        "vesselflow/core/loitering.py",
        "tests/core/test_loitering.py",
        "agents/loitering.py",
        "agents/__init__.py",
        "tables/states.py",
        "docs/detectors.md",
    ]


def test_every_agents_module_is_imported_by_name() -> None:
    helpers = {"detecting"}
    modules = {path.stem for path in (ROOT / "agents").glob("*.py")} - {"__init__"} - helpers

    assert modules == set(agents.__all__)


def test_every_state_table_is_kept_by_one_agent() -> None:
    declared = [one.name for one in vars(states).values() if isinstance(one, AcknowledgedTable)]
    kept = [rows.table.name for loop in worker.loops for rows in loop.stage.tables.values()]

    assert len(kept) == len(set(kept))
    assert set(declared) <= set(kept)
    assert set(kept) == set(app.tables)


@pytest.mark.parametrize("loop", worker.loops, ids=lambda loop: loop.stage.name)
def test_a_table_has_as_many_partitions_as_the_topic_it_follows(loop: Any) -> None:
    assert {rows.table.partitions for rows in loop.stage.tables.values()} <= {loop.stage.topic.partitions}


def test_tables_do_not_share_their_options() -> None:
    # Faust's store empties the dict that it is given.
    options = [one.options for one in vars(states).values() if isinstance(one, AcknowledgedTable)]

    assert len({id(each) for each in options}) == len(options)


def test_every_topic_says_how_it_is_created() -> None:
    declared = {one.get_topic_name() for one in vars(streams).values() if hasattr(one, "get_topic_name")}

    assert declared == set(streams.TOPIC_CONFIGS)
    assert declared == {topic.get_topic_name() for topic in streams.TOPICS}


def test_every_topic_and_changelog_is_created_before_the_worker_joins() -> None:
    created = {spec.name: spec for spec in topic_specs(streams.settings)}

    assert {topic.get_topic_name() for topic in streams.TOPICS} <= set(created)
    for table in app.tables.values():
        spec = created[table.changelog_topic.get_topic_name()]
        assert (spec.partitions, spec.configs["cleanup.policy"]) == (table.partitions, "compact")


def test_a_topics_agents_have_names_of_their_own() -> None:
    names = [loop.stage.name for loop in worker.loops]

    assert len(names) == len(set(names))


def test_events_of_a_vessel_stay_in_one_partition() -> None:
    # A detector sends the events of positions partition p to p modulo the events' partitions.
    settings = streams.settings

    assert settings.position_partitions % settings.event_partitions == 0
