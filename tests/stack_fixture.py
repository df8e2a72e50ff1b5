"""One real local stack for the whole test session: `stack` yields its settings.

Every test shares it, so a test makes topics, clients and databases under names of its own.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from vesselflow.settings import Settings
from vesselflow.stack import Stack
from vesselflow.stack.ports import free_base

OFFSETS = (32, 66, 79, 80, 92, 93)


@pytest.fixture(scope="session")
def stack() -> Iterator[Settings]:
    """Start a stack on free ports in a home of its own, once a session, and stop it at the end."""
    home = Path(tempfile.mkdtemp(prefix="vesselflow-test-"))
    settings = Settings.from_env(local_environ(home, free_base(OFFSETS)))
    running = Stack(settings)
    # A session that is told to end shall not leave a Kafka behind.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        running.start()
        yield settings
    finally:
        running.stop()
        signal.signal(signal.SIGTERM, before)
        shutil.rmtree(home, ignore_errors=True)


def local_environ(home: Path, port_base: int) -> dict[str, str]:
    """Return the environment of a stack of its own, whatever the caller's names as services."""
    own = {"VESSELFLOW_HOME": str(home), "VESSELFLOW_PORT_BASE": str(port_base)}
    libs = os.environ.get("VESSELFLOW_KAFKA_LIBS")
    return {**own, "VESSELFLOW_KAFKA_LIBS": libs} if libs else own
