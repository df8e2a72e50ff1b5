"""``vesselflow geofences``: import fences from files and export them, list, change and delete them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from vesselflow.adapters.fence_table import FenceRow
from vesselflow.cli._fence_files import export, import_
from vesselflow.cli._fence_store import with_fences
from vesselflow.cli._output import print_line, reader_may_leave
from vesselflow.core.errors import UsageError
from vesselflow.core.fence_rules import rules_text


@click.group("geofences")
def command() -> None:
    """Import fences from files and export them; list, change and delete them."""


command.add_command(import_)
command.add_command(export)


@command.command("list")
@click.option("--client", help="Only the fences of this client.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(client: str | None, as_json: bool) -> None:
    """List the fences by client and name."""
    rows = asyncio.run(with_fences(lambda store: store.list_fences(client)))
    with reader_may_leave():
        for row in rows:
            if as_json:
                print_line(row)
            else:
                click.echo(_line(row))


@command.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--client", help="With --all: the client whose fences are deleted.")
@click.option("--all", "is_all", is_flag=True, help="Delete all fences of the client.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(ids: Sequence[str], client: str | None, is_all: bool, yes: bool) -> None:
    """Delete fences by ID, all of them or none, or all fences of a client."""
    if ids and not (client or is_all):
        count = asyncio.run(with_fences(lambda store: store.delete_fences(ids)))
    elif client and is_all and not ids:
        if not yes:
            _ask(client)
        count = asyncio.run(with_fences(lambda store: store.delete_all(client)))
    else:
        raise UsageError("expected either ids of fences, or --client with --all")
    click.echo(f"deleted {count} fence{'s' * (count != 1)}")


@command.command("set")
@click.argument("id_", metavar="ID")
@click.option("--on/--off", "is_active", default=None, help="Switch the fence on or off.")
@click.option("--name", help="Its new name.")
@click.option("--rules", metavar="JSON|@FILE", help="Its own rules, in the place of those it had; {} for none.")
def set_(id_: str, is_active: bool | None, name: str | None, rules: str | None) -> None:
    """Switch the fence ID on or off, rename it, or change its rules."""
    if is_active is None and name is None and rules is None:
        raise UsageError("expected --on, --off, --name or --rules, got none of them")
    text = None if rules is None else rules_text(Path(rules[1:]).read_bytes() if rules.startswith("@") else rules)
    asyncio.run(with_fences(lambda store: store.set_fence(id_, is_active=is_active, name=name, rules=text)))
    click.echo(f"changed fence {id_}")


def _ask(client: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"expected --yes to delete all fences of {client}, as there is nobody to ask")
    count = len(asyncio.run(with_fences(lambda store: store.list_fences(client))))
    click.confirm(f"Delete all {count} fences of {client}?", abort=True, err=True)


def _line(row: FenceRow) -> str:
    state = "active" if row.is_active else "off"
    rules = f"  {msgspec.json.encode(row.rules).decode()}" if row.rules else ""
    return f"{row.id}  {row.client_id:<20} {state:<6} {row.vertices:>5} vertices  {row.name}{rules}"
