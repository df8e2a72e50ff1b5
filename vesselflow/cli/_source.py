"""What the commands that publish share: settings, the publisher, progress, and a clean stop."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping

import click

from vesselflow.cli._progress import show_progress
from vesselflow.settings import Settings
from vesselflow.sources.publisher import Publisher, connect, summary


def now_ms() -> int:
    """Return milliseconds UTC."""
    return time.time_ns() // 1_000_000


def run_source(
    work: Callable[[Publisher], Awaitable[None]],
    *,
    share: Callable[[], float | None] = lambda: None,
    losses: Mapping[str, int] | None = None,
) -> None:
    """Run *work* with a publisher until it is done or the process is told to stop; what was taken is delivered."""
    asyncio.run(_run(work, share, losses or {}))


async def _run(
    work: Callable[[Publisher], Awaitable[None]], share: Callable[[], float | None], losses: Mapping[str, int]
) -> None:
    settings = Settings.from_env(os.environ)
    start_s = time.monotonic()
    publisher = await connect(settings.kafka_brokers, identity="imo" if settings.identity == "imo" else "mmsi")
    async with publisher:
        working = asyncio.ensure_future(work(publisher))
        progress = asyncio.create_task(show_progress(lambda: publisher.states, share))
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, working.cancel)
        try:
            await working
        except asyncio.CancelledError:
            click.echo("stopping", err=True)
        finally:
            progress.cancel()
    click.echo(summary(publisher, losses, time.monotonic() - start_s), err=True)
