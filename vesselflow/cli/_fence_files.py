"""``vesselflow geofences import`` and ``export``."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import click

from vesselflow.adapters.fence_import import Imported
from vesselflow.adapters.fences import PostgresFences
from vesselflow.cli._fence_store import with_fences
from vesselflow.cli._output import reader_may_leave
from vesselflow.cli._progress import show_progress
from vesselflow.core.errors import UsageError
from vesselflow.core.fence_files import NewFence, feature_collection, feature_title, new_fences
from vesselflow.core.shapes import read_shapes


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.File("rb"))
@click.option("--client", required=True, help="The client whose fences they become.")
@click.option("--repair", is_flag=True, help="Mend shapes that can be, and say which; else they are refused.")
@click.option("--replace", "replaces", is_flag=True, help="Delete the client's other fences.")
def import_(files: Sequence[BinaryIO], client: str, repair: bool, replaces: bool) -> None:
    """Import the shapes of each FILE (- for standard input), all of them or none: GeoJSON, KML, KMZ or WKT.

    A fence that the client has already, of the same name and shape, or of the id that an export gave, is not
    doubled; it gets the rules that the file has.
    """
    fences = [fence for file in files for fence in _read(file, repair)]
    done = asyncio.run(with_fences(lambda store: _import(store, client, fences, replaces)))
    click.echo(_summary(client, done))


@click.command()
@click.option("--client", required=True, help="The client whose fences are written.")
@click.option("--out", type=click.Path(dir_okay=False), help="The file to write; else standard output.")
@click.option("--format", "_format", type=click.Choice(["geojson"]), default="geojson", show_default=True)
def export(client: str, out: str | None, _format: str) -> None:
    """Write the fences of a client; importing them again gives the same fences."""
    fences = asyncio.run(with_fences(lambda store: store.whole_fences(client)))
    if not fences:
        raise UsageError(f"expected a client with fences, got {client!r}, who has none")
    if out is None:
        with reader_may_leave():
            sys.stdout.buffer.writelines(feature_collection(fences))
        return
    with open(out, "wb") as file:
        file.writelines(feature_collection(fences))
    click.echo(f"wrote {_fences(len(fences))} of {client} to {out}", err=True)


def _read(file: BinaryIO, repair: bool) -> list[NewFence]:
    # Standard input is called <stdin>.
    name = file.name.strip("<>")
    with _garbage_left():
        shapes = read_shapes(name, file.read(), repair=repair)
    for number, shape in enumerate(shapes, start=1):
        if shape.repaired:
            click.echo(f"{feature_title(name, number, shape)}: repaired: {shape.repaired}", err=True)
    return new_fences(name, shapes)


@contextmanager
def _garbage_left() -> Iterator[None]:
    """Collect no garbage meanwhile: of 100,000 fences there is little, and looking for it takes as long as reading them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _import(store: PostgresFences, client: str, fences: list[NewFence], replaces: bool) -> Imported:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count

    showing = asyncio.create_task(show_progress(lambda: done, lambda: done / len(fences), "fences"))
    try:
        return await store.import_fences(client, fences, replaces=replaces, advance=advance)
    finally:
        showing.cancel()


def _summary(client: str, done: Imported) -> str:
    parts = [f"imported {_fences(done.new)} for {client}"]
    parts += [f"{done.changed} changed"] if done.changed else []
    parts += [f"{done.same} were there already"] if done.same else []
    parts += [f"{done.deleted} others deleted"] if done.deleted else []
    return ", ".join(parts)


def _fences(count: int) -> str:
    return f"{count} fence{'s' * (count != 1)}"
