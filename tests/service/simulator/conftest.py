"""One small world with every family of theft in it, and the log as the tests read it."""

import datetime as dt
import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from service.simulator import SimulationSettings, simulate

_LINE = re.compile(
    r"(?P<address>\S+) (?P<session>\S+) (?P<user>\S+) \[(?P<when>[^\]]+)\] "
    r'"(?P<method>\S+) (?P<url>\S+) HTTP/1\.1" '
    r"(?P<status>\d+) (?P<size>\d+) (?P<groups>\S+)"
)


class Seen(NamedTuple):
    """One line of the log, read without the product's parser."""

    time: int
    local: dt.datetime
    address: str
    session: str
    user: str
    method: str
    url: str
    status: int
    size: int
    groups: str


class Made(NamedTuple):
    """A simulated folder."""

    settings: SimulationSettings
    folder: Path
    lines: list[Seen]
    truth: dict[str, Any]


def read_line(line: str) -> Seen:
    found = _LINE.fullmatch(line)
    assert found, line
    local = dt.datetime.strptime(found["when"], "%d/%b/%Y:%H:%M:%S %z")
    return Seen(
        int(local.timestamp()), local, found["address"], found["session"], found["user"].lower(),
        found["method"], found["url"], int(found["status"]), int(found["size"]), found["groups"],
    )  # fmt: skip


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    settings = SimulationSettings(
        seed=20,
        accounts=600,
        days=42,
        thefts_per_day=0.8,
        log_format='%h %{ezproxy-session}i %u %t "%r" %s %b %{ezproxy-groups}i',
    )
    folder = tmp_path_factory.mktemp("world")
    simulate(settings, folder)
    text = (folder / "access.log").read_text(encoding="utf-8")
    truth = msgspec.json.decode((folder / "truth.json").read_bytes())
    return Made(settings, folder, [read_line(line) for line in text.splitlines()], truth)
