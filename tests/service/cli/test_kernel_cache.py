"""A user without a home starts an installation of root's, and where the compiled kernels are kept then."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cli.kernel_cache import VARIABLE, place_kernels, site_named
from tests.project.repository import ROOT, lacking

NOBODY = 61_005  # a user that no system has
KERNELS = ("absorb", "close_accounts")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every user may pass through; the code's own folders cannot be written."""
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    monkeypatch.setenv(VARIABLE, "")  # so that it is put back, whatever a test makes of it
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr("service.cli.kernel_cache._beside_the_code", lambda: False)
    folder = Path("/tmp") / f"journalguard-{os.urandom(6).hex()}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (["run", "--site", "/srv/a"], "/srv/a"),
        (["run", "--port", "0", "--site=/srv/a"], "/srv/a"),
        (["users", "add", "--site", "/srv/a", "jane"], "/srv/a"),
        (["run", "--site"], None),
        (["demo"], None),
        ([], None),
    ],
)
def test_the_site_is_found_among_arguments(call: list[str], found: str | None) -> None:
    assert site_named(call) == (Path(found) if found else None)


def test_a_writable_installation_needs_no_other_place(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setattr("service.cli.kernel_cache._beside_the_code", lambda: True)
    place_kernels(place)
    assert VARIABLE not in os.environ
    assert list(place.iterdir()) == []


def test_else_it_is_the_sites_own_folder(place: Path) -> None:
    place.chmod(0o700)
    place_kernels(place)
    assert os.environ[VARIABLE] == str(place / "cache/kernels")
    assert (place / "cache").stat().st_mode & 0o777 == 0o700


def test_what_the_operator_chose_is_left(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(place / "chosen"))
    place_kernels(place)
    assert os.environ[VARIABLE] == str(place / "chosen")


def test_what_is_compiled_in_a_place_that_cannot_be_written_is_copied(
    monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    (place / "image/room").mkdir(parents=True)
    (place / "image/room/kernel.nbi").write_bytes(b"index")
    site = place / "site"
    site.mkdir(mode=0o700)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "image" not in str(path) and access(path, mode))
    monkeypatch.setenv(VARIABLE, str(place / "image"))
    place_kernels(site)
    assert (site / "cache/kernels/room/kernel.nbi").read_bytes() == b"index"


@pytest.mark.parametrize("unsafe", ["others write the site", "others write the folder", "a link"])
def test_a_folder_that_others_can_write_is_not_taken(place: Path, unsafe: str) -> None:
    """The files are pickles."""
    if unsafe == "others write the site":
        place.chmod(0o777)
    elif unsafe == "others write the folder":
        (place / "cache").mkdir()
        (place / "cache").chmod(0o777)
    else:
        (place / "elsewhere").mkdir()
        (place / "cache").symlink_to(place / "elsewhere")
    place_kernels(place)
    assert str(place) not in os.environ[VARIABLE]
    assert Path(os.environ[VARIABLE]).stat().st_mode & 0o777 == 0o700


def test_a_volume_that_everybody_may_use_as_a_temporary_folder_is_taken(place: Path) -> None:
    place.chmod(0o1777)
    place_kernels(place)
    assert os.environ[VARIABLE] == str(place / "cache/kernels")


@pytest.mark.slow
def test_a_user_without_a_home_starts_an_installation_of_roots(tmp_path: Path) -> None:
    """Twice: the second start finds the kernels that the first one compiled in the site's folder."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        lacking("only root can start processes as other users, by setpriv")
    python = Path("/tmp") / f"journalguard-{os.urandom(6).hex()}"
    python.mkdir(mode=0o755)
    try:
        for room in ("service", "models", "pseudonymiser", "alerts_api"):
            shutil.copytree(ROOT / room, python / room, ignore=shutil.ignore_patterns("__pycache__"))
        site = python / "site"
        for _ in range(2):
            done = _as_nobody(python, site)
            assert done.returncode == 0, done.stderr
            assert "Traceback" not in done.stderr
        names = [path.name for path in (site / "cache/kernels").rglob("*.nbi")]
        assert len(names) == len(KERNELS), names
    finally:
        shutil.rmtree(python)


def _as_nobody(source: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    site.mkdir(mode=0o700, exist_ok=True)
    os.chown(site, NOBODY, NOBODY)
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    environment = {"HOME": "/nonexistent", "PATH": os.environ["PATH"], "PYTHONPATH": str(source)}
    if subprocess.run([*user, sys.executable, "-V"], capture_output=True, check=False).returncode:
        lacking(f"other users cannot start {sys.executable}: use a Python outside of a home folder")
    code = (
        "from pathlib import Path; from service.cli import kernel_cache as k;"
        f"k.place_kernels(Path({str(site)!r})); k.compile_all()"
    )
    return subprocess.run(
        [*user, sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
