import re
from dataclasses import fields
from pathlib import Path

import pytest

from vesselflow.core.errors import InvalidSetting
from vesselflow.settings import Settings, env_name, load_token_secret

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def rows_of_the_page() -> dict[str, list[str]]:
    rows = re.findall(r"^\| `([A-Z_]+)` \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}


def shown_default(name: str) -> str:
    one = next(one for one in fields(Settings) if env_name(one) == name)
    default = str(one.default).lower() if one.type is bool else str(one.default)
    return one.metadata["shown"] or f"`{default}`"


def test_the_page_lists_every_setting_in_the_order_of_the_code() -> None:
    assert list(rows_of_the_page()) == [env_name(one) for one in fields(Settings)]


@pytest.mark.parametrize("one", fields(Settings), ids=lambda one: one.name)
def test_the_page_says_what_the_code_says(one) -> None:  # type: ignore[no-untyped-def]  # a Field of any type
    default, _, meaning = rows_of_the_page()[env_name(one)]

    assert default == shown_default(env_name(one))
    assert meaning == one.metadata["doc"]


def test_an_empty_environment_gives_the_local_stack() -> None:
    settings = Settings.from_env({})

    assert settings.kafka_brokers == "127.0.0.1:29092"
    assert settings.database_url == "postgresql://vesselflow@127.0.0.1:29032/vesselflow"
    assert settings.redis_url == "redis://127.0.0.1:29079/0"
    assert settings.web_port == 29080
    assert not any(settings.is_external(service) for service in ("kafka", "postgres", "redis"))


def test_every_local_port_follows_the_base() -> None:
    settings = Settings.from_env({"VESSELFLOW_PORT_BASE": "31000"})

    assert settings.kafka_brokers == "127.0.0.1:31092"
    assert settings.web_port == 31080


def test_a_given_address_makes_the_service_external() -> None:
    settings = Settings.from_env({"DATABASE_URL": "postgresql://db.example/ships"})

    assert settings.is_external("postgres")
    assert not settings.is_external("redis")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"VESSELFLOW_STOP_BELOW_KN": "3"},
            "VESSELFLOW_STOP_BELOW_KN: expected at most VESSELFLOW_START_ABOVE_KN, which is 2.0, got 3.0",
        ),
        (
            {"VESSELFLOW_GAP_S": "600"},
            "VESSELFLOW_SOURCE_BREAK_S: expected at most VESSELFLOW_GAP_S, which is 600.0, got 1800.0",
        ),
    ],
)
def test_two_settings_the_wrong_way_round_are_refused_by_name(environ: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidSetting, match=f"^{re.escape(message)}$"):
        Settings.from_env(environ)


def test_the_folder_of_the_state_carries_app_and_worker() -> None:
    settings = Settings.from_env({"VESSELFLOW_HOME": "/srv/v", "VESSELFLOW_WORKER_NAME": "worker-3"})

    assert settings.data_dir == Path("/srv/v/vesselflow/worker-3")


def test_settings_travel_to_another_process_unchanged() -> None:
    settings = Settings.from_env(
        {"VESSELFLOW_PORT_BASE": "31000", "REDIS_URL": "redis://r/1", "VESSELFLOW_WEB_IN_WORKER": "no"}
    )

    assert Settings.from_env(settings.to_env()) == settings


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("VESSELFLOW_PORTBASE", "1", "got an unknown name; did you mean VESSELFLOW_PORT_BASE?"),
        ("VESSELFLOW_PORT_BASE", "many", "expected a whole number from 1024 to 65000, got 'many'"),
        ("VESSELFLOW_PORT_BASE", "80", "expected a whole number from 1024 to 65000, got '80'"),
        ("VESSELFLOW_COALESCE_MS", "1.5", "expected a whole number of at least 0, got '1.5'"),
        ("VESSELFLOW_CHECKPOINT_S", "inf", "expected a number of at least 0.05, got 'inf'"),
        ("VESSELFLOW_IDENTITY", "name", "expected one of mmsi, imo, got 'name'"),
        ("VESSELFLOW_PUBLIC_STATS", "maybe", "expected true or false, got 'maybe'"),
    ],
)
def test_a_bad_setting_is_named_with_what_was_expected(name: str, value: str, message: str) -> None:
    with pytest.raises(InvalidSetting, match=f"^{name}: ") as caught:
        Settings.from_env({name: value})

    assert message in str(caught.value)


def test_names_of_other_programs_are_not_looked_at() -> None:
    assert Settings.from_env({"PATH": "/bin", "KAFKA_HOME": "/opt"}) == Settings.from_env({})


def test_secrets_are_not_shown() -> None:
    settings = Settings.from_env(
        {
            "SIGNAL_API_KEY": "hush-1",
            "VESSELFLOW_TOKEN_SECRET": "hush-2",
            "DATABASE_URL": "postgresql://u:hush-3@db/x",
            "REDIS_URL": "redis://:hush-4@r/0",
        }
    )

    assert "hush" not in repr(settings)


def test_the_token_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings.from_env({"VESSELFLOW_HOME": str(tmp_path)})

    secret = load_token_secret(settings)

    assert len(secret) >= 32
    assert load_token_secret(settings) == secret
    assert (tmp_path / "token-secret").stat().st_mode & 0o777 == 0o600


def test_a_given_token_secret_is_used_as_it_is(tmp_path: Path) -> None:
    settings = Settings.from_env({"VESSELFLOW_HOME": str(tmp_path), "VESSELFLOW_TOKEN_SECRET": "given"})

    assert load_token_secret(settings) == "given"
    assert not (tmp_path / "token-secret").exists()
