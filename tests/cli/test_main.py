import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from vesselflow import cli
from vesselflow.core.errors import Unavailable


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command `stack` raise *error*."""

    @click.command("stack")
    def command() -> None:
        raise error

    monkeypatch.setattr(cli.Commands, "get_command", lambda *_: command)


def test_an_error_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(Unavailable("expected Kafka,\ngot nothing"), monkeypatch)

    assert cli.run(["stack"]) == 2
    assert capsys.readouterr().err == "vesselflow: expected Kafka, got nothing\n"


def test_a_file_that_is_not_there_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(FileNotFoundError(2, "No such file or directory", "a.nmea"), monkeypatch)

    assert cli.run(["stack"]) == 2
    assert capsys.readouterr().err == "vesselflow: [Errno 2] No such file or directory: 'a.nmea'\n"


def test_an_interrupt_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(KeyboardInterrupt(), monkeypatch)

    assert cli.run(["stack"]) == 130


def test_a_command_may_return_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.Commands, "get_command", lambda *_: click.Command("stack", callback=lambda: 2))

    assert cli.run(["stack"]) == 2


def test_a_misused_command_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["stack", "bogus"]) == 2
    assert "No such command 'bogus'" in capsys.readouterr().err


def test_an_unknown_command_is_answered_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["vesselflow", "stak"])

    assert cli.run(["stak"]) == 2
    assert capsys.readouterr().err == "vesselflow: expected a command, got 'stak': did you mean stack?\n"


def test_the_help_lists_our_commands_and_fausts(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0

    shown = capsys.readouterr().out
    assert "  doctor" in shown
    assert "  worker" in shown


def test_our_commands_start_without_faust() -> None:
    look = "import sys, vesselflow.cli as cli; cli.run(['stack', '--help']); sys.exit('faust' in sys.modules)"

    subprocess.run([sys.executable, "-c", look], check=True, capture_output=True)


def test_every_command_has_a_help_text() -> None:
    for name in cli.our_commands():
        command = cli.ours.get_command(click.Context(cli.ours), name)
        assert command is not None
        assert command.name == name
        assert command.help


def test_other_commands_are_fausts_own_for_our_app(tmp_path: Path) -> None:
    (tmp_path / "boats.py").write_text("import faust\napp = faust.App('boats')\nt = app.Table('hulls')\n")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    # For Faust, `-A boats` stands in front; for us, the app is known.
    through_faust = [sys.executable, "-m", "faust", "-A", "boats", "--json", "tables"]
    ours = "import vesselflow.cli as cli; cli.APP = 'boats'; cli.main()"
    through_us = [sys.executable, "-c", ours, "--json", "tables"]

    theirs, mine = (
        subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
        for words in (through_faust, through_us)
    )

    assert "hulls" in mine.stdout
    assert (mine.stdout, mine.returncode) == (theirs.stdout, theirs.returncode)
