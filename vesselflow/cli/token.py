"""`vesselflow token`: make a token that speaks for a client."""

from __future__ import annotations

import os

import click

from vesselflow.settings import Settings, load_token_secret
from vesselflow.web.tokens import make_token

#: Listening on all addresses is no address to open.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


@click.command(name="token")
@click.argument("client")
@click.option("--ttl-h", type=click.FloatRange(min=0.01), help="Hours that it is good for; a setting by default.")
@click.option("--url", is_flag=True, help="Print the address that logs a browser in with it.")
def command(client: str, ttl_h: float | None, url: bool) -> None:
    """Print a token for CLIENT; whoever has it reads that client's notifications."""
    settings = Settings.from_env(os.environ)
    token = make_token(load_token_secret(settings), client, 3600 * (ttl_h or settings.token_ttl_h))
    click.echo(browser_address(settings, token) if url else token)


def browser_address(settings: Settings, token: str = "") -> str:
    """Return the address of the web pages; with *token*, the one that logs a browser in.

    The token is in the fragment, which a browser never sends and no server logs.
    """
    host = _EVERYWHERE.get(settings.web_host, settings.web_host)
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{host}:{settings.web_port}/" + (f"login#token={token}" if token else "")
