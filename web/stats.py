"""The activity row -> the answer of ``GET /api/database/vessel-stats-cached``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from vesselflow.core.errors import Unavailable
from vesselflow.web.services import WebServices
from vesselflow.web.session import request_access

_COUNTS: Final = {
    "activeNow": "active_now",
    "activeLastHour": "active_last_hour",
    "activeLast24h": "active_last_24h",
    "totalVessels": "total_vessels",
    "positionsLastHour": "positions_last_hour",
}


async def vessel_stats(request: Request) -> Response:
    """Answer with the row as it stands; with zeros while there is none."""
    services: WebServices = request.app.state.services
    if not services.public_stats and request_access(request, services) is None:
        return _answer({"error": "Log in to see the statistics"}, 401)
    try:
        row = await services.stats.read_stats()
    except Unavailable:
        return _answer({"error": "Failed to fetch vessel stats"}, 500)
    now = datetime.fromtimestamp(services.clock.now_ms() / 1000, UTC)
    return _answer(stats_body(row or {}, now))


def stats_body(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the contract's object for *row*; what it lacks is zero, empty or *now*."""
    counts = {name: row.get(column) or 0 for name, column in _COUNTS.items()}
    updated_at = row.get("updated_at") or now
    return counts | {
        "vesselTypes": row.get("vessel_types") or {},
        "topFlags": row.get("top_flags") or [],
        # A decimal in Postgres, a number in the answer.
        "speedAvg": float(row.get("speed_avg") or 0),
        "updatedAt": updated_at.astimezone(UTC).replace(microsecond=updated_at.microsecond // 1000 * 1000),
    }


def _answer(body: Mapping[str, Any], status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")
