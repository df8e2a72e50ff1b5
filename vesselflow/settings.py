"""Turn the environment into one frozen `Settings`, or say which variable is wrong.

A setting's name in the environment is ``VESSELFLOW_`` and the field in capitals; a few keep the names that other
systems know them by (`PLAIN_NAMES`). ``docs/settings.md`` lists them all and a test compares it with this file.
"""

import difflib
import math
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import TypeVar

from vesselflow.core.errors import InvalidSetting

T = TypeVar("T", str, int, float, bool, Path)

PREFIX = "VESSELFLOW_"
PLAIN_NAMES = ("kafka_brokers", "database_url", "redis_url", "signal_api_url", "signal_api_key")
SERVICES = ("kafka", "postgres", "redis")
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def _setting(
    default: T,
    doc: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
    shown: str = "",
    secret: bool = False,
) -> T:
    """Declare one setting; *shown* says in words what an empty default stands for."""
    about = {"doc": doc, "least": least, "most": most, "choices": choices, "shown": shown}
    return field(default=default, repr=not secret, metadata=about)


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, checked. Empty addresses and ports become those of the local stack."""

    app_id: str = _setting("vesselflow", "Names group, topics, tables and progress; a new name starts afresh.")
    home: Path = _setting(Path(".local"), "Folder that holds the local stack's data, its logs and the workers' state.")
    worker_name: str = _setting("worker-0", "Tells workers of one machine apart; names the folder of its state.")
    log_level: str = _setting("info", "What is logged.", choices=("debug", "info", "warning", "error"))

    port_base: int = _setting(29000, "Ports of the local stack are counted from here.", least=1024, most=65000)
    kafka_libs: Path = _setting(Path(".local/kafka/libs"), "Folder with the jars of the local stack's Kafka.")
    kafka_brokers: str = _setting("", "Kafka brokers, host:port with commas.", shown="127.0.0.1:(port_base + 92)")
    database_url: str = _setting(
        "",
        "Address of the Postgres database.",
        shown="postgresql://vesselflow@127.0.0.1:(port_base + 32)/vesselflow",
        secret=True,
    )
    redis_url: str = _setting(
        "", "Address of the Redis server.", shown="redis://127.0.0.1:(port_base + 79)/0", secret=True
    )
    signal_api_url: str = _setting("", "Base address of the vendor's REST API.", shown="none: the poller does not run")
    signal_api_key: str = _setting("", "Key of the vendor's REST API.", shown="none", secret=True)

    identity: str = _setting("mmsi", "Which number tells vessels apart.", choices=("mmsi", "imo"))
    source_partitions: int = _setting(6, "Partitions of vessel.state.changed, when it is created.", least=1)
    position_partitions: int = _setting(12, "Partitions of the positions topic, when it is created.", least=1)
    event_partitions: int = _setting(6, "Partitions of the events topic, when it is created.", least=1)
    replication_factor: int = _setting(1, "Copies of each topic, when it is created.", least=1)
    batch_positions: int = _setting(500, "Most positions in one micro-batch.", least=1, most=5000)
    coalesce_ms: int = _setting(20, "Longest wait in milliseconds for a micro-batch to fill.", least=0)
    buckets: int = _setting(64, "Buckets of vessels in one partition's state; one bucket is one row.", least=1)

    checkpoint_s: float = _setting(2.0, "Seconds between two checkpoints of ingest and the detectors.", least=0.05)
    activity_checkpoint_s: float = _setting(
        10.0, "Seconds between two checkpoints of agents of which every position changes a row.", least=0.05
    )
    stall_exit_s: float = _setting(60.0, "Seconds without progress, with lag, after which the worker exits.", least=1)

    alert_limit_s: float = _setting(
        900.0, "Age in seconds at receipt from which a position raises no alert any more.", least=1
    )
    future_limit_s: float = _setting(
        120.0, "Seconds that a position's time may lie after its receipt before it is clamped.", least=0
    )
    plain_policy: bool = _setting(
        False, "Whether fences and destinations are judged by the plan's plain rules, to the letter."
    )
    fence_margin_m: float = _setting(
        100.0, "Metres beyond a fence's edge from which a vessel has left it.", least=0, most=50_000
    )
    fence_confirm_fixes: int = _setting(2, "Fixes after which an entry or exit counts.", least=1, most=100)
    fence_confirm_s: float = _setting(
        60.0, "Seconds after which it counts with fewer fixes; 0 is never.", least=0, most=86_400
    )
    fence_track_limit_s: float = _setting(
        7200.0, "Longest time between two fixes whose track is searched for a visit; 0 is none.", least=0
    )
    max_speed_kn: float = _setting(70.0, "Speed above which a vessel's next fix counts as a jump.", least=1)
    reorder_s: float = _setting(0.0, "Seconds that a fix waits for older ones of its vessel.", least=0, most=3600)
    change_hold_off_s: float = _setting(
        600.0, "Seconds that a new destination, ETA, draught, status, name or flag has to stand.", least=0, most=86_400
    )
    draught_change_m: float = _setting(0.3, "Metres by which a draught has to differ.", least=0.1, most=10)
    eta_change_s: float = _setting(3600.0, "Seconds by which an ETA has to differ.", least=60, most=864_000)
    stop_below_kn: float = _setting(0.5, "Speed below which a vessel is stopped.", least=0.1, most=10)
    start_above_kn: float = _setting(2.0, "Speed above which a vessel is under way.", least=0.1, most=20)
    movement_confirm_s: float = _setting(300.0, "Seconds that a stop or a start has to stand.", least=0, most=86_400)
    gap_s: float = _setting(21_600.0, "Seconds of silence from which a vessel is dark.", least=600, most=2_592_000)
    source_break_s: float = _setting(
        1800.0, "Seconds without any position after which all silences count anew.", least=60, most=86_400
    )
    fence_poll_s: float = _setting(0.5, "Seconds between two looks at the version of the fences.", least=0.05)
    fence_delay_s: float = _setting(1.5, "Seconds from a fence's change to its being in force everywhere.", least=0)

    window_s: int = _setting(10, "Length of an activity window in seconds.", least=1, most=300)
    stats_every_s: float = _setting(10.0, "Seconds between two writes of the activity row.", least=0.1, most=30)
    vessel_retention_days: int = _setting(30, "Days after its last position that a vessel counts as known.", least=1)

    notification_ttl_days: int = _setting(7, "Days that a notification is kept.", least=1)
    handled_event_days: int = _setting(8, "Days that a handled event's id is remembered.", least=1)
    republish_s: float = _setting(30.0, "Seconds of notifications that are published again after a start.", least=0)
    redis_flush_ms: int = _setting(500, "Milliseconds between two writes of last positions to Redis.", least=1)

    web_in_worker: bool = _setting(True, "Whether the worker serves the web pages as well.")
    web_host: str = _setting("127.0.0.1", "Address that the web server listens on.")
    web_port: int = _setting(0, "Port of the web server.", shown="port_base + 80", least=0, most=65535)
    public_stats: bool = _setting(True, "Whether the statistics and the dashboard are shown without a login.")
    token_secret: str = _setting(
        "", "Secret that signs tokens.", shown="made once, kept in home/token-secret", secret=True
    )
    token_ttl_h: float = _setting(24.0, "Hours that a token is good for.", least=0.01)
    websocket_queue: int = _setting(1000, "Frames that wait for one socket before it is closed.", least=1)

    def __post_init__(self) -> None:
        """Fill in what follows from other settings."""
        put = object.__setattr__
        put(self, "home", self.home.expanduser().absolute())
        put(self, "kafka_brokers", self.kafka_brokers or self.own_address("kafka"))
        put(self, "database_url", self.database_url or self.own_address("postgres"))
        put(self, "redis_url", self.redis_url or self.own_address("redis"))
        put(self, "web_port", self.web_port or self.port_base + 80)
        self._check_order("stop_below_kn", "start_above_kn")
        self._check_order("source_break_s", "gap_s")

    def _check_order(self, lesser: str, greater: str) -> None:
        """Check that one setting is at most another.

        Raises: InvalidSetting
        """
        most, got = getattr(self, greater), getattr(self, lesser)
        if got > most:
            names = [PREFIX + name.upper() for name in (lesser, greater)]
            raise InvalidSetting(f"{names[0]}: expected at most {names[1]}, which is {most}, got {got}")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings that *environ* holds; empty values count as not given.

        Raises: InvalidSetting for a name that does not exist and a value that is not allowed.
        """
        known = {env_name(one): one for one in fields(cls)}
        unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise InvalidSetting(_unknown(unknown[0], list(known)))
        given = {one.name: _parse(name, environ[name], one) for name, one in known.items() if environ.get(name)}
        return cls(**given)  # type: ignore[arg-type]  # each value was parsed by its field's own type

    def to_env(self) -> dict[str, str]:
        """Return the variables from which `from_env` makes these settings in another process."""
        standard = Settings(port_base=self.port_base)
        changed = [one for one in fields(self) if getattr(self, one.name) != getattr(standard, one.name)]
        values = {env_name(one): str(getattr(self, one.name)) for one in changed}
        return {**values, PREFIX + "PORT_BASE": str(self.port_base), PREFIX + "HOME": str(self.home)}

    def own_address(self, service: str) -> str:
        """Return the address at which the local stack would serve *service*: kafka, postgres or redis."""
        port = self.port_of(service)
        return {
            "kafka": f"127.0.0.1:{port}",
            "postgres": f"postgresql://vesselflow@127.0.0.1:{port}/vesselflow",
            "redis": f"redis://127.0.0.1:{port}/0",
        }[service]

    def address(self, service: str) -> str:
        """Return the address at which *service* is used; it may hold a password."""
        return {"kafka": self.kafka_brokers, "postgres": self.database_url, "redis": self.redis_url}[service]

    def is_external(self, service: str) -> bool:
        """Tell whether *service* was given by address and so is none of the local stack's."""
        return self.address(service) != self.own_address(service)

    def port_of(self, service: str) -> int:
        """Return the local port of kafka, controller, postgres, redis, web or health."""
        offset = {"kafka": 92, "controller": 93, "postgres": 32, "redis": 79, "web": 80, "health": 66}[service]
        return self.port_base + offset

    @property
    def data_dir(self) -> Path:
        """The folder of this worker's local state."""
        return self.home / self.app_id / self.worker_name


def env_name(one: "Field[object]") -> str:
    """Return the name in the environment of the setting that *one* declares."""
    return one.name.upper() if one.name in PLAIN_NAMES else PREFIX + one.name.upper()


def load_token_secret(settings: Settings) -> str:
    """Return the secret that signs tokens; the first call makes it, readable by its owner only."""
    if settings.token_secret:
        return settings.token_secret
    path = settings.home / "token-secret"
    if not path.exists():
        _create_secret(path)
    return path.read_text(encoding="ascii").strip()


def _create_secret(path: Path) -> None:
    """Write a random secret to *path* unless another process just did."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A link to a finished file: a process that starts at the same moment never reads half a secret.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as draft:
        draft.write(secrets.token_urlsafe(32) + "\n")
        draft.flush()
        try:
            os.link(draft.name, path)
        except FileExistsError:
            return


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{name}: expected a setting of docs/settings.md, got an unknown name{hint}"


def _parse(name: str, text: str, one: "Field[object]") -> str | int | float | bool | Path:
    """Return *text* as the type of the setting *one*.

    Raises: InvalidSetting
    """
    if one.type is bool:
        return _parse_bool(name, text)
    if one.type is Path:
        return Path(text)
    if one.type in (int, float):
        return _parse_number(name, text, one)
    choices = one.metadata["choices"]
    if choices and text not in choices:
        # A secret has no choices, so the value may be shown.
        raise InvalidSetting(f"{name}: expected one of {', '.join(choices)}, got {text!r}")
    return text


def _parse_bool(name: str, text: str) -> bool:
    if text.lower() not in TRUE + FALSE:
        raise InvalidSetting(f"{name}: expected true or false, got {text!r}")
    return text.lower() in TRUE


def _parse_number(name: str, text: str, one: "Field[object]") -> int | float:
    least, most = one.metadata["least"], one.metadata["most"]
    try:
        value = int(text) if one.type is int else float(text)
    except ValueError:
        value = math.nan
    fits = (least is None or value >= least) and (most is None or value <= most)
    if not (math.isfinite(value) and fits):
        raise InvalidSetting(f"{name}: expected {_expected(one)}, got {text!r}")
    return value


def _expected(one: "Field[object]") -> str:
    least, most = one.metadata["least"], one.metadata["most"]
    kind = "a whole number" if one.type is int else "a number"
    if most is None:
        return f"{kind} of at least {least}"
    return f"{kind} from {least} to {most}"
