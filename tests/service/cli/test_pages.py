"""The pages' process over a site, a file and a server, without Kafka."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alerts_api.stream.store import open_store
from tests.alerts_api.examples import checkpoint, make_alert
from tests.e2e.sites import access_lines, call, made
from tests.services.processes import end, start

SECONDS = 40.0


@contextmanager
def served(*arguments: object, **environment: str) -> Iterator[str]:
    """A command that serves pages at a free port; its address."""
    command = [sys.executable, "-m", "service.cli", *map(str, arguments), "--port", "0"]
    process = start(command, stdout=subprocess.PIPE, env={**os.environ, **environment})
    try:
        assert process.stdout is not None
        yield process.stdout.readline().decode().split()[-1]
    finally:
        end(process, signal.SIGTERM)


def status(address: str, **wanted: object) -> Mapping[str, Any]:
    """The service's state, once it is as wanted, or the last."""
    found: dict[str, Any] = {}
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            found = httpx2.get(f"{address}api/v1/status", timeout=10).json()
            if wanted.items() <= found.items():
                return found
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    return found


def test_either_a_site_or_a_database() -> None:
    for arguments in ((), ("--site", "x", "--database", __file__)):
        result = call("pages", *arguments)
        assert (result.exit_code, "either --site or --database" in result.stderr) == (2, True)


def test_a_site_without_a_database_gets_one(tmp_path: Path) -> None:
    site = made(tmp_path / "s")
    with served("pages", "--site", site) as address:
        assert status(address, status="empty")["open_alerts"] == 0
    assert (site / "journalguard.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.postgres
def test_a_server_alone_is_shown(postgres_url: str) -> None:
    store = open_store(postgres_url)
    store.commit(checkpoint([make_alert()]))
    store.close()
    with served("pages", "--database", postgres_url) as address:
        assert status(address, open_alerts=1)["open_alerts"] == 1


@pytest.mark.slow
@pytest.mark.postgres
def test_run_keeps_everything_on_the_server(tmp_path: Path, postgres_url: str) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"{line}\n" for line in access_lines(range(30))))
    site = made(tmp_path / "s", "--log", log)
    (site / "policy").mkdir()
    for lines in (30, 35):
        with served("run", "--site", site, JOURNALGUARD_DATABASE_URL=postgres_url) as address:
            assert status(address, lines=lines)["lines"] == lines
        with log.open("a") as file:
            file.writelines(f"{line}\n" for line in access_lines(range(100, 105)))
    assert not (site / "journalguard.db").exists()
