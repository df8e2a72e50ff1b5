"""``vesselflow migrate``: bring the database to the schema of this release."""

from __future__ import annotations

import asyncio
import os

import click

from vesselflow.adapters.migrations import migrate, shipped
from vesselflow.settings import Settings


@click.command("migrate")
def command() -> None:
    """Apply the migrations that the database lacks; harmless when it lacks none, or when another does it too."""
    settings = Settings.from_env(os.environ)
    applied = asyncio.run(migrate(settings.database_url))
    for migration in applied:
        click.echo(f"applied  {migration.name}")
    if not applied:
        click.echo(f"the database has all {len(shipped())} migrations")
