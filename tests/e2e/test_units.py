"""The systemd units at work in a real systemd: who runs, what he may do, and who can read the keys."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import httpx2
import pytest

from service.cli import main
from tests.e2e.sites import access_lines, made
from tests.project.repository import ROOT, lacking
from tests.services import certificates, systemd
from tests.services.processes import free_ports
from tests.services.systemd import Machine, booted

UNITS = ROOT / "deploy/systemd"
RUN, SHIP, PAGES = (f"journalguard-{name}.service" for name in ("run", "ship", "pages"))
WORKERS = ("journalguard-worker@1.service", "journalguard-worker@2.service")
KEY = "/srv/journalguard/keys/pseudonyms.json"
READER = 61_003  # the user journalguard
AUTHORITY = "/srv/journalguard/authority.pem"
SECURE = """security = "sasl_ssl"
ca_file = "tls/kafka-ca.pem"
user = "journalguard"
password_file = "tls/kafka-password"
"""
BUDGET = ROOT / "service/policy/budget.toml"
PREPARE = f"""
getent group adm >/dev/null || echo adm:x:4: >> /etc/group
echo journalguard:x:{READER}:{READER}::/srv/journalguard:/bin/sh >> /etc/passwd
echo journalguard:x:{READER}: >> /etc/group
mkdir -p /etc/journalguard
echo 'localhost:*:*:*:not-a-secret' > /etc/journalguard/pgpass
chown -R {READER}:{READER} /srv/journalguard
chmod 755 /srv
chmod 700 /srv/journalguard
chmod 640 /srv/journalguard/site.toml
mkdir -p /srv/journalguard/tls /srv/journalguard/policy
cp {AUTHORITY} /srv/journalguard/tls/kafka-ca.pem
echo 'not-a-secret' > /srv/journalguard/tls/kafka-password
cp {BUDGET} /srv/journalguard/policy/budget.toml
chown -R root:journalguard /srv/journalguard/tls /srv/journalguard/policy
chmod -R g=rX,o= /srv/journalguard/tls /srv/journalguard/policy
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
    made_certificates = certificates.make(folder)
    made_certificates.authority.rename(folder / "authority.pem")
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
    port = on_port(folder, f'\n[kafka]\nservers = ["127.0.0.1:{nobody}"]\n{SECURE}')
    stage = tmp_path_factory.mktemp("apart")
    names = [SHIP, PAGES, *WORKERS]
    with booted(stage, folder, sorted(UNITS.iterdir()), names, PREPARE) as machine:
        yield machine, port


def serves(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.service")))
def test_units_are_hardened(unit: str) -> None:
    """At most 1.5 of 10; what is left is the network, and memory that numba fills with code."""
    if not Path(systemd.SYSTEMD).exists():
        lacking("systemd is not here (on Debian: apt-get install systemd)")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", str(UNITS / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]


def test_every_timer_has_its_job_and_every_job_is_a_command() -> None:
    timers = {path.stem for path in UNITS.glob("*.timer")}
    oneshots = {path.stem for path in UNITS.glob("*.service") if "Type=oneshot" in path.read_text("utf-8")}
    assert timers == oneshots == {"journalguard-checkpoint", "journalguard-report"}
    for path in UNITS.glob("*.service"):
        words = re.findall(
            r"^ExecStart=/opt/journalguard/bin/journalguard (.*)", path.read_text("utf-8"), re.M
        )
        name, *rest = words[0].split()
        command = main.get_command(click.Context(main), name)
        if isinstance(command, click.Group):
            command = command.commands[rest.pop(0)]
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, path.name


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


def test_the_audit_log_is_signed_by_its_job(embedded: tuple[Machine, int]) -> None:
    machine, port = embedded
    machine.wait(lambda: serves(port), RUN)
    done = machine.inside("systemctl", "start", "journalguard-checkpoint.service")
    assert done.returncode == 0, machine.inside(
        "systemctl", "status", "journalguard-checkpoint.service"
    ).stdout


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
    here = "/var/lib/journalguard-pages"
    budget = machine.inside("cat", f"{here}/policy/budget.toml", pid=pages).stdout
    assert budget == BUDGET.read_text("utf-8"), "the pages go by the site's own policy"
    assert machine.inside("cat", f"{here}/tls/kafka-ca.pem", pid=pages).returncode == 0


@pytest.mark.parametrize("unit", WORKERS)
def test_two_workers_start_and_ask_for_kafka(apart: tuple[Machine, int], unit: str) -> None:
    machine, _ = apart
    machine.wait(lambda: "127.0.0.1" in machine.said(unit), unit)
    assert "keys" not in machine.said(unit)
    assert "No such file" not in machine.said(unit), "it has what [kafka] names"
    assert "no password there" not in machine.said(unit)
    assert "Permission denied" not in machine.said(unit)
