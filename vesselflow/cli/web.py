"""``vesselflow web``: pages, sockets and API without a worker."""

import asyncio
import logging
import os

import click

from vesselflow.settings import Settings


@click.command("web")
@click.option("--host", help="Address to listen on; VESSELFLOW_WEB_HOST without it.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; VESSELFLOW_WEB_PORT without it.")
def command(host: str | None, port: int | None) -> None:
    """Serve the web side alone, as one of any number of instances, until SIGINT or SIGTERM."""
    # Starlette, uvicorn and uvloop are needed by this command alone.
    import uvloop

    from vesselflow.connecting import connected, web_services
    from vesselflow.web.service import run

    settings = Settings.from_env(os.environ)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    services = web_services(settings, connected(settings), list)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(services, host or settings.web_host, settings.web_port if port is None else port))
