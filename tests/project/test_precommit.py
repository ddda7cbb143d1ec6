"""What a commit is checked by is what ``make lint`` checks, and nothing is fetched for it."""

import re
from typing import Any

import pytest

from tests.project.repository import ROOT

yaml = pytest.importorskip("yaml", reason="no PyYAML here to read .pre-commit-config.yaml with")
HOOKS: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def entries() -> str:
    return "\n".join(hook["entry"] for repository in HOOKS["repos"] for hook in repository["hooks"])


def test_every_tool_of_make_lint_has_a_hook() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe
    tools = re.findall(r"\$\(BIN\)/([\w-]+(?: check| format)?)", recipe[1])
    assert tools
    assert [tool for tool in tools if f".venv/bin/{tool}" not in entries()] == []


def test_all_hooks_are_local() -> None:
    assert {repository["repo"] for repository in HOOKS["repos"]} == {"local"}
    assert {hook["language"] for repository in HOOKS["repos"] for hook in repository["hooks"]} == {"system"}
