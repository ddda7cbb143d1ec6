"""The systemd units at work in a real systemd: who runs, what he may do, and who can read the keys."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.e2e.sites import access_lines, made
from tests.project.repository import ROOT, lacking
from tests.services import systemd
from tests.services.processes import free_ports
from tests.services.systemd import Machine, booted

UNITS = ROOT / "deploy/systemd"
RUN, SHIP, PAGES = (f"journalguard-{name}.service" for name in ("run", "ship", "pages"))
WORKERS = ("journalguard-worker@1.service", "journalguard-worker@2.service")
KEY = "/srv/journalguard/keys/pseudonyms.json"
READER = 61_003  # the user journalguard
PREPARE = f"""
getent group adm >/dev/null || echo adm:x:4: >> /etc/group
echo journalguard:x:{READER}:{READER}::/srv/journalguard:/bin/sh >> /etc/passwd
echo journalguard:x:{READER}: >> /etc/group
mkdir -p /etc/journalguard
echo 'localhost:*:*:*:not-a-secret' > /etc/journalguard/pgpass
chown -R {READER}:{READER} /srv/journalguard
chmod 755 /srv
chmod 700 /srv/journalguard
chmod 644 /srv/journalguard/site.toml
mv /srv/journalguard/access.log /var/log/access.log
chown root:adm /var/log/access.log
chmod 640 /var/log/access.log
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that reads ``/var/log/access.log``."""
    if not Path(systemd.SYSTEMD).exists():
        lacking("systemd is not here (on Debian: apt-get install systemd)")
    if why := systemd.lacks():  # a container's owner may forbid namespaces, and CI cannot mend that
        pytest.skip(why)
    folder = made(tmp_path_factory.mktemp("units") / "site", "--log", "/var/log/access.log")
    (folder / "access.log").write_text("".join(f"{line}\n" for line in access_lines(range(60))))
    return folder


def on_port(folder: Path, more: str = "") -> int:
    """Changes the site's port to a free one, and adds to its settings."""
    (port,) = free_ports(1)
    lines = (folder / "site.toml").read_text().partition("\n[kafka]\nservers")[0].splitlines()
    kept = [f"port = {port}" if line.startswith("port = ") else line for line in lines]
    (folder / "site.toml").write_text("\n".join(kept) + "\n" + more)
    return port


@pytest.fixture(scope="module")
def embedded(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, int]]:
    port = on_port(folder)
    stage = tmp_path_factory.mktemp("embedded")
    with booted(stage, folder, sorted(UNITS.iterdir()), [RUN], PREPARE) as machine:
        yield machine, port


@pytest.fixture(scope="module")
def apart(
    folder: Path, embedded: tuple[Machine, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Machine, int]]:
    """The processes of a site over a Kafka at which nobody answers."""
    nobody = free_ports(1)[0]
    port = on_port(folder, f'\n[kafka]\nservers = ["127.0.0.1:{nobody}"]\n')
    stage = tmp_path_factory.mktemp("apart")
    names = [SHIP, PAGES, *WORKERS]
    with booted(stage, folder, sorted(UNITS.iterdir()), names, PREPARE) as machine:
        yield machine, port


def serves(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def privileges(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def bounded(pid: int) -> tuple[str, str, str]:
    """May it gain rights, which ones has it, and are its calls of the system filtered (2)?"""
    found = privileges(pid)
    return found["NoNewPrivs"], found["CapBnd"].strip("0"), found["Seccomp"]


def test_one_machine_reads_scores_and_serves(embedded: tuple[Machine, int]) -> None:
    machine, port = embedded
    machine.wait(lambda: serves(port), RUN)
    pid = machine.main_process(RUN)
    assert privileges(pid)["Uid"].split() == [str(READER)] * 4
    assert bounded(pid) == ("1", "", "2")
    machine.wait(lambda: health(port)["lines_total"] == 60, RUN)
    assert not machine.inside("cat", KEY).returncode, "root sees the keys"
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert limits.split("Max core file size")[1].split()[:2] == ["0", "0"]


def health(port: int) -> dict[str, float]:
    """Counters, from /metrics."""
    text = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {"lines_total": sum(float(value) for name, value in lines if name == "journalguard_lines_total")}


def test_keys_are_the_shippers_alone(apart: tuple[Machine, int]) -> None:
    machine, port = apart
    machine.wait(lambda: "broker-waits" in machine.said(SHIP), SHIP)
    machine.wait(lambda: serves(port), PAGES)
    shipper, pages = machine.main_process(SHIP), machine.main_process(PAGES)
    assert privileges(shipper)["Uid"].split() == [str(READER)] * 4
    uid = privileges(pages)["Uid"].split()[0]
    assert 61_184 <= int(uid) <= 65_519, "a user of its own, made by systemd"
    assert (bounded(shipper), bounded(pages)) == (("1", "", "2"), ("1", "", "2"))
    read = machine.inside("cat", KEY, pid=shipper)
    assert json.loads(read.stdout), read.stderr
    assert machine.inside("cat", KEY, pid=pages).returncode, "not even root, where the pages look from"
    assert machine.inside("cat", "/etc/journalguard/pgpass", pid=shipper).returncode == 0


@pytest.mark.parametrize("unit", WORKERS)
def test_two_workers_start_and_ask_for_kafka(apart: tuple[Machine, int], unit: str) -> None:
    machine, _ = apart
    machine.wait(lambda: "127.0.0.1" in machine.said(unit), unit)
    assert "keys" not in machine.said(unit)
    assert "Permission denied" not in machine.said(unit)
