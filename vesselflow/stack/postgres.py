"""Postgres with PostGIS for the local stack: its own cluster, open to 127.0.0.1 only."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from vesselflow.core.errors import StackError
from vesselflow.settings import Settings
from vesselflow.stack import probes
from vesselflow.stack.service import folder, program

ROLE = "vesselflow"
MEND = "apt-get install postgresql-15 postgresql-15-postgis-3, or set DATABASE_URL"
ACCOUNT = "postgres"


class Postgres:
    """One Postgres server with the role and database vesselflow."""

    name = "postgres"
    # SIGTERM would wait for every client to leave; SIGINT ends their sessions and writes a clean end.
    stop_signal = signal.SIGINT

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.port = settings.port_of("postgres")

    def ports(self) -> tuple[int, ...]:
        """Return every port that it listens on."""
        return (self.port,)

    @property
    def data(self) -> Path:
        """The cluster's own folder; Postgres wants nobody else to be able to read it."""
        return folder(self.settings, "postgres") / "data"

    def prepare(self) -> None:
        """Make the cluster, unless it is there."""
        if (self.data / "PG_VERSION").exists():
            return
        # What an interrupted initdb left would make the next one refuse.
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self.data, ACCOUNT, ACCOUNT)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        command = [*self._as_account(), _program("initdb"), "-D", str(self.data), *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=dict(self.environ()))
        if done.returncode:
            raise StackError(f"initdb failed in {self.data}: {done.stderr.strip().splitlines()[-1:]}")

    def command(self) -> list[str]:
        """Return the command that runs it in the foreground."""
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "max_wal_size": "512MB",
            "timezone": "UTC",
            "jit": "off",
        }
        flags = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        return [*self._as_account(), _program("postgres"), "-D", str(self.data), *flags]

    def environ(self) -> Mapping[str, str]:
        """Return the variables of its environment; PG* of the caller would change its meaning."""
        return {name: value for name, value in os.environ.items() if not name.startswith("PG")}

    def finish(self) -> None:
        """Make the role, the database and the extension, unless they are there."""
        asyncio.run(self._make_database())

    async def probe(self) -> None:
        """Return when it answers SELECT 1; our own is asked before its database vesselflow is made."""
        url = self.settings.database_url if self.settings.is_external("postgres") else self._url("postgres")
        async with probes.database(url, timeout_s=2) as connection:
            await connection.fetchval("SELECT 1")

    async def _make_database(self) -> None:
        # template1 too, so that every database a test makes has PostGIS without being a superuser's.
        async with probes.database(self._url("template1"), timeout_s=60) as connection:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE):
                await connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
        # From another database: a template with a session on it cannot be copied.
        async with probes.database(self._url("postgres"), timeout_s=60) as connection:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", ROLE):
                await connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}")

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _as_account(self) -> list[str]:
        """Return the words that run a command as the account postgres: Postgres refuses to run as root.

        An account other than root cannot reach a home below a folder like /root or one of `mktemp -d`; then the command
        keeps root's right to pass through folders, and nothing else of root's.
        """
        if os.geteuid() != 0:
            return []
        if not _account_exists():
            raise StackError(f"expected an account named {ACCOUNT} to run Postgres as, found none: {MEND}")
        words = [program("setpriv", mend="apt-get install util-linux"), f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}"]
        words.append("--init-groups")
        if not _open_to_all(self.data.parent):
            words += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return words


def _account_exists() -> bool:
    return any(entry.pw_name == ACCOUNT for entry in pwd.getpwall())


def _open_to_all(path: Path) -> bool:
    """Tell whether any account may pass through *path* and every folder above it."""
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _program(name: str) -> str:
    """Return the path of one of Postgres' own programs; Debian keeps them off the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"[0-9]*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1]) if versions else program(name, mend=MEND)
