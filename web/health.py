"""What probes and Prometheus ask: alive, ready, numbers. Needs no login and no other server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

#: Returns why not; an empty list means all is well.
Check = Callable[[], list[str]]

_NO_STORE: Final = {"Cache-Control": "no-store"}


def health_routes(readiness: Check, faults: Check) -> list[Route]:
    """Return ``/healthz``, ``/readyz`` and ``/metrics``.

    ``/healthz`` answers 200 while the process can go on, during recovery too, and 503 when only a new start
    mends it. ``/readyz`` answers 503 with the reasons while the process should get no traffic.
    """

    async def alive(request: Request) -> Response:
        return _verdict("alive", faults())

    async def ready(request: Request) -> Response:
        return _verdict("ready", faults() + readiness())

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", _metrics)]


def create_health_app(readiness: Check) -> Starlette:
    """Return an app of the health routes alone, for a worker that serves no pages."""
    return Starlette(routes=health_routes(readiness, list))


def _verdict(word: str, reasons: list[str]) -> Response:
    return JSONResponse({word: not reasons, "reasons": reasons}, 503 if reasons else 200, _NO_STORE)


async def _metrics(request: Request) -> Response:
    return Response(generate_latest(), headers=_NO_STORE | {"Content-Type": CONTENT_TYPE_LATEST})
