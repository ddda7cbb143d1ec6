"""A library's readers and thieves: one world, any day of it, and its history written to a folder."""

import datetime as dt
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TextIO

import msgspec
import numpy as np

from service.simulator.crowd import crowd_day
from service.simulator.geography import Geography
from service.simulator.heist import Heist
from service.simulator.lines import compile_format
from service.simulator.readers import populate
from service.simulator.requests import Request, by_time
from service.simulator.rhythm import WEEKDAYS, season
from service.simulator.sessions import account_day
from service.simulator.settings import SimulationSettings, SimulationSummary, check, first_date, zone
from service.simulator.streams import Purpose, stream
from service.simulator.thefts import Plan, SimulatedTheft, happened, perform, plan
from service.simulator.truth import describe_truth

Progress = Callable[[int, int], None]


class World:
    """All that follows from the settings. Days are numbered from 0; those after the history exist too."""

    def __init__(self, settings: SimulationSettings) -> None:
        check(settings)
        self.settings = settings
        self.zone = zone(settings)
        self.first = first_date(settings)
        self.geography = Geography(settings.seed, settings.timezone)
        self.readers = populate(settings, self.geography)
        self._rates = np.array([reader.rate for reader in self.readers])
        self._terms = np.array([reader.kind.term for reader in self.readers])
        self._weekends = np.array([reader.kind.weekend for reader in self.readers])
        self._joined = np.array([reader.joined for reader in self.readers])
        self._sleep = np.array([reader.sleep for reader in self.readers])

    def midnight(self, day: int) -> int:
        """Start of the local day, s UTC."""
        local = dt.datetime.combine(self.first + dt.timedelta(days=day), dt.time(), self.zone)
        return int(local.timestamp())

    def day_of(self, time: int) -> int:
        """The day a time in s UTC falls on."""
        return (dt.datetime.fromtimestamp(time, self.zone).date() - self.first).days

    def active(self, day: int) -> np.ndarray:
        """Which accounts read on the day: bool, one for each account."""
        date = self.first + dt.timedelta(days=day)
        key, size = day + 10_000, len(self.readers)
        mood = stream(self.settings.seed, Purpose.MOOD, key // 7).lognormal(-0.18, 0.6, size)
        rate = self._rates * mood * season(date) ** self._terms * WEEKDAYS[date.weekday()] ** self._weekends
        drawn = stream(self.settings.seed, Purpose.ACTIVITY, key).random(size) < 1.0 - np.exp(-rate)
        awake = (self._joined <= day) & ~((self._sleep[:, 0] <= day) & (day < self._sleep[:, 1]))
        result: np.ndarray = drawn & awake
        return result

    def reading(self, account: int, day: int) -> list[Request]:
        """One account's own requests of the sessions that begin on the day, unsorted."""
        rng = stream(self.settings.seed, Purpose.DAY, account, day + 10_000)
        return account_day(rng, self.readers[account], day, self.midnight(day))

    def ordinary(self, day: int) -> list[Request]:
        """Everyone's requests of the day but the thieves', unsorted; some run into the next day."""
        rng = stream(self.settings.seed, Purpose.CROWD, day + 10_000)
        requests = crowd_day(rng, self.geography, len(self.readers), day, self.midnight(day))
        for account in np.flatnonzero(self.active(day)).tolist():
            requests += self.reading(account, day)
        return requests

    @cached_property
    def plans(self) -> list[Plan]:
        """The thefts of the history."""
        days = range(self.settings.days)
        return plan(self.settings, self.readers, np.array([self.active(day) for day in days]))

    def thefts(self, day: int) -> Iterator[SimulatedTheft]:
        """The thefts that begin on the day, each whole but for what lies beyond the history."""
        end = self.midnight(self.settings.days)
        for one in self.plans:
            if one.day == day:
                rng = stream(self.settings.seed, Purpose.THEFT, one.number)
                heist = Heist(rng, one.number, self.readers[one.account], self.geography)
                own = self.reading(one.account, day) if self.active(day)[one.account] else []
                perform(heist, one, self.midnight(day), own)
                yield happened(heist, one.family, end)


def simulate(
    settings: SimulationSettings, out: Path, *, progress: Progress | None = None
) -> SimulationSummary:
    """Writes ``access.log``, ``city.mmdb``, ``asn.mmdb`` and ``truth.json`` into ``out``, made if absent.

    ``progress`` is called with days done and days in all. Raises SimulationError for settings that cannot be
    used, OSError where the folder cannot be written.
    """
    from service.simulator.databases import write_databases  # noqa: PLC0415 - of the extra `demo`

    world = World(settings)
    render = compile_format(settings.log_format, world.zone)
    out.mkdir(parents=True, exist_ok=True)
    write_databases(world.geography, out, world.midnight(settings.days))
    with (out / "access.log").open("w", encoding="utf-8", newline="\n") as log:
        history = _History(world, log, render)
        for day in range(settings.days):
            history.write_day(day)
            if progress:
                progress(day + 1, settings.days)
    truth = describe_truth(settings, world.readers, history.thefts)
    (out / "truth.json").write_bytes(msgspec.json.format(msgspec.json.encode(truth), indent=1) + b"\n")
    return history.summary(settings)


class _History:
    """Writes day by day; what runs into later days is carried over: memory holds little more than a day."""

    def __init__(self, world: World, log: TextIO, render: Callable[[Request], str]) -> None:
        self._world, self._log, self._render = world, log, render
        self._carried: list[Request] = []
        self.thefts: list[SimulatedTheft] = []
        self._lines = self._first = self._last = 0

    def write_day(self, day: int) -> None:
        requests = self._carried + self._world.ordinary(day)
        for theft in self._world.thefts(day):
            self.thefts.append(theft)
            requests += theft.requests
        requests.sort(key=by_time)
        end = self._world.midnight(day + 1)
        due = [request for request in requests if request.time < end]
        self._carried = requests[len(due) :]
        self._log.writelines([self._render(request) + "\n" for request in due])
        self._note(due)

    def _note(self, due: list[Request]) -> None:
        if due:
            self._first = self._first or due[0].time
            self._last = due[-1].time
            self._lines += len(due)

    def summary(self, settings: SimulationSettings) -> SimulationSummary:
        thefts = sum(1 for theft in self.thefts if theft.requests)
        return SimulationSummary(
            self._lines, settings.accounts, settings.days, thefts, self._first, self._last
        )
