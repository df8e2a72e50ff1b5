"""`vesselflow web`: serve the pages, the API and the sockets without a worker."""

from __future__ import annotations

import asyncio
import logging
import os

import click
import uvloop

from vesselflow.connecting import connected, web_services
from vesselflow.settings import Settings
from vesselflow.web.service import run


@click.command(name="web")
def command() -> None:
    """Serve the web pages until Ctrl-C; any number of instances may run side by side."""
    settings = Settings.from_env(os.environ)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    # Ready as soon as it answers: every page says for itself what cannot be read.
    services = web_services(settings, connected(settings), list)
    await run(services, settings.web_host, settings.web_port)
