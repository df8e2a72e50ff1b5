"""The tree itself: links, import guards, and what setup.cfg says about them."""

import configparser
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("agents", "tables", "web", "sql")


def config() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def packages_on_disk() -> set[str]:
    inside = {path.parent for path in (ROOT / "vesselflow").rglob("__init__.py")}
    inside |= {path.parent for folder in FOLDERS for path in (ROOT / "vesselflow" / folder).rglob("__init__.py")}
    return {".".join(path.relative_to(ROOT).parts) for path in inside}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_is_imported_through_its_link(folder: str) -> None:
    link = ROOT / "vesselflow" / folder

    assert link.is_symlink()
    assert str(link.readlink()) == f"../{folder}"
    assert importlib.import_module(f"vesselflow.{folder}").__name__ == f"vesselflow.{folder}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_refuses_its_plain_name(folder: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert f"write `import vesselflow.{folder}`, never `import {folder}`" in done.stderr


def test_every_package_is_installed() -> None:
    listed = config()["options"]["packages"].split()

    assert sorted(listed) == sorted(packages_on_disk())


def test_the_requirements_are_those_of_the_lock_files() -> None:
    wanted = {line.split()[0] for line in config()["options"]["install_requires"].strip().splitlines()}
    lines = (ROOT / "requirements" / "runtime.in").read_text().splitlines()
    locked_from = {line.split("~")[0].split(">")[0] for line in lines if line and not line.startswith("#")}

    assert wanted == locked_from


def test_every_locked_package_has_a_hash() -> None:
    for name in ("runtime", "dev"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        pinned = [line for line in text.splitlines() if line and line[0].isalpha()]
        assert pinned
        assert all(line.endswith("\\") for line in pinned)
