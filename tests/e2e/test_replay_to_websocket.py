"""The whole pipeline, as a user runs it: a file goes in, notifications arrive at a WebSocket."""

import asyncio
import csv
import gzip
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import shapely
import websockets

from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.migrations import migrate
from vesselflow.adapters.pool import Database
from vesselflow.core.shapes import parse_geojson
from vesselflow.settings import Settings, load_token_secret
from vesselflow.stack import probes
from vesselflow.stack.ports import free_base
from vesselflow.up.child import Child, environ_of
from vesselflow.up.numbers import get
from vesselflow.up.samples import SAMPLES
from vesselflow.web.tokens import make_token

pytestmark = [pytest.mark.e2e, pytest.mark.integration]

SOLENT = SAMPLES / "solent-2016-01-12.csv.gz"
FENCES = SAMPLES / "fences" / "ferry-watch.geojson"
HEAD_S = 840

#: Who did what at which fence.
Crossing = tuple[int, str, str]


async def test_what_crosses_a_fence_in_a_file_arrives_at_the_owners_websocket(stack: Settings, tmp_path: Path) -> None:
    """Every crossing of the head arrives exactly once; positions that follow live may add others, never the same."""
    client = f"e2e-{uuid4()}"
    # The crossings are expected by the plain rule.
    settings = replace(stack, app_id=client, web_port=free_base((0,)), plain_policy=True)
    await give_fences(settings, client)
    expected = crossings_of_the_head()

    async with running(settings, "worker", tmp_path), listening(settings, client) as received:
        async with running(settings, "replay", tmp_path):
            await eventually(lambda: not expected - crossings(received), within_s=40)
        await asyncio.sleep(1)
        stored = await stored_ids(settings, client)

    found = crossings(received)
    assert sum(expected.values()) > 20
    assert {each: found[each] for each in expected} == dict(expected)
    assert sorted(each["id"] for each in received) == stored
    assert {each["client_id"] for each in received} == {client}


async def give_fences(settings: Settings, client: str) -> None:
    await migrate(settings.database_url)
    database = Database(settings.database_url)
    shapes = [(shape.name or "", shape.wkb) for shape in parse_geojson(FENCES.read_bytes())]
    await PostgresFences(database).insert_fences(client, shapes)
    await database.close()
    # A fence counts from so many seconds after its change.
    await asyncio.sleep(settings.fence_delay_s)


def crossings_of_the_head() -> Counter[Crossing]:
    """Return the crossings of the first part of the file: the plain rule, fix by fix, with nothing of the pipeline's."""
    fences = {shape.name or "": shapely.from_wkb(shape.wkb) for shape in parse_geojson(FENCES.read_bytes())}
    inside: dict[tuple[int, str], bool] = {}
    found: Counter[Crossing] = Counter()
    for vessel, lon_deg, lat_deg in head():
        for name, shape in fences.items():
            is_inside = bool(shapely.intersects_xy(shape, lon_deg, lat_deg))
            if is_inside != inside.get((vessel, name), False):
                found[vessel, name, "entered" if is_inside else "exited"] += 1
            inside[vessel, name] = is_inside
    return found


def head() -> list[tuple[int, float, float]]:
    with gzip.open(SOLENT, "rt") as file:
        rows = list(csv.DictReader(file))
    first = datetime.fromisoformat(rows[0]["Time"])
    return [
        (int(row["MMSI"]), float(row["Longitude_degrees"]), float(row["Latitude_degrees"]))
        for row in rows
        # The MMSI of a ship begins with the country; others belong to coast stations, aircraft and aids to navigation.
        if (datetime.fromisoformat(row["Time"]) - first).total_seconds() <= HEAD_S and row["MMSI"][0] in "234567"
    ]


@asynccontextmanager
async def running(settings: Settings, name: str, logs: Path) -> AsyncIterator[None]:
    """Run the worker, or the replay, as a process; show its log when it does not do what it should."""
    commands = {
        "worker": ["worker", "-l", "info"],
        "replay": ["replay", "--shift-to-now", "--head", str(HEAD_S), str(SOLENT)],
    }
    child = Child(name, commands[name], environ_of(settings.to_env()), logs, print)
    keeping = asyncio.create_task(child.keep())
    try:
        if name == "worker":
            await until_ready(settings)
        yield
    except BaseException:
        print((logs / "logs" / f"{name}.log").read_text(errors="replace")[-8000:])
        raise
    finally:
        await child.stop(10)
        await keeping


async def until_ready(settings: Settings) -> None:
    answer = None
    for _ in range(300):
        answer = await get(f"http://127.0.0.1:{settings.web_port}/readyz")
        if answer is not None and answer[0] == 200:
            return
        await asyncio.sleep(0.2)
    raise TimeoutError(f"expected a worker that is ready, got {answer}")


@asynccontextmanager
async def listening(settings: Settings, client: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield the list to which every notification of *client* is added as it arrives."""
    received: list[dict[str, Any]] = []

    async def listen(socket: websockets.ClientConnection) -> None:
        async for text in socket:
            frame: Mapping[str, Any] = msgspec.json.decode(text)
            if frame["type"] == "notification":
                received.append(frame["notification"])

    async with websockets.connect(f"ws://127.0.0.1:{settings.web_port}/ws") as socket:
        token = make_token(load_token_secret(settings), client, 600)
        await socket.send(msgspec.json.encode({"type": "auth", "token": token}).decode())
        assert msgspec.json.decode(await socket.recv())["type"] == "hello"
        task = asyncio.create_task(listen(socket))
        yield received
        task.cancel()


def crossings(received: list[dict[str, Any]]) -> Counter[Crossing]:
    payloads = [each["data"] for each in received]
    return Counter((data["MMSI"], data["geofenceName"], data["event"]) for data in payloads)


async def stored_ids(settings: Settings, client: str) -> list[str]:
    async with probes.database(settings.database_url) as connection:
        rows = await connection.fetch("SELECT id::text FROM notifications WHERE client_id = $1", client)
    return sorted(row["id"] for row in rows)


async def eventually(is_true: Callable[[], bool], *, within_s: float) -> None:
    for _ in range(round(10 * within_s)):
        if is_true():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"expected it to be true within {within_s:.0f} s")
