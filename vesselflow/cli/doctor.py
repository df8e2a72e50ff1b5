"""``vesselflow doctor``: say what is wrong with settings and services, and how to mend it."""

import asyncio
import importlib
import importlib.util
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import resources

import click

from vesselflow.core.errors import InvalidSetting, Unavailable, VesselflowError
from vesselflow.settings import Settings, load_token_secret
from vesselflow.stack import probes

MIGRATE = "run `vesselflow migrate`"
START = "run `vesselflow stack start`"


class Problem(VesselflowError):
    """Something is wrong; *mend* says what to do."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


@dataclass(frozen=True)
class Check:
    """One thing to look at: *look* returns what it found, or raises a `Problem`."""

    name: str
    look: Callable[[Settings], Awaitable[str]]


@click.command("doctor")
def command() -> int:
    """Check the settings and every service, and say how to mend what is wrong."""
    try:
        settings = Settings.from_env(os.environ)
    except InvalidSetting as error:
        _print("settings", "problem", str(error), "see docs/settings.md")
        return 2
    _print("settings", "ok", f"home {settings.home}, ports from {settings.port_base}")
    return 0 if asyncio.run(_examine(settings)) else 2


async def _examine(settings: Settings) -> bool:
    """Make every check, print a line for each and return whether all is well."""
    well = True
    for check in CHECKS:
        try:
            _print(check.name, "ok", await check.look(settings))
        except Problem as problem:
            well = False
            _print(check.name, "problem", str(problem), problem.mend)
    return well


def _print(name: str, verdict: str, found: str, mend: str = "") -> None:
    click.echo(f"{name:<10} {verdict:<8} {found}" + (f" -> {mend}" if mend else ""))


async def kafka(settings: Settings) -> str:
    """Kafka answers and has the topics."""
    try:
        found = await probes.topics(settings.kafka_brokers)
    except Unavailable as error:
        raise Problem(str(error), _mend(settings, "kafka", "KAFKA_BROKERS")) from error
    own = ("positions", "events", "activity", "dead-letters")
    wanted = ["vessel.state.changed", *(f"{settings.app_id}.{name}" for name in own)]
    missing = [name for name in wanted if name not in found]
    if missing:
        raise Problem(f"expected {len(wanted)} topics, missing {', '.join(missing)}", "run `vesselflow topics create`")
    return f"{len(wanted)} topics at {settings.kafka_brokers}"


async def postgres(settings: Settings) -> str:
    """Postgres answers, has PostGIS, and every migration is applied."""
    try:
        async with probes.database(settings.database_url) as connection:
            version = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'postgis'")
            table = await connection.fetchval("SELECT to_regclass('schema_migrations')::text")
            applied = await connection.fetchval("SELECT count(*) FROM schema_migrations") if table else 0
    except Unavailable as error:
        raise Problem(str(error), _mend(settings, "postgres", "DATABASE_URL")) from error
    if version is None:
        raise Problem("expected the extension postgis, found none", f"install PostGIS on the server and {MIGRATE}")
    migrations = sum(one.name.endswith(".sql") for one in resources.files("vesselflow.sql").iterdir())
    if applied < migrations:
        raise Problem(f"expected {migrations} migrations, {applied} are applied", MIGRATE)
    return f"PostGIS {version}, {applied} migrations applied"


async def redis(settings: Settings) -> str:
    """Redis answers."""
    try:
        await probes.ping_redis(settings.redis_url)
    except Unavailable as error:
        raise Problem(str(error), _mend(settings, "redis", "REDIS_URL")) from error
    return "answers PING"


async def rocksdb(settings: Settings) -> str:
    """Exactly one RocksDB driver is installed: with two, Faust takes one and the files of the other are lost."""
    found = [name for name in ("rocksdict", "rocksdb") if importlib.util.find_spec(name)]
    if found != ["rocksdict"]:
        raise Problem(f"expected the RocksDB driver rocksdict alone, found {found or 'none'}", "run `make setup`")
    return "rocksdict"


async def iterator(settings: Settings) -> str:
    """Faust's stream iterator is the compiled one: the other acknowledges records that it never handed out."""
    if getattr(importlib.import_module("faust.streams"), "_CStreamIterator", None) is None:
        mend = "install faust-streaming from its wheel and unset NO_CYTHON"
        raise Problem("expected Faust's compiled stream iterator, found none", mend)
    return "compiled stream iterator"


async def tokens(settings: Settings) -> str:
    """Tokens can be signed: the secret can be read and is long enough."""
    try:
        secret = load_token_secret(settings)
    except OSError as error:
        raise Problem(f"the token secret cannot be read: {error}", f"make {settings.home} writable") from error
    if len(secret) < 32:
        mend = "set VESSELFLOW_TOKEN_SECRET to a longer one, or unset it and remove the file"
        raise Problem(f"expected a token secret of at least 32 characters, got {len(secret)}", mend)
    return "secret present"


CHECKS = (
    Check("kafka", kafka),
    Check("postgres", postgres),
    Check("redis", redis),
    Check("rocksdb", rocksdb),
    Check("faust", iterator),
    Check("tokens", tokens),
)


def _mend(settings: Settings, service: str, name: str) -> str:
    return f"check {name} and the server that it names" if settings.is_external(service) else START
