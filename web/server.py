"""Ports and settings -> the web application: pages, API, sockets, health."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from vesselflow.web.health import health_routes
from vesselflow.web.live import Live, endpoint
from vesselflow.web.pages import STATIC, Files, Guarded, dashboard, page
from vesselflow.web.services import Times, WebServices
from vesselflow.web.session import log_in, log_out, who
from vesselflow.web.stats import vessel_stats

__all__ = ["Times", "WebServices", "create_app"]


def create_app(services: WebServices) -> Starlette:
    """Return the application; its lifespan holds the one subscription to pushes.

    Every answer comes from memory or from one query, so any number of instances may run side by side.
    """
    live = Live(services)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with live.running():
            yield

    app = Starlette(routes=_routes(services, live), middleware=[Middleware(Guarded)], lifespan=lifespan)
    app.state.services = services
    app.state.live = live
    return app


def _routes(services: WebServices, live: Live) -> list[BaseRoute]:
    return [
        Route("/", page("index.html")),
        Route("/login", page("login.html")),
        Route("/dashboard/vessels", dashboard),
        Route("/api/database/vessel-stats-cached", vessel_stats),
        Route("/session", who, methods=["GET"]),
        Route("/session", log_in, methods=["POST"]),
        Route("/session", log_out, methods=["DELETE"]),
        WebSocketRoute("/ws", endpoint),
        Mount("/static", Files(directory=STATIC)),
        *health_routes(services.readiness, live.faults),
    ]
