"""``vesselflow up``: everything at once, on real AIS data that is moved to now."""

from __future__ import annotations

import os
import signal

import click

from vesselflow.cli._output import print_line
from vesselflow.cli.token import browser_address
from vesselflow.settings import Settings, load_token_secret
from vesselflow.up import samples
from vesselflow.up.session import Plan, run
from vesselflow.web.tokens import make_token


@click.command("up")
@click.option("--for", "seconds", type=click.FloatRange(min=1), help="Stop by itself after so many seconds of replay.")
@click.option("--no-replay", is_flag=True, help="Start everything, but replay no data.")
@click.option("--fresh", is_flag=True, help="Delete the local stack's data and the worker's state first.")
def command(seconds: float | None, no_replay: bool, fresh: bool) -> None:
    """Start the stack, a worker with its web pages, two sample clients with fences, and a replay of real AIS data.

    Services given by address and a stack that runs already are used and left running. Ctrl-C stops the rest. With
    --for, the last line is one JSON object: the counts since the worker was ready; p50_ms and p99_ms are from a
    position's receipt by Kafka to the arrival of its notification at a WebSocket client.
    """
    # Until the session takes over, SIGTERM ends us as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = Settings.from_env(os.environ)
    secret = load_token_secret(settings)
    tokens = {client: make_token(secret, client, 3600 * settings.token_ttl_h) for client in samples.fence_files()}
    plan = Plan(
        url=browser_address(settings).rstrip("/"),
        tokens=tokens,
        addresses={client: browser_address(settings, token) for client, token in tokens.items()},
        seconds=seconds,
        with_replays=not no_replay,
        afresh=fresh,
    )
    result = run(settings, plan)
    if result is not None:
        print_line(result)
