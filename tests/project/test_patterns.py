"""Patterns that every promised Python reads alike."""

import re

import pytest

from tests.project.repository import ROOT, tracked

# ``(...)*+`` behind a group never matches before Python 3.11.5; ``(?>(...)*)`` says the same and does.
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{[\d,]+\})\+")
ROOMS = ("pseudonymiser", "service", "models", "alerts_api")


@pytest.mark.parametrize("room", ROOMS)
def test_no_group_is_repeated_possessively(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path.is_relative_to(ROOT / room) and path.suffix in {".py", ".toml"}
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if POSSESSIVE_GROUP.search(line)
    ]
    assert not found
