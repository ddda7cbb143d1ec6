"""Which accounts are stolen, when and how; and what is known of each theft afterwards."""

from typing import NamedTuple

import msgspec
import numpy as np

from service.simulator.families import FAMILIES, hijacked
from service.simulator.heist import Heist
from service.simulator.readers import Reader
from service.simulator.requests import Request, by_time
from service.simulator.settings import SimulationSettings, first_date, first_theft_day, theft_count
from service.simulator.streams import Purpose, stream

_ASLEEP = 21  # days without use before a dormant account is harvested
LASTS = {"ramp": 12, "mimic": 4, "drip": 2, "shared": 2}  # days a family needs before the world ends
_NOT_STOLEN = ("walk-in", "text-miner")


class Plan(NamedTuple):
    """One theft to be."""

    number: int
    family: str
    account: int
    day: int
    second: int  # of the local day


class SimulatedTheft(msgspec.Struct, frozen=True):
    """One theft as it happened: the thief's requests in time order, and when each document was got."""

    user: str
    family: str
    requests: tuple[Request, ...]
    document_times: tuple[int, ...]


def plan(settings: SimulationSettings, readers: list[Reader], active: np.ndarray) -> list[Plan]:
    """All thefts of the history; ``active`` is days x accounts of bool. No account is stolen twice."""
    rng = stream(settings.seed, Purpose.PLAN)
    names = list(FAMILIES)
    order = rng.permutation(len(names)).tolist()
    taken = {reader.number for reader in readers if reader.kind.name in _NOT_STOLEN}
    plans = []
    for number in range(theft_count(settings)):
        family = names[order[number % len(names)]]
        day = _day(rng, settings, family)
        account = _victim(rng, family, day, active, taken)
        taken.add(account)
        plans.append(Plan(number, family, account, day, int(rng.integers(86400))))
    return plans


def perform(heist: Heist, plan: Plan, midnight: int, own: list[Request]) -> None:
    """Fills the heist; ``midnight`` starts its day, s UTC; ``own`` are the victim's requests of the day."""
    if plan.family == "hijacked" and own:
        mine = sorted(own, key=by_time)
        moment = mine[len(mine) // 2]
        hijacked(heist, moment.time + 60, moment.visit.session)
    else:
        FAMILIES[plan.family](heist, midnight + plan.second)


def happened(heist: Heist, family: str, end: int) -> SimulatedTheft:
    """What of the theft came before ``end``, s UTC."""
    requests = sorted((request for request in heist.requests if request.time < end), key=by_time)
    times = sorted(time for time in heist.documents.values() if time < end)
    return SimulatedTheft(heist.victim.user, family, tuple(requests), tuple(times))


def _day(rng: np.random.Generator, settings: SimulationSettings, family: str) -> int:
    """After the quiet days, early enough for the family to unfold; three of ten are moved to a weekend."""
    first = min(first_theft_day(settings), settings.days - 1)
    last = max(settings.days - LASTS.get(family, 1), first)
    days = range(first, last + 1)
    monday = first_date(settings).weekday()
    weekend = [day for day in days if (monday + day) % 7 >= 5]
    wanted = weekend if weekend and rng.random() < 0.3 else days
    return int(wanted[int(rng.integers(len(wanted)))])


def _victim(rng: np.random.Generator, family: str, day: int, active: np.ndarray, taken: set[int]) -> int:
    """An account fit for the family that is not stolen yet; any other if there is none."""
    free = np.ones(active.shape[1], dtype=bool)
    free[list(taken)] = False
    for fit in _fits(family, day, active):
        candidates = np.flatnonzero(fit & free)
        if len(candidates):
            return int(rng.choice(candidates))
    return int(rng.choice(np.flatnonzero(free)))


def _fits(family: str, day: int, active: np.ndarray) -> list[np.ndarray]:
    """Who suits the family, the best choice first."""
    days = active[:day].sum(axis=0)
    if family == "hijacked":
        return [active[day] & (days >= 2), active[day]]
    if family == "dormant":
        window = min(_ASLEEP, max(day - 2, 1))
        asleep = ~active[max(day - window, 0) : day + 2].any(axis=0)
        return [
            asleep & (days >= 2),
            asleep & (days >= 1),
            ~active[max(day - window // 2, 0) : day].any(axis=0),
        ]
    if family in ("mimic", "ramp"):
        return [days >= 4, days >= 1]
    return [days >= 2, days >= 1]
