"""The server that runs within a worker, and the one that runs alone."""

import asyncio
import os
import signal

import httpx
import pytest

from tests.web.sockets import PATIENCE_S
from tests.web.standins import services
from vesselflow.core.errors import StackError
from vesselflow.web.health import create_health_app
from vesselflow.web.server import create_app
from vesselflow.web.service import WebService, listen, run


async def test_a_taken_port_is_named() -> None:
    async with WebService(create_app(services()), "127.0.0.1", 0) as first:
        assert isinstance(first, WebService)
        with pytest.raises(StackError, match=f"free port {first.port} on 127.0.0.1"):
            await WebService(create_app(services()), "127.0.0.1", first.port).on_start()


async def test_it_leaves_the_signals_to_the_process() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async with WebService(create_app(services()), "127.0.0.1", 0):
        assert signal.getsignal(signal.SIGTERM) is before


async def test_a_worker_without_pages_serves_its_health() -> None:
    async with WebService(create_health_app(lambda: ["recovering"]), "127.0.0.1", 0) as service:
        assert isinstance(service, WebService)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}") as probe:
            codes = [(await probe.get(path)).status_code for path in ("/healthz", "/readyz", "/metrics", "/")]

    assert codes == [200, 503, 200, 404]


async def test_a_signal_ends_an_instance_without_a_worker() -> None:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()
    running = asyncio.create_task(run(services(), "127.0.0.1", port))
    async with asyncio.timeout(PATIENCE_S):
        await _answers(f"http://127.0.0.1:{port}/healthz")
        os.kill(os.getpid(), signal.SIGTERM)

        await running


async def _answers(url: str) -> None:
    async with httpx.AsyncClient() as probe:
        while True:
            try:
                await probe.get(url)
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
            else:
                return
