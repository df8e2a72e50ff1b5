from pathlib import Path

import pytest
from click.testing import CliRunner

from vesselflow.cli.token import browser_address, command
from vesselflow.settings import Settings, load_token_secret
from vesselflow.web.tokens import verify_token


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("VESSELFLOW_HOME", str(tmp_path))
    monkeypatch.delenv("VESSELFLOW_TOKEN_SECRET", raising=False)
    return Settings.from_env({"VESSELFLOW_HOME": str(tmp_path)})


def test_the_token_printed_speaks_for_the_client(home: Settings) -> None:
    printed = CliRunner().invoke(command, ["harbour-watch"]).output.strip()

    assert verify_token(load_token_secret(home), printed) == "harbour-watch"


def test_the_address_printed_holds_the_token_in_its_fragment(home: Settings) -> None:
    printed = CliRunner().invoke(command, ["harbour-watch", "--url", "--ttl-h", "1"]).output.strip()

    address, _, token = printed.partition("#token=")
    assert address.endswith("/login")
    assert verify_token(load_token_secret(home), token) == "harbour-watch"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080/"),
        ("0.0.0.0", "http://127.0.0.1:8080/"),
        ("::", "http://[::1]:8080/"),
        ("::1", "http://[::1]:8080/"),
        ("fleet.example", "http://fleet.example:8080/"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(host: str, address: str) -> None:
    assert browser_address(Settings(web_host=host, web_port=8080)) == address
