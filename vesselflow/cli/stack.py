"""``vesselflow stack``: the local Kafka, Postgres and Redis."""

import os
import signal
from types import FrameType

import click

from vesselflow.settings import Settings
from vesselflow.stack import ServiceStatus, Stack


@click.group("stack")
def command() -> None:
    """Start, stop and show the local Kafka, Postgres and Redis."""


@command.command()
def start() -> None:
    """Start what does not run yet, and return when every service answers."""
    # SIGTERM stops what was started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, _interrupt)
    _stack().start()


@command.command()
def stop() -> None:
    """Stop the services that this home's stack started."""
    _stack().stop()


@command.command()
def status() -> int:
    """Show each service; the exit code is 2 unless all answer."""
    found = _stack().status()
    for one in found:
        click.echo(f"{one.name:<9} {one.state:<9} {one.address:<40} {_remark(one)}".rstrip())
    return 0 if all(one.state in ("running", "external") and not one.problem for one in found) else 2


def _stack() -> Stack:
    return Stack(Settings.from_env(os.environ), click.echo)


def _remark(one: ServiceStatus) -> str:
    if one.problem:
        return one.problem
    return f"pid {one.pid}" if one.pid else ""


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
