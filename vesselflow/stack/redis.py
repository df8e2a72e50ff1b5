"""Redis for the local stack: in memory only, since all that it holds can be made again."""

import os
import signal
from collections.abc import Mapping

from vesselflow.settings import Settings
from vesselflow.stack import probes
from vesselflow.stack.service import folder, program


class RedisServer:
    """One Redis server on 127.0.0.1."""

    name = "redis"
    stop_signal = signal.SIGTERM

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def ports(self) -> tuple[int, ...]:
        """Return every port that it listens on."""
        return (self.settings.port_of("redis"),)

    def prepare(self) -> None:
        """Make its folder."""
        folder(self.settings, "redis")

    def command(self) -> list[str]:
        """Return the command that runs it in the foreground."""
        server = program("redis-server", "valkey-server", mend="apt-get install redis-server, or set REDIS_URL")
        options = {
            "port": str(self.settings.port_of("redis")),
            "bind": "127.0.0.1",
            "dir": str(folder(self.settings, "redis")),
            "save": "",
            "appendonly": "no",
            "loglevel": "notice",
        }
        return [server, *(word for key, value in options.items() for word in (f"--{key}", value))]

    def environ(self) -> Mapping[str, str]:
        """Return the variables of its environment."""
        return os.environ

    def finish(self) -> None:
        """Nothing is left to do."""

    async def probe(self) -> None:
        """Return when it answers PING."""
        await probes.ping_redis(self.settings.redis_url, timeout_s=2)
