"""The local stack on real processes. The tests that need more than the session's stack make a second one: Redis alone."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stack_fixture import OFFSETS, local_environ
from vesselflow.core.errors import StackError
from vesselflow.settings import Settings
from vesselflow.stack import Stack, probes
from vesselflow.stack.ports import free_base
from vesselflow.stack.processes import recorded

pytestmark = pytest.mark.integration


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a stack whose only service of its own is Redis."""
    environ = {"KAFKA_BROKERS": "kafka.example:9092", "DATABASE_URL": "postgresql://db.example/ships"}
    settings = Settings.from_env({**local_environ(tmp_path, free_base(OFFSETS)), **environ})
    yield settings
    Stack(settings).stop()


def pid_file(settings: Settings) -> Path:
    return settings.home / "run" / "redis.pid"


def run_command(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from vesselflow.cli import main; main()", *words],
        env={**os.environ, **settings.to_env()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def eventually(is_true: Callable[[], bool], within_s: float = 20.0) -> bool:
    until = time.monotonic() + within_s
    while not is_true() and time.monotonic() < until:
        time.sleep(0.02)
    return is_true()


def test_every_service_of_a_started_stack_answers(stack: Settings) -> None:
    found = Stack(stack).status()

    assert [(one.name, one.state, one.problem) for one in found] == [
        ("kafka", "running", ""),
        ("postgres", "running", ""),
        ("redis", "running", ""),
    ]


async def test_the_database_belongs_to_its_role_and_has_postgis(stack: Settings) -> None:
    async with probes.database(stack.database_url) as connection:
        assert await connection.fetchval("SELECT current_user::text") == "vesselflow"
        assert await connection.fetchval("SELECT ST_AsText(ST_Point(4, 52))") == "POINT(4 52)"
        assert await connection.fetchval("SHOW fsync") == "on"
        assert not await connection.fetchval("SELECT usesuper FROM pg_user WHERE usename = current_user")


async def test_kafka_makes_no_topic_by_itself(stack: Settings) -> None:
    assert "never-made" not in await probes.topics(stack.kafka_brokers)


def test_starting_twice_leaves_the_running_services_alone(stack: Settings) -> None:
    before = [one.pid for one in Stack(stack).status()]
    said: list[str] = []

    Stack(stack, said.append).start()

    assert [one.pid for one in Stack(stack).status()] == before
    assert [line.partition(" (")[0] for line in said] == [
        "kafka: already running",
        "postgres: already running",
        "redis: already running",
    ]


async def test_two_stacks_run_side_by_side(stack: Settings, small: Settings) -> None:
    second = Stack(small)
    await asyncio.to_thread(second.start)

    await probes.ping_redis(small.redis_url)
    await probes.ping_redis(stack.redis_url)

    await asyncio.to_thread(second.stop)
    await probes.ping_redis(stack.redis_url)


def test_a_service_given_by_its_address_is_not_started(small: Settings) -> None:
    said: list[str] = []

    Stack(small, said.append).start()

    assert said[:2] == ["kafka: external, not started", "postgres: external, not started"]
    assert [one.name for one in small_pids(small)] == ["redis.pid"]


def test_a_stopped_stack_leaves_no_process_and_no_pid_file(small: Settings) -> None:
    Stack(small).start()
    process = recorded(pid_file(small))
    assert process is not None
    assert process.is_alive()

    Stack(small).stop()

    assert not pid_file(small).exists()
    assert not process.is_alive()


def test_a_pid_that_now_means_another_process_is_not_ended(small: Settings) -> None:
    Stack(small).start()
    held = json.loads(pid_file(small).read_text())
    Stack(small).stop()
    # This very process under the start time of the one that ended.
    pid_file(small).write_text(json.dumps({**held, "pid": os.getpid()}))
    said: list[str] = []

    Stack(small, said.append).stop()

    assert said == [f"redis: pid {os.getpid()} in {pid_file(small)} is no longer ours; removed the file"]
    assert not pid_file(small).exists()


def test_a_killed_service_is_shown_as_stale_and_started_again(small: Settings) -> None:
    Stack(small).start()
    os.kill(json.loads(pid_file(small).read_text())["pid"], signal.SIGKILL)
    assert eventually(lambda: Stack(small).status()[2].state == "stale")

    Stack(small).start()

    assert Stack(small).status()[2].state == "running"


def test_a_taken_port_is_named_with_its_setting_and_its_holder(small: Settings) -> None:
    with socket.create_server(("127.0.0.1", small.port_of("redis"))), pytest.raises(StackError) as caught:
        Stack(small).start()

    assert f"redis: port {small.port_of('redis')} is taken by pid {os.getpid()}" in str(caught.value)
    assert "VESSELFLOW_PORT_BASE" in str(caught.value)


def test_a_service_that_ends_while_it_starts_is_reported_with_its_last_words(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "redis-server"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho out of order\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")

    with pytest.raises(StackError, match="redis ended while it started: out of order"):
        Stack(small).start()

    assert not pid_file(small).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_start_stops_what_it_started(small: Settings, tmp_path: Path, number: signal.Signals) -> None:
    silent = tmp_path / "bin" / "redis-server"
    silent.parent.mkdir()
    silent.write_text("#!/bin/sh\nexec sleep 600\n")
    silent.chmod(0o755)
    environ = {**os.environ, **small.to_env(), "PATH": f"{silent.parent}:{os.environ['PATH']}"}
    command = [sys.executable, "-c", "from vesselflow.cli import main; main()", "stack", "start"]
    with subprocess.Popen(command, env=environ) as starting:
        assert eventually(lambda: recorded(pid_file(small)) is not None)
        process = recorded(pid_file(small))

        starting.send_signal(number)

        assert starting.wait(timeout=20) == 130
    assert process is not None
    assert not process.is_alive()


def test_the_commands_start_show_and_stop(small: Settings) -> None:
    assert run_command(small, "stack", "start").returncode == 0
    shown = run_command(small, "stack", "status")
    assert run_command(small, "stack", "stop").returncode == 0

    assert "redis     running" in shown.stdout
    assert "kafka     external  kafka.example:9092" in shown.stdout
    # The two external addresses lead nowhere.
    assert shown.returncode == 2


def test_the_doctor_names_what_does_not_answer_and_how_to_mend_it(small: Settings) -> None:
    found = run_command(small, "doctor")

    assert found.returncode == 2
    assert "redis      problem" in found.stdout
    assert "-> run `vesselflow stack start`" in found.stdout
    assert "-> check DATABASE_URL and the server that it names" in found.stdout
    assert "Traceback" not in found.stderr


def test_the_doctor_finds_the_running_services(stack: Settings) -> None:
    found = run_command(stack, "doctor")

    assert "redis      ok       answers PING" in found.stdout
    assert "run `vesselflow stack start`" not in found.stdout


def small_pids(settings: Settings) -> list[Path]:
    return sorted((settings.home / "run").iterdir())
