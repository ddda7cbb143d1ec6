"""Thefts on accounts of a real log: whose, when, and the thieves' lines read as the log's own are."""

from collections.abc import Mapping

import msgspec
import numpy as np

from models.evaluation.records import DAY
from pseudonymiser.ingest import Ingest, IngestSettings
from service.records.events import AccessEvent
from service.simulator import catalogue
from service.simulator.families import FAMILIES, hijacked
from service.simulator.geography import Block, Geography
from service.simulator.heist import Heist
from service.simulator.lines import compile_format
from service.simulator.readers import KINDS, NEVER, AccessPoint, Reader
from service.simulator.settings import SimulationSettings, zone
from service.simulator.streams import Purpose, stream
from service.simulator.thefts import LASTS, SimulatedTheft, happened

_NEEDS = {**LASTS, "dormant": 21}  # days of log that a family needs
_TASTES = 12  # journals


class Victims(msgspec.Struct, frozen=True):
    """The readers of a log."""

    accounts: tuple[str, ...]  # by number
    spans: Mapping[tuple[int, int], tuple[int, int]]  # (number, local day) -> first and last line, s UTC
    homes: Mapping[int, tuple[str, str]]  # number -> country and city that most lines came from
    begin: int  # first moment of a theft, s UTC
    end: int  # of the log
    offset: int

    @property
    def days(self) -> int:
        """That a theft can last."""
        return 1 + (self.end - self.begin) // DAY


class Intruder(msgspec.Struct, frozen=True):
    """One theft, as events of its victim."""

    account: str
    theft: SimulatedTheft
    events: tuple[AccessEvent, ...]


def intrude(
    draw: int, geography: Geography, victims: Victims, settings: IngestSettings, ingest: Ingest
) -> tuple[Intruder, ...]:
    """One theft of each family that the log is long enough for, each on another account."""
    rng = stream(draw, Purpose.PLAN)
    render = compile_format(
        settings.log_format, zone(SimulationSettings(0, 10, 1, timezone=settings.timezone))
    )
    fit = [name for name in FAMILIES if _NEEDS.get(name, 1) <= victims.days]
    thefts: list[tuple[int, SimulatedTheft]] = []
    for number, family in enumerate(fit):
        victim, start = _choose(rng, family, victims, {taken for taken, _ in thefts})
        reader = _reader(rng, victim, victims, geography)
        heist = Heist(stream(draw, Purpose.THEFT, number), number, reader, geography)
        (hijacked if family == "hijacked" else FAMILIES[family])(heist, start)
        thefts.append((victim, happened(heist, family, victims.end)))
    lines = sorted(
        (request.time, at, render(request))
        for at, (_, theft) in enumerate(thefts)
        for request in theft.requests
    )
    outcomes = ingest.feed([line.encode() for _, _, line in lines], source="thieves")
    events: dict[int, list[AccessEvent]] = {}
    for (_, at, _), outcome in zip(lines, outcomes, strict=True):
        if isinstance(outcome, AccessEvent) and outcome.account:
            account = victims.accounts[thefts[at][0]]
            events.setdefault(at, []).append(msgspec.structs.replace(outcome, account=account))
    return tuple(
        Intruder(victims.accounts[victim], theft, tuple(events[at]))
        for at, (victim, theft) in enumerate(thefts)
        if at in events
    )


def _choose(rng: np.random.Generator, family: str, victims: Victims, taken: set[int]) -> tuple[int, int]:
    """A reader and a moment: while he reads for a session to be carried off, else any."""
    latest = max(victims.end - (_NEEDS.get(family, 1) - 1) * DAY - DAY // 4, victims.begin + 1)
    days = sorted(
        key
        for key, (_, last) in victims.spans.items()
        if key[0] not in taken and victims.begin <= last <= latest
    )
    days = days or sorted(victims.spans)
    number, day = days[int(rng.integers(len(days)))]
    first, last = victims.spans[number, day]
    if family == "hijacked":
        return number, max((first + last) // 2, victims.begin)
    if family == "dormant":
        number = _sleeper(victims, day, taken, number)
    return number, int(rng.integers(victims.begin, latest))


def _sleeper(victims: Victims, day: int, taken: set[int], fallback: int) -> int:
    """Of the readers not seen in the two weeks before the day, the one seen last."""
    newest: dict[int, int] = {}
    for number, seen in victims.spans:
        newest[number] = max(newest.get(number, 0), seen)
    asleep = [(seen, n) for n, seen in newest.items() if seen < day - 14 and n not in taken]
    return max(asleep)[1] if asleep else fallback


def _reader(rng: np.random.Generator, number: int, victims: Victims, geography: Geography) -> Reader:
    """As much of a reader as a theft looks at: where he lives, and journals to his taste."""
    home = AccessPoint(
        _home(victims.homes.get(number, ("", "")), geography, float(rng.random())), 0, 1, NEVER
    )
    platforms = [catalogue.readable(draw) for draw in rng.random(4).tolist()]
    draws = rng.random((_TASTES, 2)).tolist()
    tastes = [catalogue.article(platforms[int(a * len(platforms))], b, 0.5) for a, b in draws]
    return Reader(
        number=number,
        user=f"reader{number}",  # replaced by the account when the lines are read
        kind=KINDS[0],
        traits=frozenset(),
        rate=0.0,
        appetite=0.0,
        home=home,
        telephone=home,
        campus=home,
        vpn=(),
        campus_share=0.0,
        trips=(),
        agents=(),
        tastes=tuple((one.publisher, one.journal) for one in tastes),
        joined=0,
        sleep=(NEVER, NEVER),
        shift=0,
    )


def _home(place: tuple[str, str], geography: Geography, uniform: float) -> Block:
    """A household's network in the reader's city, else his country, else the library's."""
    country, city = place
    for blocks in (geography.town("isp", city), geography.of("isp", country or geography.home)):
        if blocks and (not country or blocks[0].city.country == country):
            return blocks.pick(uniform)
    return geography.of("isp", geography.home).pick(uniform)
