"""The trial on one machine of `docs/distributed.md`, pasted into a shell as a new user would."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.project.repository import ROOT
from tests.services.kafka import Cluster
from tests.services.processes import free_ports

PATIENCE = 480.0  # s
ENOUGH = 10  # alerts


def blocks() -> list[str]:
    """What is to be pasted, in order."""
    text = (ROOT / "docs/distributed.md").read_text("utf-8")
    section = re.search(r"^## On one machine, to try\n(.*?)^##", text, re.MULTILINE | re.DOTALL)
    assert section
    return re.findall(r"^```\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)


@contextmanager
def shell(environment: dict[str, str], reported: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Takes what is typed; all that it started ends with it."""
    with reported.open("wb") as out:
        process = subprocess.Popen(
            ["bash", "-e"], stdin=subprocess.PIPE, stdout=out, stderr=out, cwd=ROOT,
            env={**os.environ, **environment}, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def open_alerts(port: int) -> int:
    """As the pages tell Prometheus; 0 while they do not."""
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        found = re.search(r"^journalguard_alerts_open (\S+)$", answer.read().decode(), re.MULTILINE)
        return int(float(found[1])) if found else 0
    return 0


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_copy_and_paste_brings_alerts_to_the_pages(tmp_path: Path, own_broker: Cluster) -> None:
    (port,) = free_ports(1)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # The broker of `make kafka` and the pages, at ports that nobody else has.
        "JOURNALGUARD_KAFKA_SERVERS": own_broker.servers[0],
        "JOURNALGUARD_PORT": str(port),
    }
    broker, library, processes, end = (block.replace("/tmp/", f"{tmp_path}/") for block in blocks())
    assert broker == "make kafka\n"
    reported = tmp_path / "told"
    with shell(environment, reported) as bash:
        assert bash.stdin
        bash.stdin.write(f"{library}{processes}".encode())
        bash.stdin.flush()
        until = time.monotonic() + PATIENCE
        while open_alerts(port) < ENOUGH:
            assert bash.poll() is None, reported.read_text()[-3000:]
            assert time.monotonic() < until, reported.read_text()[-3000:]
            time.sleep(0.5)
        bash.stdin.write(f"{end}wait\n".encode())
        bash.stdin.close()
        assert bash.wait(60) == 0, reported.read_text()[-3000:]
