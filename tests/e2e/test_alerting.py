"""A real Prometheus with our rules at a running site: each cause that is cheap to provoke fires and resolves.

Times are shortened: what must hold for minutes must hold for a second here, and looks are a second apart.
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alerts_api.audit.leaves import ActKind, ActRole, Leaf
from alerts_api.audit.log import append
from alerts_api.storage.database import open_database
from tests.e2e.sites import call, made
from tests.project.repository import ROOT, lacking
from tests.services.processes import end, free_ports, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
RULES = (ROOT / "deploy/prometheus/rules.yaml").read_text("utf-8")
PATIENCE = 120.0  # s
GOOD = '192.0.2.7 - %s [%s] "GET https://www.example.com/doi/pdf/10.1234/example.%d HTTP/1.1" 200 500000'


class Watched:
    """A site under ``run``, and the Prometheus that watches it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.parent / "access.log"
        self.log.touch()
        self.pages, self._metrics, self._prometheus = free_ports(3)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._lines = 0

    def __enter__(self) -> "Watched":
        made(self.folder, "--log", self.log)
        self.run()
        place = self.folder.parent / "prometheus"
        place.mkdir()
        shorter = re.sub(r"for: \w+", "for: 1s", re.sub(r"\[(15m|30m|1d)\]", "[20s]", RULES))
        (place / "rules.yaml").write_text(shorter)
        jobs = {"journalguard-pages": self.pages, "journalguard-run": self._metrics}
        scraped = [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for name, port in jobs.items()
        ]
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": scraped,
        }
        (place / "prometheus.yaml").write_text(json.dumps(settings))  # which is YAML too
        options = [f"--config.file={place}/prometheus.yaml", f"--storage.tsdb.path={place}/data"]
        listening = f"--web.listen-address=127.0.0.1:{self._prometheus}"
        self._start(["prometheus", *options, listening, "--log.level=error"])
        self.wait(lambda: self.value('sum(up{job=~"journalguard.*"})') == 2)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            end(process, signal.SIGTERM)

    def run(self) -> None:
        """Starts the service."""
        environment = {
            **os.environ,
            "JOURNALGUARD_PORT": str(self.pages),
            "JOURNALGUARD_METRICS_PORT": str(self._metrics),
        }
        command = [sys.executable, "-P", "-m", "service.cli", "run", "--site", str(self.folder)]
        self._service = self._start(command, env=environment)

    def stop(self) -> None:
        """Ends the service."""
        self._processes.remove(self._service)
        end(self._service, signal.SIGTERM)

    def write(self, count: int, line: str = GOOD, user: str = "reader") -> None:
        """Lines of this moment in the log."""
        with self.log.open("a") as out:
            for _ in range(count):
                self._lines += 1
                now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
                out.write((line % (user, now, self._lines) if "%" in line else line) + "\n")

    def value(self, query: str) -> float | None:
        """The one value of a query, if it has one."""
        found = self._ask("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[str]:
        alerts = self._ask("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def wait(self, done: Callable[[], bool]) -> None:
        last = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < last, f"firing: {self.firing()}"
            time.sleep(0.3)

    def _ask(self, what: str, **query: str) -> dict[str, Any]:
        address = f"http://127.0.0.1:{self._prometheus}/api/v1/{what}"
        try:
            found: dict[str, Any] = httpx2.get(address, params=query, timeout=10).json()["data"]
        except (httpx2.HTTPError, KeyError, ValueError):
            return {"result": [], "alerts": []}
        return found

    def _start(self, command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        process = start(command, stdout=subprocess.DEVNULL, **options)
        self._processes.append(process)
        return process


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    if not shutil.which("prometheus"):
        lacking("prometheus is not here (on Debian: apt-get install prometheus)")
    place = tmp_path_factory.mktemp("watched")
    with _small_disk(place), Watched(place / "disk/site") as found:
        found.write(5)
        found.wait(lambda: found.value("journalguard_lines_total") == 5)
        yield found


@contextmanager
def _small_disk(place: Path) -> Iterator[None]:
    """A file system of its own for the site, where that may be had."""
    (place / "disk").mkdir()
    small = ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(place / "disk")]
    mounted = os.geteuid() == 0 and not subprocess.run(small, capture_output=True, check=False).returncode
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place / "disk")], check=False)


def fires_and_resolves(watched: Watched, name: str, mend: Callable[[], object]) -> None:
    watched.wait(lambda: name in watched.firing())
    mend()
    watched.wait(lambda: name not in watched.firing())


def changed(watched: Watched, statement: str, *values: object) -> None:
    """Another program's change of the database."""
    with sqlite3.connect(watched.folder / "journalguard.db", timeout=30) as database:
        database.execute(statement, values)
    database.close()


def test_all_is_well(watched: Watched) -> None:
    quiet = {"JournalguardNoLines"}  # six hours without a sample are no six hours without a line
    time.sleep(3)
    assert watched.firing() - quiet == set()
    assert watched.value("sum(journalguard_decision_delay_seconds_count)") == 5
    assert watched.value("journalguard_geo_database_timestamp_seconds{database='city'}")


def keep(watched: Watched, write: Callable[[], None], done: Callable[[], bool]) -> None:
    """Lines now and then, until something is so."""

    def written() -> bool:
        write()
        return done()

    watched.wait(written)


def test_nine_of_ten_lines_rejected(watched: Watched) -> None:
    name = "JournalguardLinesRejected"

    def another_format() -> None:
        watched.write(9, "this is no line of the proxy's format")
        watched.write(1)

    keep(watched, another_format, lambda: name in watched.firing())
    keep(watched, lambda: watched.write(10), lambda: name not in watched.firing())


def test_nothing_scored(watched: Watched) -> None:
    """Lines come, and name nobody."""
    name = "JournalguardNothingScored"
    keep(watched, lambda: watched.write(3, user="-"), lambda: name in watched.firing())
    keep(watched, lambda: watched.write(3), lambda: name not in watched.firing())


def test_disk_nearly_full(watched: Watched) -> None:
    disk = shutil.disk_usage(watched.folder)
    if disk.total > 1 << 30:
        pytest.skip("no file system of its own for the site here")
    ballast = watched.folder / "ballast"
    ballast.write_bytes(bytes(disk.free - disk.total // 20))
    fires_and_resolves(watched, "JournalguardDiskNearlyFull", ballast.unlink)


def test_audit_checkpoint_overdue(watched: Watched) -> None:
    """An act of three hours ago that nobody signed, then the checkpoint."""

    def sign() -> None:
        result = call("audit", "checkpoint", "--site", watched.folder)
        assert result.exit_code == 0, result.output

    sign()  # what the start wrote down is younger, and stands before
    act = Leaf(kind=ActKind.SIGNED_IN, actor="jane.doe", role=ActRole.ANALYST, at=int(time.time()) - 3 * 3600)
    place = watched.folder / "journalguard.db"
    with closing(open_database(place, create=False)) as database, database.writing() as connection:
        append(connection, act)
    fires_and_resolves(watched, "JournalguardAuditUnsigned", sign)


def test_budget_overrun(watched: Watched) -> None:
    """Openings as the store counts them; the day is 20 s here, and goes by."""
    change = "INSERT INTO counters (name, value) VALUES (?, 40)"
    changed(watched, change, "alerts_raised_total:bulk-download")
    fires_and_resolves(watched, "JournalguardBudgetOverrun", lambda: None)


def test_retention_late(watched: Watched) -> None:
    watched.wait(lambda: watched.value("min(journalguard_last_retention_timestamp_seconds)") is not None)
    change, now = "UPDATE retention_runs SET ran_at = ?", time.time()
    changed(watched, change, now - 3 * 86_400)
    fires_and_resolves(watched, "JournalguardRetentionLate", lambda: changed(watched, change, now))


def test_database_away(watched: Watched) -> None:
    """First nothing answers, then pages that cannot read: two alerts."""
    database = watched.folder / "journalguard.db"
    moved = database.with_suffix(".away")
    watched.stop()
    watched.wait(lambda: "JournalguardDown" in watched.firing())
    database.rename(moved)
    database.write_bytes(b"this is no database" * 1000)
    pages = [sys.executable, "-P", "-m", "service.cli", "pages", "--database", str(database)]
    process = start([*pages, "--port", str(watched.pages)], stdout=subprocess.DEVNULL)
    watched.wait(lambda: "JournalguardDatabaseAway" in watched.firing())
    end(process, signal.SIGTERM)
    moved.replace(database)
    watched.run()
    watched.wait(lambda: not watched.firing() & {"JournalguardDatabaseAway", "JournalguardDown"})
