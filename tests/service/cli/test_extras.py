"""A package that is not installed is an operator's error, which names the extra that brings it."""

import subprocess
import sys
import tomllib

import pytest

from service.cli.extras import EXTRAS, missing_extra
from tests.project.repository import ROOT

WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from service.cli import main
main({arguments!r}, prog_name="journalguard")
"""
NAMES = {"faust-streaming": ("faust", "mode"), "kafka-python": ("kafka",), "mmdb-writer": ("mmdb_writer",)}


def without(packages: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process that cannot import these packages."""
    code = WITHOUT.format(packages=packages, arguments=list(arguments))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("demo", ("simulate", "--seed", "1", "--accounts", "10", "--days", "1", "--out", "OUT")),
        ("demo", ("evaluate", "--help")),
        ("kafka", ("ship", "--help")),
        ("kafka", ("topics", "--help")),
        ("postgres", ("pages", "--database", "postgresql://nobody@127.0.0.1:1/none")),
    ],
)
def test_what_needs_an_extra_names_the_mend(extra: str, arguments: tuple[str, ...], tmp_path: object) -> None:
    done = without(EXTRAS[extra], *(str(tmp_path) if word == "OUT" else word for word in arguments))
    assert done.returncode == 1
    assert done.stderr.strip().endswith(f"pip install 'journalguard[{extra}]'")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["init", "run", "replay", "rotate", "models", "rights", "pages", "audit"])
def test_what_needs_none_starts_without(command: str) -> None:
    done = without(tuple(package for packages in EXTRAS.values() for package in packages), command, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_every_package_of_an_extra_is_named() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extra, packages in EXTRAS.items():
        declared = [line.partition(">")[0].partition("[")[0] for line in extras[extra]]
        brought = {name for each in declared for name in NAMES.get(each, (each,))}
        assert set(packages) == brought - ({"zstandard"} if extra == "kafka" else set())


def test_a_package_that_no_extra_brings_is_an_error_of_the_program() -> None:
    assert missing_extra(ModuleNotFoundError(name="numpy")) is None
    assert missing_extra(ModuleNotFoundError("no name")) is None
