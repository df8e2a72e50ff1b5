"""``vesselflow geofences``: import fences from GeoJSON, and list them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

import click

from vesselflow.adapters.fence_table import FenceRow
from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.pool import Database
from vesselflow.cli._output import print_line, reader_may_leave
from vesselflow.core.shapes import FenceShape, parse_geojson
from vesselflow.settings import Settings

T = TypeVar("T")


@click.group("geofences")
def command() -> None:
    """Import fences, and list them."""


@command.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--client", required=True, help="The client whose fences they become.")
def import_(file: BinaryIO, client: str) -> None:
    """Import the polygons of a GeoJSON FILE (- for standard input), all of them or none.

    A fence that the client has already, of the same name and shape, stays as it is.
    """
    shapes = parse_geojson(file.read())
    named = [(shape.name or _name(file.name, number), shape) for number, shape in enumerate(shapes, start=1)]
    new, total = asyncio.run(_with_fences(lambda fences: _import(fences, client, named)))
    known = f", {total - new} were there already" if new < total else ""
    click.echo(f"imported {new} fence{'s' * (new != 1)} for {client}{known}")


@command.command("list")
@click.option("--client", help="Only the fences of this client.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(client: str | None, as_json: bool) -> None:
    """List the fences by client and name."""
    rows = asyncio.run(_with_fences(lambda fences: fences.list_fences(client)))
    with reader_may_leave():
        for row in rows:
            if as_json:
                print_line(row)
            else:
                click.echo(_line(row))


async def _with_fences(use: Callable[[PostgresFences], Awaitable[T]]) -> T:
    database = Database(Settings.from_env(os.environ).database_url, connections=1)
    try:
        return await use(PostgresFences(database))
    finally:
        await database.close()


async def _import(fences: PostgresFences, client: str, named: list[tuple[str, FenceShape]]) -> tuple[int, int]:
    """Return how many are new, and how many there are without repetitions in the file."""
    before = {row.id for row in await fences.list_fences(client)}
    ids = set(await fences.insert_fences(client, [(name, shape.wkb) for name, shape in named]))
    return len(ids - before), len(ids)


def _name(file_name: str, number: int) -> str:
    return f"{Path(file_name).stem} {number}"


def _line(row: FenceRow) -> str:
    state = "active" if row.is_active else "off"
    return f"{row.id}  {row.client_id:<20} {state:<6} {row.vertices:>5} vertices  {row.name}"
