"""The world after its history: ordinary traffic of any moment, and blatant thefts on demand."""

from pathlib import Path

import msgspec
import numpy as np

from service.simulator.heist import Heist
from service.simulator.lines import compile_format
from service.simulator.readers import Reader
from service.simulator.requests import Request, by_time
from service.simulator.settings import SimulationError, SimulationSettings
from service.simulator.streams import Purpose, stream
from service.simulator.thefts import happened
from service.simulator.truth import Truth
from service.simulator.world import World

_THEFT_SECONDS = 55.0


class LiveTraffic:
    """Goes on where ``simulate`` ended.

    Lines depend on the settings and the moment only, not on what was asked before; thefts on their number
    too, because no account is stolen twice.
    """

    def __init__(self, settings: SimulationSettings, out: Path) -> None:
        """``out`` is the folder of the history. Raises SimulationError if it is not of these settings."""
        truth = _read_truth(out)
        if (truth.seed, truth.accounts, truth.start) != (settings.seed, settings.accounts, settings.start):
            raise SimulationError(f"{out} holds the history of other settings; simulate into it again")
        self._world = World(settings)
        self._render = compile_format(settings.log_format, self._world.zone)
        self._stolen = {theft.user for theft in truth.thefts}
        self._days: dict[int, list[Request]] = {}
        self._thefts = 0

    def lines(self, start: int, stop: int) -> list[tuple[int, str]]:
        """Event time and raw line of ordinary traffic with start <= time < stop, s UTC, in time order."""
        if stop <= start:
            return []
        days = range(self._world.day_of(start) - 1, self._world.day_of(stop - 1) + 1)
        due = [request for day in days for request in self._day(day) if start <= request.time < stop]
        return [(request.time, self._render(request)) for request in sorted(due, key=by_time)]

    def theft(self, start: int) -> list[tuple[int, str]]:
        """A script on a foreign hosting network empties an account within a minute of ``start``, s UTC."""
        self._thefts += 1
        rng = stream(self._world.settings.seed, Purpose.LIVE, self._thefts)
        victim = self._victim(rng, self._world.day_of(start))
        self._stolen.add(victim.user)
        heist = Heist(rng, 1_000_000 + self._thefts, victim, self._world.geography)
        blocks = self._world.geography.abroad("hosting")
        visit = heist.visit(blocks[int(rng.integers(len(blocks)))], script=1.0)
        count = 70 + int(rng.integers(60))
        gaps = np.array(heist.gaps(count, 1.0, 0.4))
        heist.run(
            start, visit, [heist.some() for _ in range(count)], (gaps * _THEFT_SECONDS / gaps.sum()).tolist()
        )
        theft = happened(heist, "burst", start + 61)
        return [(request.time, self._render(request)) for request in theft.requests]

    def _day(self, day: int) -> list[Request]:
        """The day's requests, kept while they are near: at most three days are held."""
        if day not in self._days:
            self._days[day] = self._world.ordinary(day)
            for old in [kept for kept in self._days if abs(kept - day) > 1]:
                del self._days[old]
        return self._days[day]

    def _victim(self, rng: np.random.Generator, day: int) -> Reader:
        """A reader not stolen before who was active in the fortnight before the day."""
        seen = np.any([self._world.active(day - back) for back in range(1, 15)], axis=0)
        found = [self._world.readers[index] for index in np.flatnonzero(seen).tolist()]
        found = [reader for reader in found if reader.user not in self._stolen and not _busy(reader)]
        if not found:
            raise SimulationError(
                "every active account of this world is stolen already; simulate more accounts"
            )
        return found[int(rng.integers(len(found)))]


def _busy(reader: Reader) -> bool:
    return reader.kind.name in ("walk-in", "text-miner", "reviewer")


def _read_truth(out: Path) -> Truth:
    path = out / "truth.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Truth)
    except (OSError, msgspec.DecodeError) as error:
        raise SimulationError(
            f"{path} cannot be read ({error}); run simulate into this folder first"
        ) from error
