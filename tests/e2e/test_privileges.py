"""Keys are read by those who must, and by nobody else: real processes under different users."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from tests.e2e.sites import access_lines, made
from tests.project.repository import ROOT, lacking
from tests.services.processes import end, free_ports, start

INGEST, OTHER = 61_001, 61_002  # users that no system has
UNITS = ROOT / "deploy/systemd"
PATIENCE = 90.0  # s

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as other users")


def as_user(user: int, *command: object) -> list[str]:
    options = [f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"]
    return ["setpriv", *options, *map(str, command)]


def program(*arguments: object) -> list[str]:
    return [sys.executable, "-P", "-m", "service.cli", *map(str, arguments)]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may pass through."""
    folder = Path("/tmp") / f"journalguard-{os.urandom(6).hex()}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def site(place: Path) -> Path:
    """The ingest user's; the others have site.toml alone, each in a folder of its own."""
    if not shutil.which("setpriv"):
        lacking("setpriv is not here (on Debian: apt-get install util-linux)")
    if subprocess.run(as_user(OTHER, sys.executable, "-V"), capture_output=True, check=False).returncode:
        lacking(f"other users cannot start {sys.executable}: use a Python outside of a home folder")
    (place / "access.log").write_text("".join(f"{line}\n" for line in access_lines(range(60))))
    folder = made(place / "site", "--log", place / "access.log")
    text = (folder / "site.toml").read_text().replace("port = 8321", f"port = {free_ports(1)[0]}")
    (folder / "site.toml").write_text(text)
    own(folder, INGEST)
    other = place / "other"
    other.mkdir(mode=0o700)
    (other / "site.toml").write_text(text)
    own(other, OTHER)
    return folder


def own(folder: Path, user: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user)


@contextmanager
def running(command: Sequence[str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with all its words in the folder."""
    environment = {**os.environ, "HOME": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    with (folder / "said").open("wb") as said:
        process = start(command, stdout=said, stderr=said, env=environment, cwd=ROOT)
        try:
            yield process
        finally:
            end(process, signal.SIGTERM)


def until_served(folder: Path) -> None:
    port = next(line for line in (folder / "site.toml").read_text().splitlines() if line.startswith("port"))
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        try:
            if httpx2.get(f"http://127.0.0.1:{port.split()[-1]}/healthz", timeout=5).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.2)
    pytest.fail((folder / "said").read_text())


def until_said(folder: Path, text: str) -> None:
    last = time.monotonic() + PATIENCE
    while text not in (said := (folder / "said").read_text()):
        assert time.monotonic() < last, said
        time.sleep(0.2)


def nowhere() -> str:
    """Settings of a Kafka that nobody answers at."""
    return f'\n[kafka]\nservers = ["127.0.0.1:{free_ports(1)[0]}"]\n'


@needs_root
def test_another_user_cannot_read_the_keys(site: Path) -> None:
    key = site / "keys/pseudonyms.json"
    assert subprocess.run(as_user(INGEST, "cat", key), capture_output=True, check=False).returncode == 0
    refused = subprocess.run(as_user(OTHER, "cat", key), capture_output=True, check=False)
    assert (refused.returncode, b"Permission denied" in refused.stderr) == (1, True)


@needs_root
def test_pages_start_as_a_user_who_has_no_keys(site: Path, place: Path) -> None:
    other = place / "other"
    with running(as_user(OTHER, *program("pages", "--site", other)), other) as process:
        until_served(other)
        assert not [target for target in open_files(process.pid) if "keys" in target]
    assert not (other / "keys").exists()


@needs_root
def test_a_worker_asks_for_kafka_never_for_keys(site: Path, place: Path) -> None:
    other = place / "other"
    with (other / "site.toml").open("a") as text:
        text.write(nowhere())
    with running(as_user(OTHER, *program("worker", "--site", other)), other) as process:
        process.wait(PATIENCE)
    said = (other / "said").read_text()
    assert ("127.0.0.1" in said, "keys" in said) == (True, False), said


@needs_root
def test_a_process_with_keys_leaves_no_copy_of_them(site: Path) -> None:
    """Neither in a core dump, nor for another process of its user, nor in arguments or environment."""
    with (site / "site.toml").open("a") as text:
        text.write(nowhere())
    with running(as_user(INGEST, *program("ship", "--site", site)), site) as process:
        until_said(site, "broker-waits")  # the keys are read before
        proc = Path("/proc") / str(process.pid)
        limits = (proc / "limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
        assert (proc / "mem").stat().st_uid == 0, "not dumpable: its memory is root's to read"
        key = (site / "keys/pseudonyms.json").read_bytes()
        secret = key.split(b'"root":"')[1].split(b'"')[0]
        for name in ("cmdline", "environ"):
            assert secret not in (proc / name).read_bytes()
    assert secret.decode() not in (site / "said").read_text()


def open_files(pid: int) -> list[str]:
    found = []
    for path in (Path("/proc") / str(pid) / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.append(str(path.readlink()))
    return found


def test_units_are_understood_by_systemd(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        lacking("systemd-analyze is not here (on Debian: apt-get install systemd)")
    command = Path(sys.executable).parent / "journalguard"
    units = []
    for unit in UNITS.iterdir():
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text().replace("/opt/journalguard/bin/journalguard", str(command)))
        units.append(copy)
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False, timeout=60
    )
    assert [line for line in done.stderr.splitlines() if "journalguard" in line] == []


@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.service")))
def test_a_unit_says_what_it_may_not(unit: str) -> None:
    lines = (UNITS / unit).read_text().splitlines()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "LimitCORE=0", "CapabilityBoundingSet="):
        assert line in lines
    has_keys = any(word in unit for word in ("run", "ship", "checkpoint", "report"))
    assert ("User=journalguard" in lines, "DynamicUser=yes" in lines) == (has_keys, not has_keys)
