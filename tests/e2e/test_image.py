"""The container image: its lines executed one by one, then started as a container is, without an engine.

Only the base image is another: this machine and this Python stand for ``python:3.13-slim``.
"""

import os
import signal
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.e2e.sites import access_lines
from tests.kafka.end_to_end import wait
from tests.project.repository import ROOT, lacking
from tests.services import image as images
from tests.services.image import Image, build
from tests.services.processes import end, free_ports, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
FILE = ROOT / "deploy/Containerfile"
OWNER = 10_001


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    if why := images.lacks():
        lacking(why)
    made = subprocess.run(
        ["make", "wheel", ".cache/runtime.txt"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    # The base image's own, and how this machine reaches a package index.
    pip = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))
    }
    base = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LD_LIBRARY_PATH": "/usr/local/lib", **pip}
    return build(FILE, tmp_path_factory.mktemp("image"), base)


@pytest.fixture
def site(image: Image, tmp_path: Path) -> Path:
    """A volume for its user, with a site made by the image."""
    folder = tmp_path / "volume"
    folder.mkdir(mode=0o700)
    os.chown(folder, OWNER, OWNER)
    (folder / "access.log").write_text("".join(f"{line}\n" for line in access_lines(range(60))))
    call = ["init", "/site", "--log-format", '%h %l %u %t "%r" %s %b', "--timezone", "Europe/London"]
    done = subprocess.run(
        image.run([*image.entrypoint, *call, "--log", "/site/access.log"], site=folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Places, cities: DBIP-City-Lite" in done.stdout
    assert "Places, owners of networks: " in done.stdout
    return folder


def test_it_runs_as_nobody_in_particular_and_holds_what_was_checked(image: Image) -> None:
    assert image.user == f"{OWNER}:{OWNER}"
    assert not (image.folder / "changes/tmp/journalguard").exists()
    assert not list((image.folder / "changes/opt/journalguard").glob("lib/python*/site-packages/pip"))
    kernels = list((image.folder / "changes/opt/journalguard/kernels").rglob("*.nbc"))
    assert len(kernels) >= 2


def test_a_site_runs_read_only_with_the_kernels_of_the_image(image: Image, site: Path) -> None:
    metrics, port = free_ports(2)
    settings = {"JOURNALGUARD_METRICS_PORT": str(metrics), "JOURNALGUARD_PORT": str(port)}
    process = start(image.run([*image.entrypoint, "run", "--site", "/site"], site=site, more=settings))
    try:
        wait(lambda: lines(port) == 60, lambda: "")
        check = subprocess.run(image.run(image.health, site=site, more=settings), check=False)
        assert check.returncode == 0
    finally:
        end(process, signal.SIGTERM)
    built = {path.name for path in (image.folder / "changes/opt/journalguard/kernels").rglob("*.nb?")}
    used = {path.name for path in (site / "cache/kernels").rglob("*.nb?")}
    assert used == built, "nothing was compiled when it started"
    assert subprocess.run(
        image.run(image.health, site=site, more=settings), capture_output=True, check=False
    ).returncode


def lines(port: int) -> float:
    try:
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    except httpx2.HTTPError:
        return 0
    return sum(
        float(line.split()[-1]) for line in text.splitlines() if line.startswith("journalguard_lines_total ")
    )
