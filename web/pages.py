"""The pages and their files, and the headers that keep a browser from doing more than they need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vesselflow.web.services import WebServices
from vesselflow.web.session import request_access

STATIC: Final = Path(__file__).parent / "static"

#: Our own files only: no inline script or style, nothing from elsewhere, no framing.
POLICY: Final = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
#: A file is asked for again each time and answered with 304 unless it changed.
_REVALIDATE: Final = {"Cache-Control": "no-cache"}


def page(name: str) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that answers with the page *name*."""

    async def endpoint(request: Request) -> Response:
        return FileResponse(STATIC / name, headers=_REVALIDATE)

    return endpoint


async def dashboard(request: Request) -> Response:
    """Answer with the dashboard, or send to the login when it is not public."""
    services: WebServices = request.app.state.services
    if not services.public_stats and request_access(request, services) is None:
        return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
    return FileResponse(STATIC / "dashboard.html", headers=_REVALIDATE)


class Files(StaticFiles):
    """The scripts and styles of the pages."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """Return the file, or 304 when the browser has it."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(_REVALIDATE)
        return response


class Guarded:
    """Adds the guarding headers to every answer of an app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def guarded(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded)
