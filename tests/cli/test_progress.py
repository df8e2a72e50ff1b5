import io

import pytest

from vesselflow.cli import _progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_count_and_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, done = Terminal(), list[int]()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(_progress._Bar, "every_s", 0.0)

    for item in _progress.with_progress(range(4), lambda: len(done) * 1000, lambda: len(done) / 4, "records"):
        done.append(item)

    assert "75%" in terminal.getvalue()
    assert "3,000 records, " in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")


def test_elsewhere_there_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.StringIO()
    monkeypatch.setattr("sys.stderr", plain)
    monkeypatch.setattr(_progress._Lines, "every_s", 0.0)

    assert list(_progress.with_progress("ab", lambda: 1000, lambda: 0.5, "records")) == ["a", "b"]

    assert [line.startswith("1,000 records, ") and "50%" in line for line in plain.getvalue().splitlines()] == [
        True
    ] * 2


def test_a_short_job_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(_progress.with_progress("ab", lambda: 1, lambda: None, "records")) == ["a", "b"]

    assert capsys.readouterr().err == ""
