"""`vesselflow destinations normalise`."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vesselflow import cli

DATA = Path(__file__).parents[1] / "data" / "destinations"


def normalised(text: bytes, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> list[bytes]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert cli.run(["destinations", "normalise"]) == 0
    return capsysbinary.readouterr().out.splitlines()


def test_each_line_is_one_object_with_its_keys_in_order(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert normalised(b"DE HAM>NL RTM\n", monkeypatch, capsysbinary) == [
        b'{"raw":"DE HAM>NL RTM","kind":"port","locode":"NLRTM","name":"Rotterdam","origin_locode":"DEHAM","confidence":1.0}'
    ]


def test_an_empty_line_and_one_without_an_end_are_answered_too(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    lines = normalised(b"\nKIEL\r\n\nOSLO", monkeypatch, capsysbinary)

    assert [json.loads(line)["locode"] for line in lines] == [None, "DEKEL", None, "NOOSL"]


def test_bytes_that_are_no_utf8_are_replaced(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (line,) = normalised(b"G\xd6TEBORG \xff\n", monkeypatch, capsysbinary)

    assert json.loads(line)["raw"] == "G\ufffdTEBORG \ufffd"


def test_every_real_text_is_answered_with_itself(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    texts = (DATA / "strings.txt").read_bytes()

    lines = normalised(texts, monkeypatch, capsysbinary)

    assert [json.loads(line)["raw"] for line in lines] == texts.decode().split("\n")[:-1]


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    us = f"{sys.executable} -c 'import vesselflow.cli as cli; cli.main()'"
    command = f"{us} destinations normalise < {DATA}/strings.txt | head -n 1"

    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True, env={**os.environ})

    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == b""
