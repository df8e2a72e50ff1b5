import json
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from tests.web.standins import ROW, FixedClock, Stats, services, token
from vesselflow.web.server import WebServices, create_app

STATS = "/api/database/vessel-stats-cached"


def client(given: WebServices) -> TestClient:
    return TestClient(create_app(given), base_url="http://fleet.example")


def test_the_statistics_are_exactly_those_of_the_contract() -> None:
    answer = client(services()).get(STATS)

    assert answer.status_code == 200
    assert answer.json() == {
        "activeNow": 1234,
        "activeLastHour": 2345,
        "activeLast24h": 3456,
        "totalVessels": 30567,
        "positionsLastHour": 45678,
        "vesselTypes": {"Cargo": 8934, "Tanker": 6721},
        "topFlags": [{"flag": "US", "count": 3456}],
        "speedAvg": 12.5,
        "updatedAt": "2024-10-28T10:00:00Z",
    }


def test_without_a_row_the_statistics_are_zero_as_of_now() -> None:
    answer = client(services(stats=Stats(None), clock=FixedClock(1_767_225_600_000))).get(STATS)

    assert (answer.status_code, answer.json()) == (
        200,
        {
            "activeNow": 0,
            "activeLastHour": 0,
            "activeLast24h": 0,
            "totalVessels": 0,
            "positionsLastHour": 0,
            "vesselTypes": {},
            "topFlags": [],
            "speedAvg": 0,
            "updatedAt": "2026-01-01T00:00:00Z",
        },
    )


def test_the_statistics_are_never_cached_by_the_browser() -> None:
    assert client(services()).get(STATS).headers["cache-control"] == "no-store"


def test_when_postgres_fails_the_answer_is_500_with_a_message() -> None:
    stats = Stats(ROW)
    stats.is_down = True

    answer = client(services(stats=stats)).get(STATS)

    assert (answer.status_code, answer.json()) == (500, {"error": "Failed to fetch vessel stats"})
    assert answer.headers["cache-control"] == "no-store"


def test_a_null_in_the_row_is_a_zero() -> None:
    row = dict.fromkeys(ROW) | {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}

    assert client(services(stats=Stats(row))).get(STATS).json()["speedAvg"] == 0


def test_closed_statistics_need_a_login() -> None:
    browser = client(services(public_stats=False))

    assert browser.get(STATS).status_code == 401
    assert browser.get(STATS, headers={"Authorization": f"Bearer {token()}"}).status_code == 200
    assert browser.get("/dashboard/vessels", follow_redirects=False).headers["location"] == "/login"


@pytest.mark.parametrize("path", ["/", "/login", "/dashboard/vessels", STATS, "/metrics", "/static/page.js", "/none"])
def test_every_answer_keeps_the_browser_to_our_own_files(path: str) -> None:
    headers = client(services()).get(path).headers

    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/login", "/dashboard/vessels"])
def test_a_page_has_no_inline_script_or_style_and_nothing_from_elsewhere(path: str) -> None:
    text = client(services()).get(path).text

    assert "<style" not in text
    assert " style=" not in text
    assert " on" + "click" not in text
    assert "<script>" not in text
    assert "//" not in text.replace("<!doctype html>", "")


def test_the_dashboard_says_what_the_contract_says() -> None:
    text = client(services()).get("/dashboard/vessels").text

    for words in (
        "Vessel Activity",
        "Real-time AIS vessel tracking and statistics",
        "Active Now",
        "Transmitting in last 5 minutes",
        "Last Hour",
        "Last 24 Hours",
        "Active vessels",
        "Avg Speed",
        "Average speed (last hour)",
        "Distribution of active vessels by type",
        "Vessels by flag state",
        "Last updated: ",
    ):
        assert words in text


def test_a_file_that_the_browser_has_is_not_sent_again() -> None:
    browser = client(services())
    first = browser.get("/static/page.js")

    again = browser.get("/static/page.js", headers={"If-None-Match": first.headers["etag"]})

    assert (first.headers["cache-control"], again.status_code) == ("no-cache", 304)


def test_no_file_outside_of_the_folder_is_served() -> None:
    assert client(services()).get("/static/%2e%2e/server.py").status_code == 404


def test_the_process_is_alive_while_it_is_not_ready() -> None:
    starting = client(services(readiness=lambda: ["the tables are recovering"]))

    with starting:
        assert starting.get("/healthz").status_code == 200
        answer = starting.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {"ready": False, "reasons": ["the tables are recovering"]})


def test_an_instance_that_misses_nothing_is_ready() -> None:
    with client(services()) as ready:
        assert ready.get("/readyz").json() == {"ready": True, "reasons": []}


def test_prometheus_finds_our_metrics() -> None:
    answer = client(services()).get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert "vesselflow_websocket_capacity 5000.0" in answer.text


def test_a_token_becomes_a_cookie_that_no_script_and_no_other_site_gets() -> None:
    answer = client(services()).post("/session", json={"token": token("alpha")})

    assert answer.json()["clientId"] == "alpha"
    parts = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=strict", "path=/"} <= parts
    assert "secure" not in parts


def test_over_https_the_cookie_never_travels_in_the_clear() -> None:
    browser = TestClient(create_app(services()), base_url="https://fleet.example")

    assert "Secure" in browser.post("/session", json={"token": token()}).headers["set-cookie"]


def test_a_bearer_token_is_taken_as_well() -> None:
    browser = client(services())

    assert browser.post("/session", headers={"Authorization": f"Bearer {token('beta')}"}).status_code == 200
    assert browser.get("/session").json()["clientId"] == "beta"


def test_nobody_is_logged_in_at_first_and_after_leaving() -> None:
    browser = client(services())
    before = browser.get("/session").json()
    browser.post("/session", json={"token": token()})
    browser.delete("/session")

    assert (before["clientId"], browser.get("/session").json()["clientId"]) == (None, None)


@pytest.mark.parametrize("bad", [token(ttl_s=-1), token()[:-4] + "AAAA", "", "x"])
def test_a_bad_token_opens_no_session(bad: str) -> None:
    answer = client(services()).post("/session", json={"token": bad})

    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"token": 1}', b'{"token": "' + b"x" * 9000 + b'"}'])
def test_a_login_that_is_none_is_refused(body: bytes) -> None:
    answer = client(services()).post("/session", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400


def test_a_form_of_another_site_cannot_log_anybody_in() -> None:
    text = json.dumps({"token": token()})

    assert client(services()).post("/session", content=text, headers={"Content-Type": "text/plain"}).status_code == 400


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_page_of_another_site_cannot_log_in_or_out(method: str) -> None:
    headers = {"Origin": "http://fleet.example.evil.example", "Authorization": f"Bearer {token()}"}

    assert client(services()).request(method, "/session", headers=headers).status_code == 403


def test_a_page_of_an_allowed_origin_can() -> None:
    given = services(allowed_origins=frozenset({"https://bridge.example"}))
    headers = {"Origin": "https://bridge.example", "Authorization": f"Bearer {token()}"}

    assert client(given).post("/session", headers=headers).status_code == 200
