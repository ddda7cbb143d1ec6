"""What is packed, and that nothing else brings packages of our names."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.project.owners import PACKAGES, strangers
from tests.project.repository import ROOT, lacking, tracked

UV = ROOT / ".cache/uv-venv/bin/uv"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    """The wheel, built from the checkout with what the installation left in uv's cache."""
    if not UV.exists():
        lacking("no uv here to build the wheel with; `make test` brings it")
    folder = tmp_path_factory.mktemp("wheel")
    command = [str(UV), "build", "--quiet", "--offline", "--wheel", "--out-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    with ZipFile(path) as opened:
        yield opened


def test_no_other_distribution_brings_our_packages() -> None:
    assert strangers() == {}


def test_the_wheel_has_our_four_packages_and_nothing_else(wheel: ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_wheel_has_every_file_of_the_packages(wheel: ZipFile) -> None:
    names = [path.relative_to(ROOT) for path in tracked()]
    assert {str(name) for name in names if name.parts[0] in PACKAGES} <= set(wheel.namelist())


@pytest.mark.parametrize(
    "pattern",
    [
        "service/policy/detections/*.toml",
        "service/policy/budget.toml",
        "pseudonymiser/platforms.toml",
        "alerts_api/web/templates/*.html",
        "alerts_api/web/static/*.css",
        "alerts_api/storage/migrations/versions/*.py",
    ],
)
def test_the_wheel_has_the_data_that_runs_need(wheel: ZipFile, pattern: str) -> None:
    assert any(Path(name).match(pattern) for name in wheel.namelist())


def test_the_wheel_brings_the_command_and_the_licence(wheel: ZipFile) -> None:
    of = {name.partition(".dist-info/")[2]: name for name in wheel.namelist()}
    assert "journalguard = service.cli:main" in wheel.read(of["entry_points.txt"]).decode()
    assert "licenses/LICENSE" in of
