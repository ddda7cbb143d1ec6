"""The checkout as its tests see it."""

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARY = frozenset({".png", ".ico", ".woff2", ".gz", ".mmdb"})


@cache
def tracked() -> tuple[Path, ...]:
    """Files that are in the repository or about to be."""
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        lacking("not a git checkout, so nothing says which files belong to it")
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def texts() -> list[tuple[str, str]]:
    """Name and content of every tracked text file."""
    return [
        (str(path.relative_to(ROOT)), path.read_text("utf-8", "replace"))
        for path in tracked()
        if path.suffix not in BINARY
    ]


def modules() -> list[Path]:
    """Our Python files."""
    return [path for path in tracked() if path.suffix == ".py"]


def lacking(what: str) -> None:
    """Skips on a developer's machine, fails in CI, where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
