"""A request -> the client it speaks for; the session cookie and its guards."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from vesselflow.core.errors import InvalidToken
from vesselflow.web.services import WebServices
from vesselflow.web.tokens import Access, read_token

COOKIE: Final = "vesselflow_session"
_LARGEST_BODY_BYTES: Final = 8192
_NO_STORE: Final = {"Cache-Control": "no-store"}
_SECURE_SCHEMES: Final = ("https", "wss")


class _Login(msgspec.Struct):
    token: str


def cookie_access(connection: HTTPConnection, services: WebServices) -> Access | None:
    """Return what the session cookie grants, None without a good one."""
    return _access(services, connection.cookies.get(COOKIE, ""))


def request_access(request: Request, services: WebServices) -> Access | None:
    """Return what the ``Authorization`` header or else the cookie grants."""
    bearer = _bearer(request)
    return cookie_access(request, services) if bearer is None else _access(services, bearer)


def origin_is_ours(connection: HTTPConnection, services: WebServices) -> bool:
    """Tell whether the page that asks is this server's own, or one of an allowed origin.

    Exact matches only: a suffix or prefix would let `fleet.example.evil.example` in. A program that is no
    browser sends no Origin, and is not ours.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        return False
    if origin in services.allowed_origins:
        return True
    scheme, _, host = origin.partition("://")
    # Behind a proxy that ends TLS we see plain http of an https page; never the other way round.
    plain_is_fine = connection.url.scheme not in _SECURE_SCHEMES
    return host == connection.headers.get("host") and (scheme == "https" or (scheme == "http" and plain_is_fine))


def is_foreign(connection: HTTPConnection, services: WebServices) -> bool:
    """Tell whether a browser sends this for a page of somebody else."""
    return "origin" in connection.headers and not origin_is_ours(connection, services)


async def log_in(request: Request) -> Response:
    """Exchange a token, as JSON ``{"token"}`` or as bearer, for the session cookie."""
    services: WebServices = request.app.state.services
    if is_foreign(request, services):
        return _refusal(403, "expected a page of this server")
    token = _bearer(request) or await _posted_token(request)
    if token is None:
        return _refusal(400, 'expected {"token": "..."} or a bearer token')
    try:
        access = read_token(services.token_secret, token)
    except InvalidToken as error:
        return _refusal(401, str(error))
    response = _who(access)
    response.set_cookie(
        COOKIE,
        token,
        max_age=max(0, int(access.until_s - services.clock.now_ms() / 1000)),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


async def log_out(request: Request) -> Response:
    """Forget the cookie and close the sockets that were opened with it."""
    services: WebServices = request.app.state.services
    if is_foreign(request, services):
        return _refusal(403, "expected a page of this server")
    request.app.state.live.forget(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204, headers=_NO_STORE)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


async def who(request: Request) -> Response:
    """Tell the page whose session this is; ``clientId`` is null when nobody is logged in."""
    return _who(request_access(request, request.app.state.services))


def _who(access: Access | None) -> JSONResponse:
    body = {"clientId": access and access.client_id, "untilMs": access and int(access.until_s * 1000)}
    return JSONResponse(body, headers=_NO_STORE)


def _refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status, headers=_NO_STORE)


def _access(services: WebServices, token: str) -> Access | None:
    try:
        return read_token(services.token_secret, token)
    except InvalidToken:
        return None


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def _posted_token(request: Request) -> str | None:
    # A form of another site can post text, but not JSON, without asking first.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY_BYTES:
            return None
    try:
        return msgspec.json.decode(body, type=_Login).token
    except msgspec.MsgspecError:
        return None
