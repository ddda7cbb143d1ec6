"""The changelog's fragments have names that towncrier knows, and make a section of the next release."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.project.repository import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
KINDS = {kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]}
APART = {"template.md", "README.md"}


def fragments() -> list[Path]:
    return [path for path in (ROOT / "changelog.d").iterdir() if path.name not in APART]


def test_names_are_slug_and_kind() -> None:
    parts = {path.name: path.name.split(".") for path in fragments()}
    assert [name for name, (_, *rest) in parts.items() if len(rest) != 2 or rest[0] not in KINDS] == []


def test_none_is_empty() -> None:
    assert [path.name for path in fragments() if not path.read_text("utf-8").strip()] == []


def test_they_make_a_release_s_section() -> None:
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--date", "2026-12-01"]
    drafted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert drafted.returncode == 0, drafted.stderr
    assert drafted.stdout.startswith(f"## {PROJECT['project']['version']} (2026-12-01)\n")
    assert all(path.read_text("utf-8").split()[0] in drafted.stdout for path in fragments())


def test_new_sections_have_their_place() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert changelog.count(PROJECT["tool"]["towncrier"]["start_string"]) == 1
