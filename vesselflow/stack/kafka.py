"""Kafka for the local stack: one process that is broker and KRaft controller, run from its jars."""

import base64
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from vesselflow.core.errors import StackError
from vesselflow.settings import Settings
from vesselflow.stack import probes
from vesselflow.stack.service import folder, program

MEGABYTE = 1024 * 1024
MEND = "run `make setup`, or set KAFKA_BROKERS"
PROJECT = Path(__file__).parents[2]

LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRefs = stdout
rootLogger.appenderRef.stdout.ref = stdout
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{yyyy-MM-dd HH:mm:ss.SSS} %p %c{1}: %m%n
"""


class Kafka:
    """One Kafka broker on 127.0.0.1."""

    name = "kafka"
    stop_signal = signal.SIGTERM

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def ports(self) -> tuple[int, ...]:
        """Return every port that it listens on."""
        return (self.settings.port_of("kafka"), self.settings.port_of("controller"))

    def prepare(self) -> None:
        """Write its configuration and format its storage, unless that is done."""
        self._file("log4j2.properties").write_text(LOGGING, encoding="ascii")
        lines = [f"{key}={value}" for key, value in self._properties().items()]
        self._file("server.properties").write_text("\n".join(lines) + "\n", encoding="utf-8")
        if (self._file("data") / "meta.properties").exists():
            return
        # -XX:TieredStopAtLevel=1: formatting is over before the better compiler would pay.
        format_it = [*self._java("-XX:TieredStopAtLevel=1"), "kafka.tools.StorageTool", "format"]
        options = ["-t", _cluster_id(), "-c", str(self._file("server.properties"))]
        done = subprocess.run([*format_it, *options], capture_output=True, text=True, env=dict(self.environ()))
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines()
            raise StackError(f"Kafka's storage could not be formatted: {lines[-1] if lines else 'no message'}")

    def command(self) -> list[str]:
        """Return the command that runs it in the foreground."""
        heap = ["-Xmx512m", "-Xms256m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]
        return [*self._java(*heap), "kafka.Kafka", str(self._file("server.properties"))]

    def environ(self) -> Mapping[str, str]:
        """Return the variables of its environment; options meant for another Java program would change it."""
        strange = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH", "KAFKA_OPTS")
        return {name: value for name, value in os.environ.items() if name not in strange}

    def finish(self) -> None:
        """Nothing is left to do: `vesselflow topics create` makes the topics."""

    async def probe(self) -> None:
        """Return when it answers a request for its topics."""
        await probes.topics(self.settings.kafka_brokers, timeout_s=3)

    def _file(self, name: str) -> Path:
        return folder(self.settings, "kafka") / name

    def _java(self, *options: str) -> list[str]:
        home = os.environ.get("JAVA_HOME", "")
        java = Path(home) / "bin" / "java"
        found = str(java) if home and java.exists() else program("java", mend=f"install a Java of 17 or newer; {MEND}")
        logging = f"-Dlog4j2.configurationFile={self._file('log4j2.properties')}"
        return [found, *options, logging, "-cp", f"{find_libs(self.settings)}/*"]

    def _properties(self) -> dict[str, str | int]:
        broker, controller = self.ports()
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"BROKER://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"BROKER://127.0.0.1:{broker}",
            "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "BROKER",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self._file("data")),
            # One broker: there is nobody to copy to.
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            # Few partitions of its own topics: a quick first start and few open files.
            "offsets.topic.num.partitions": 8,
            "transaction.state.log.num.partitions": 4,
            # A topic comes from `vesselflow topics create`, with its partitions, or not at all.
            "auto.create.topics.enable": "false",
            "message.max.bytes": 4 * MEGABYTE,
            "replica.fetch.max.bytes": 4 * MEGABYTE,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "log.retention.hours": 168,
            "log.retention.bytes": 1024 * MEGABYTE,
            "log.segment.bytes": 128 * MEGABYTE,
            # The standard 128 MB is a quarter of this heap.
            "log.cleaner.dedupe.buffer.size": 32 * MEGABYTE,
            "num.network.threads": 2,
            "num.io.threads": 4,
        }


def find_libs(settings: Settings) -> Path:
    """Return the folder of Kafka's jars: the setting's, as it stands or below the project, else that of a Kafka on the PATH.

    Raises: StackError
    """
    started_by = shutil.which("kafka-server-start.sh") or shutil.which("kafka-server-start")
    installed = [Path(started_by).resolve().parents[1] / "libs"] if started_by else []
    for libs in [settings.kafka_libs, PROJECT / settings.kafka_libs, *installed]:
        if any(libs.glob("kafka_2*.jar")):
            return libs.absolute()
    raise StackError(f"expected the jars of Kafka in {settings.kafka_libs}, found none: {MEND}")


def _cluster_id() -> str:
    """Return a new random id as Kafka writes them: 16 bytes as base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
