"""``run`` killed with -9 again and again under a live, rotating log ends as one that was never killed."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from pseudonymiser import holders
from pseudonymiser.holder_key import HolderKey
from service.cli.init import make_site
from service.cli.run import follow_site
from service.cli.signals import stop_on_signals
from service.config.loader import load_site
from service.config.settings import Settings
from service.records.identities import Mode
from service.runtime.runner import Runner
from service.simulator import SimulationSettings, simulate
from tests.services.growing import Writer

KILLS = 30
WHOLE = (7, 19)  # kills of the whole command, with its pages; the others spare the start of the interpreter
COMPARED = {
    "lines": "SELECT name, value FROM counters WHERE name LIKE 'lines%'",
    "accounts": "SELECT account, state FROM accounts ORDER BY 1",
    "shared": "SELECT name, state FROM shared ORDER BY 1",
    # An alert counts under the detection that led when it was first saved: which one depends on the cuts.
    "counters": "SELECT name, value FROM counters WHERE name NOT LIKE 'alerts_raised%' ORDER BY 1",
    "raised": "SELECT sum(value) FROM counters WHERE name LIKE 'alerts_raised%'",
    "alerts": "SELECT alert_id, payload FROM alerts ORDER BY 1",
    "marks": "SELECT * FROM alert_marks ORDER BY 1, 2, 3",
    "traces": "SELECT * FROM traces ORDER BY 1",
    "identities": "SELECT pseudonym, ring FROM identities ORDER BY 1",  # each sealing is another ciphertext
    "feed": "SELECT last_event_time FROM feed",
}


def follow(folder: str) -> None:
    """What ``journalguard run`` does, without the pages."""

    @contextmanager
    def alone(_: Runner) -> Iterator[Callable[[], None]]:
        yield lambda: None

    stop: Event = stop_on_signals()
    follow_site(load_site(Path(folder), {}), stop, alone)


def database(site: Path) -> dict[str, list[Any]]:
    with sqlite3.connect(site / "journalguard.db") as connection:
        return {name: connection.execute(query).fetchall() for name, query in COMPARED.items()}


def lines_read(site: Path) -> int:
    try:
        with sqlite3.connect(f"file:{site}/journalguard.db?mode=ro", uri=True) as connection:
            row = connection.execute("SELECT value FROM counters WHERE name = 'lines_total'").fetchone()
    except sqlite3.OperationalError:
        return -1  # not made yet
    return int(row[0]) if row else -1


def finish(process: BaseProcess, site: Path, lines: int) -> None:
    """Waits until so many lines are saved, then ends the process kindly."""
    until = time.monotonic() + 60
    while lines_read(site) < lines and time.monotonic() < until:
        time.sleep(0.05)
    process.terminate()
    process.join(20)
    assert process.exitcode == 0


def wait_beyond(site: Path, lines: int) -> None:
    """Until a checkpoint has more lines."""
    until = time.monotonic() + 60
    while lines_read(site) <= lines and time.monotonic() < until:
        time.sleep(0.01)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    library = tmp_path_factory.mktemp("library")
    simulate(SimulationSettings(seed=5, accounts=80, days=16, thefts_per_day=1.0), library)
    made = (library / "access.log").read_bytes().splitlines(keepends=True)
    return [
        line
        for number, line in enumerate(made)
        for line in ([line, b"rubbish\n"] if number % 97 == 0 else [line])
    ]


def make(folder: Path) -> Path:
    settings = Settings(
        log_format='%h %l %u %t "%r" %s %b',
        timezone="Europe/London",
        logs=("access.log",),
        checkpoint_lines=150,
        checkpoint_seconds=0.05,
    )
    make_site(folder, settings)
    holders.add_holder(folder / "keyholders", HolderKey(bytes([7]) * 32, "desk-1").holder, Mode.ONE)
    return folder


@pytest.mark.slow
def test_thirty_kills_lose_nothing_and_repeat_nothing(tmp_path: Path, lines: list[bytes]) -> None:
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, "tests.service.warm"])
    calm = make(tmp_path / "calm")
    killed = tmp_path / "killed"
    shutil.copytree(calm, killed)
    (calm / "access.log").write_bytes(b"".join(lines))
    undisturbed = context.Process(target=follow, args=(str(calm),))
    undisturbed.start()
    finish(undisturbed, calm, len(lines))

    rng = random.Random(17)
    writer = Writer(killed / "access.log", lines, random.Random(18))
    first = context.Process(target=follow, args=(str(killed),))
    first.start()
    finish(first, killed, 0)  # its first checkpoint says that there was no log yet
    writer.start()
    seen: list[int] = []
    for kill in range(KILLS):
        writer.allowed = len(lines) * (kill + 1) // (KILLS + 1)
        if kill in WHOLE:
            kill_whole(killed, rng.uniform(2.0, 6.0))
        else:
            process = context.Process(target=follow, args=(str(killed),))
            process.start()
            if rng.random() < 0.7:  # else before its first checkpoint, wherever that comes
                wait_beyond(killed, seen[-1] if seen else 0)
            time.sleep(rng.uniform(0.02, 0.5))
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
        seen.append(lines_read(killed))
    writer.allowed = len(lines)
    writer.join(30)
    last = context.Process(target=follow, args=(str(killed),))
    last.start()
    finish(last, killed, len(lines))

    assert writer.rotations >= 5
    assert len(set(seen)) >= KILLS // 3, "the kills came between checkpoints, not before the first"
    expected, found = database(calm), database(killed)
    assert expected["alerts"], "a comparison without alerts says little"
    assert len(expected["identities"]) == len(expected["accounts"])
    for name, rows in expected.items():
        assert found[name] == rows, name


def kill_whole(site: Path, after: float) -> None:
    """Kills the command itself; its pages end with it."""
    command = [sys.executable, "-m", "service.cli", "run", "--site", str(site), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    time.sleep(after)
    process.kill()
    # The child holds the other end of this pipe, so the end of what it says is the end of the child.
    process.communicate(timeout=20)
