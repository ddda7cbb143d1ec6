"""A site over a simulated library: its history up to now, then live traffic appended to the log it follows.

Ordinary lines come at the moments their readers would cause them; every ``THEFT_SECONDS`` a script empties
another account, which takes it a minute.
"""

import heapq
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.base.progress import Progress
from service.config.settings import Settings
from service.simulator import LiveTraffic, SimulationSettings, simulate

ACCOUNTS = 500
DAYS = 28
ALERTS_PER_DAY = 3.0
ZONE = "Europe/London"
CAMPUS = "198.18.0.0/16"  # of the simulated world
PROXY = "ezproxy.example.ac.uk"
FIRST_THEFT = 10.0  # s after the live traffic begins
THEFT_SECONDS = 25.0


class Demo(NamedTuple):
    """What was made for a demonstration."""

    settings: Settings
    log: Path
    lines: int  # of the history
    traffic: LiveTraffic
    until: int  # s UTC; the history holds all before it


def prepare(library: Path, seed: int, now: int, shown: Progress) -> Demo:
    """Simulates the four weeks before ``now`` (s UTC) into the folder ``library``."""
    today = datetime.fromtimestamp(now, ZoneInfo(ZONE)).date()
    world = SimulationSettings(
        seed=seed,
        accounts=ACCOUNTS,
        days=DAYS,
        start=(today - timedelta(days=DAYS)).isoformat(),
        timezone=ZONE,
    )
    made = simulate(world, library, progress=lambda done, whole: shown.at(done / whole, f"day {done}"))
    traffic = LiveTraffic(world, library)
    midnight = datetime.combine(today, datetime.min.time(), ZoneInfo(ZONE)).astimezone(UTC)
    rest = traffic.lines(int(midnight.timestamp()), now)
    log = library / "access.log"
    _append(log, [line for _, line in rest])
    lines = made.lines + len(rest)
    shown.done(f"{lines:,} lines of {ACCOUNTS} accounts")
    settings = Settings(
        log_format=world.log_format,
        timezone=ZONE,
        logs=(str(log),),
        campus=(CAMPUS,),
        proxy_hosts=(PROXY,),
        geo_city=str(library / "city.mmdb"),
        geo_asn=str(library / "asn.mmdb"),
        alerts_per_day=ALERTS_PER_DAY,
    )
    return Demo(settings, log, lines, traffic, now)


class LiveLog:
    """Writes what is due into the log; to be called again and again."""

    def __init__(self, demo: Demo, now: float) -> None:
        self._demo = demo
        self._written = demo.until
        self._due: list[tuple[int, str]] = []
        self._next_theft = now + FIRST_THEFT

    def write(self, now: float) -> None:
        """Appends the lines of the time up to ``now``, s UTC."""
        second = int(now)
        for line in self._demo.traffic.lines(self._written, second):
            heapq.heappush(self._due, line)
        self._written = max(second, self._written)
        if now >= self._next_theft:
            self._next_theft = now + THEFT_SECONDS
            for line in self._demo.traffic.theft(second):
                heapq.heappush(self._due, line)
        ready = []
        while self._due and self._due[0][0] < second:
            ready.append(heapq.heappop(self._due)[1])
        _append(self._demo.log, ready)


def _append(log: Path, lines: list[str]) -> None:
    if lines:
        with log.open("a", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
