"""Who may import whom, and what no core stage may do."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.repository import ROOT, modules

# Rooms whose modules are pure: what they know of time is in the records they are given.
CORE = (
    "service/records/*.py",
    "service/kernel/*.py",
    "service/attacks/*.py",
    "service/decision/*.py",
    "service/learning/*.py",
    "service/pipeline/*.py",
    "models/**/*.py",
    "pseudonymiser/*.py",
)
AT_THE_EDGE = {"tail.py"}  # it follows files that grow
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "monotonic"),
    ("time", "monotonic_ns"),
    ("time", "perf_counter"),
    ("time", "sleep"),
}
WEB = {"fastapi", "starlette", "pydantic", "httpx2", "jinja2"}
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def test_the_import_contracts_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run(
        [str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_ingest_may_know_records_and_base_only() -> None:
    """The contract forbids by name, so every new room of the stream has to be named there."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (ingest,) = (each for each in contracts if each.get("source_modules") == ["pseudonymiser"])
    rooms = {f"service.{path.parent.name}" for path in ROOT.glob("service/*/__init__.py")}
    assert rooms - set(ingest["forbidden_modules"]) == {"service.records", "service.base"}
    assert list(ROOT.glob("service/*.py")) == [ROOT / "service/__init__.py"]  # no module outside a room


def test_nothing_is_unpickled_anywhere() -> None:
    ours = [path for path in modules() if "tests" not in path.relative_to(ROOT).parts]  # one tries it in vain
    found = [
        f"{path.relative_to(ROOT)}: {name}" for path in ours for name in _imports(path) if name in UNSAFE
    ]
    assert found == []


@pytest.mark.parametrize("room", ["service.cli.ship", "service.cli.sink_supervisor", "alerts_api.web.app"])
def test_who_does_not_score_needs_no_compiler(room: str) -> None:
    """So systemd can forbid these processes executable memory, and they start at once."""
    assert _loaded(room, {"numba"}) == ""


@pytest.mark.parametrize(
    ("room", "heavy"),
    [
        ("alerts_api.stream.store", WEB),
        ("service.cli.run", {*WEB, "kafka", "numba"}),
        ("service.cli.ship", {*WEB, "sqlalchemy"}),
        ("service.cli.worker", {*WEB, "sqlalchemy"}),
    ],
)
def test_a_process_loads_only_what_it_uses(room: str, heavy: set[str]) -> None:
    assert _loaded(room, heavy) == ""


def _loaded(room: str, heavy: set[str]) -> str:
    """Which of these packages come with a module."""
    code = f"import sys, {room}; print(*sorted({heavy} & sys.modules.keys()), end='')"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout


@pytest.mark.parametrize("pattern", CORE)
def test_core_stages_live_by_event_time(pattern: str) -> None:
    paths = [path for path in sorted(ROOT.glob(pattern)) if path.name not in AT_THE_EDGE]
    assert paths, f"{pattern} fits no file: mend the list"
    assert [f"{path.relative_to(ROOT)}:{line}" for path in paths for line in _clock_reads(path)] == []


def test_a_clock_is_seen(tmp_path: Path) -> None:
    """The check finds what it is there for."""
    path = tmp_path / "stage.py"
    path.write_text(
        "import time as t\nfrom time import time\nx = t.time()\ny = time()\nz = datetime.now(UTC)\n"
    )
    assert list(_clock_reads(path)) == [2, 3, 5]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def _clock_reads(path: Path) -> Iterator[int]:
    """Lines that take a clock by name or read one."""
    tree = ast.parse(path.read_bytes())
    aliases = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            if any((node.module, alias.name) in CLOCKS for alias in node.names):
                yield node.lineno
        elif isinstance(node, ast.Attribute):
            owner = (
                node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            )
            if (aliases.get(owner, owner), node.attr) in CLOCKS:
                yield node.lineno
