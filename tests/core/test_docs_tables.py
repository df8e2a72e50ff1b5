"""`docs/topics.md` and `docs/events.md` say what the code says; tests that a document names exist."""

import json
import re
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest

from tests.fakes.clock import HeldClock
from tests.fakes.notifications import MemoryNotifications
from vesselflow import app, streams
from vesselflow.adapters.topics import TopicSpec
from vesselflow.core import wire
from vesselflow.core.announcing import event_id
from vesselflow.core.fence_rules import FenceEvent
from vesselflow.core.matching import OTHER_TYPES, Clients, match, notification_id, parse_preferences, type_of
from vesselflow.core.model import POSITION_COLUMNS, ActivityPartial, DeadLetter, Event, VesselState
from vesselflow.core.normalise import normalise
from vesselflow.core.statics import new_statics
from vesselflow.ports import SinkWrite
from vesselflow.settings import Settings
from vesselflow.worker import worker

ROOT = Path(__file__).parents[2]
CORE = ROOT / "vesselflow" / "core"
TOPICS = (ROOT / "docs" / "topics.md").read_text(encoding="utf-8")
EVENTS = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
CLIENT = "harbour-desk"


def table(page: str, first_column: str) -> dict[str, list[str]]:
    """Return the rows of the table whose first column has that heading: by first cell, the others."""
    lines = page.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        first, *rest = (cell.strip() for cell in line.strip("|").split("|"))
        rows[first.strip("`")] = rest
    return rows


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def json_after(page: str, start: str) -> list[object]:
    """Return the values of the indented JSON blocks that begin with *start*."""
    blocks = re.findall(r"(?:^    .*\n?)+", page, re.MULTILINE)
    return [json.loads(block) for block in blocks if block.strip().startswith(start)]


# Topics


def specs() -> dict[str, TopicSpec]:
    return {spec.name.replace(streams.settings.app_id, "vesselflow", 1): spec for spec in app.topic_specs(Settings())}


def kept(spec: TopicSpec) -> str:
    if spec.configs.get("cleanup.policy") == "compact":
        return "compacted"
    days = int(spec.configs["retention.ms"]) // streams.DAY_MS
    return f"{days} day{'s' * (days != 1)}"


def partitions(cell: str) -> int:
    (name,) = names(cell) or [""]
    return int(getattr(streams.settings, name.removeprefix("VESSELFLOW_").lower())) if name else int(cell)


def test_the_page_lists_every_topic_in_the_order_of_the_code() -> None:
    assert list(table(TOPICS, "topic")) == list(specs())


def test_partitions_and_retention_are_those_that_topics_are_created_with() -> None:
    rows = table(TOPICS, "topic").items()

    assert {name: (partitions(row[1]), row[3]) for name, row in rows} == {
        name: (spec.partitions, kept(spec)) for name, spec in specs().items()
    }


def test_the_topics_with_large_records_are_all_but_those_named() -> None:
    small = {name for name, spec in specs().items() if "max.message.bytes" not in spec.configs}

    (sentence,) = re.findall(r"A record may have 4 MB, but for (.*?),\s+which", TOPICS, re.DOTALL)
    assert set(names(sentence)) == small


def test_the_broker_stamps_the_topic_from_outside_alone() -> None:
    stamped = [name for name, spec in specs().items() if "message.timestamp.type" in spec.configs]

    assert stamped == ["vessel.state.changed"]


def test_the_readers_of_a_topic_are_its_agents() -> None:
    readers = {name: set[str]() for name in specs()}
    for agent in app.app.agents.values():
        topic = agent.channel.get_topic_name().replace(streams.settings.app_id, "vesselflow", 1)
        readers[topic].add(agent.name)
    for loop in worker.loops:
        for rows in loop.stage.tables.values():
            topic = rows.table.changelog_topic.get_topic_name()
            readers[topic.replace(streams.settings.app_id, "vesselflow", 1)].add(loop.stage.name)

    assert {name: set(names(row[5])) for name, row in table(TOPICS, "topic").items()} == readers


def test_the_fields_of_a_state_are_those_of_the_code() -> None:
    assert tuple(table(TOPICS, "field")) == VesselState.__struct_fields__


def test_the_columns_of_a_micro_batch_are_those_of_the_code() -> None:
    shown = {name: np.dtype(f"<{row[0]}") for name, row in table(TOPICS, "column").items()}

    assert list(shown.items()) == list(POSITION_COLUMNS.items())


@pytest.mark.parametrize(("heading", "kind"), [("## Activity", ActivityPartial), ("## Dead letters", DeadLetter)])
def test_the_fields_of_a_record_are_those_of_the_code(heading: str, kind: type[msgspec.Struct]) -> None:
    section = TOPICS.partition(f"\n{heading}\n")[2].partition("\n## ")[0]

    assert tuple(table(section, "field")) == kind.__struct_fields__


def test_the_reasons_of_dead_letters_occur_in_the_code() -> None:
    sources = [*(ROOT / "vesselflow" / "core").glob("*.py"), ROOT / "vesselflow" / "loop.py"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)

    documented = set(table(TOPICS, "reason"))
    raised = set(re.findall(r"InvalidRecord\(\"([a-z-]+)\"", code)) | set(
        re.findall(r"self\.reject\(.*, \"([a-z-]+)\"\)", code)
    )
    assert raised <= documented
    assert all(f'"{reason}"' in code for reason in documented)


def test_the_plans_state_makes_a_position() -> None:
    (state, *_) = json_after(TOPICS, '{"IMO"')

    found = normalise(
        json.dumps(state).encode(),
        new_statics(),
        identity="mmsi",
        received_ms=1_767_268_800_000,
        source_partition=0,
        source_offset=0,
        future_limit_ms=0,
    )

    assert not found.rejects
    assert (found.batch.vessel.tolist(), found.batch.lon_deg.tolist()) == ([9_074_729], [4.05])


# Events


def shown_events() -> list[Event]:
    ((*found,),) = (wire.decode_events(json.dumps(each).encode()) for each in json_after(EVENTS, "["))
    return found


def an_event(kind: str) -> Event:
    shown = {type_of(event.kind): event for event in shown_events()}
    like = shown.get(type_of(kind), shown["destination_change"])
    silent_since_ms = like.at_ms - 1000 if kind.startswith("gap.") else None
    return msgspec.structs.replace(like, kind=kind, silent_since_ms=silent_since_ms)


def clients() -> Clients:
    wanted = {each: {"enabled": True} for each in OTHER_TYPES} | {"geofence_alert": {"events": get_args(FenceEvent)}}
    return Clients({CLIENT: parse_preferences(wanted)})


def modules_of(name: str) -> set[str]:
    """Return the core's module *name* and all of the core that it is made of."""
    found: set[str] = set()
    waiting = {name}
    while waiting:
        found |= waiting
        texts = [(CORE / f"{each}.py").read_text(encoding="utf-8") for each in waiting]
        waiting = {each for text in texts for each in re.findall(r"from vesselflow\.core\.(\w+) import", text)} - found
    return found


def test_the_kinds_are_those_that_the_detectors_announce() -> None:
    types = {"geofence_alert", *OTHER_TYPES}
    announced = {
        (kind, detector)
        for detector in ("destination", "changes", "movement", "gap")
        for module in modules_of(detector)
        for kind in re.findall(r'"([a-z]+\.[a-z]+)"', (CORE / f"{module}.py").read_text(encoding="utf-8"))
        if type_of(kind) in types
    }
    announced |= {(f"geofence.{verb}", "geofence") for verb in get_args(FenceEvent)}

    assert {(kind, names(row[0])[0]) for kind, row in table(EVENTS, "event kind").items()} == announced


@pytest.mark.parametrize("kind", table(EVENTS, "event kind"))
def test_a_kind_has_the_type_and_the_keys_of_the_page(kind: str) -> None:
    _, type_, own = table(EVENTS, "event kind")[kind]
    common = table(EVENTS.partition("\n## The payload\n")[2], "key")

    (notification,) = match(an_event(kind), clients())

    assert notification.type == names(type_)[0]
    assert sorted(notification.data) == sorted([*names(own), *common])


def test_the_types_and_their_defaults_are_those_of_the_preferences() -> None:
    defaults = parse_preferences({})
    enabled = {"geofence_alert": defaults.geofence_alert.enabled}
    enabled |= {each: each in defaults.others and defaults.others[each].enabled for each in OTHER_TYPES}

    shown = {name: row[0] for name, row in table(EVENTS, "type").items()}

    assert list(shown.items()) == [(name, "on" if is_on else "off") for name, is_on in enabled.items()]


def test_the_keys_of_an_event_and_their_defaults_are_those_of_the_code() -> None:
    defaults = {
        one.name: "-" if one.default is msgspec.NODEFAULT else json.dumps(one.default)
        for one in msgspec.structs.fields(Event)
    }

    shown = {name: row[0] for name, row in table(EVENTS.partition("\n## The event\n")[2], "key").items()}

    assert list(shown.items()) == list(defaults.items())


def test_the_payloads_shown_are_those_of_the_events_shown() -> None:
    made = [notification.data for event in shown_events() for notification in match(event, clients())]

    assert json_after(EVENTS, '{"type"') == made


def test_the_ids_shown_follow_from_what_happened() -> None:
    entered, changed = shown_events()

    assert entered.id == event_id(entered.vessel, entered.geofence_id, entered.kind, entered.first_fix_ms, 0)
    assert changed.id == event_id(
        changed.vessel, "destination", changed.kind, changed.first_fix_ms, changed.new_destination, 0
    )


async def test_the_message_shown_is_what_is_published() -> None:
    entered = shown_events()[0]
    store = MemoryNotifications(HeldClock())

    written = await store.write(SinkWrite("app", 0, None, 1, [entered.id], match(entered, clients())))

    (message,) = json_after(EVENTS, '{"clientId"')
    (published,) = written.published
    assert isinstance(message, dict)
    assert message.keys() == published.keys()
    assert message["notification"].keys() == published["notification"].keys()
    assert message["notification"]["id"] == notification_id(entered.id, CLIENT)


# All pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")]
    known = {name for text in tests for name in re.findall(r"def (test_\w+)\(", text)}
    known |= {path.stem for path in (ROOT / "tests").rglob("*.py")}

    assert set(re.findall(r"\b(test_\w+)", page.read_text(encoding="utf-8"))) <= known
