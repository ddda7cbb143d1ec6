"""``run`` killed with -9 again and again under a live, rotating log ends as one that was never killed."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from service.cli.running import follow_site, stop_on_signals
from service.cli.site import make_site
from service.embedded import Runner
from service.settings import Settings, load_site
from service.simulator import SimulationSettings, simulate

KILLS = 30
WHOLE = (7, 19)  # kills of the whole command, with its pages; the others spare the start of the interpreter
COMPARED = {
    "lines": "SELECT name, value FROM counters WHERE name LIKE 'lines%'",
    "accounts": "SELECT account, state FROM accounts ORDER BY 1",
    "shared": "SELECT name, state FROM shared ORDER BY 1",
    "counters": "SELECT name, value FROM counters ORDER BY 1",
    "alerts": "SELECT alert_id, payload FROM alerts ORDER BY 1",
    "marks": "SELECT * FROM alert_marks ORDER BY 1, 2, 3",
    "traces": "SELECT * FROM traces ORDER BY 1",
    "feed": "SELECT last_event_time FROM feed",
}


def follow(folder: str) -> None:
    """What ``journalguard run`` does, without the pages."""

    @contextmanager
    def alone(_: Runner) -> Iterator[Callable[[], None]]:
        yield lambda: None

    stop: Event = stop_on_signals()
    follow_site(load_site(Path(folder), {}), stop, alone)


class Writer(threading.Thread):
    """Appends lines as far as it is allowed to, in odd pieces, and rotates the log now and then."""

    def __init__(self, log: Path, lines: list[bytes], rng: random.Random) -> None:
        super().__init__(daemon=True)
        self.allowed = 0
        self.rotations = 0
        self._log = log
        self._lines = lines
        self._rng = rng

    def run(self) -> None:
        written = 0
        while written < len(self._lines):
            piece = self._lines[written : min(written + self._rng.randint(1, 40), self.allowed)]
            written += len(piece)
            if piece:
                self._append(b"".join(piece))
                if self._rng.random() < 0.08:
                    self._rotate()
            time.sleep(0.004)

    def _append(self, data: bytes) -> None:
        cut = self._rng.randrange(len(data))  # a line is half written for a moment
        with self._log.open("ab", buffering=0) as file:
            file.write(data[:cut])
            time.sleep(self._rng.choice((0, 0, 0.002)))
            file.write(data[cut:])

    def _rotate(self) -> None:
        self.rotations += 1
        numbers = sorted(
            (int(path.suffix[1:]) for path in self._log.parent.glob("access.log.*")), reverse=True
        )
        for number in numbers:
            self._log.with_name(f"access.log.{number}").rename(
                self._log.with_name(f"access.log.{number + 1}")
            )
        time.sleep(0.01)  # file times are as coarse as the kernel's tick
        first = self._log.with_name("access.log.1")
        if self._rng.random() < 0.5:
            self._log.rename(first)
            return
        shutil.copyfile(self._log, first)  # nothing is written between copy and truncation
        time.sleep(0.01)
        os.truncate(self._log, 0)


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
    seen = []
    for kill in range(KILLS):
        writer.allowed = len(lines) * (kill + 1) // KILLS
        if kill in WHOLE:
            kill_whole(killed, rng.uniform(2.0, 6.0))
        else:
            process = context.Process(target=follow, args=(str(killed),))
            process.start()
            time.sleep(rng.uniform(0.02, 1.0))
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
        seen.append(lines_read(killed))
    writer.join(30)
    last = context.Process(target=follow, args=(str(killed),))
    last.start()
    finish(last, killed, len(lines))

    assert writer.rotations >= 5
    assert len(set(seen)) >= KILLS // 3, "the kills came between checkpoints, not before the first"
    expected, found = database(calm), database(killed)
    assert expected["alerts"], "a comparison without alerts says little"
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
