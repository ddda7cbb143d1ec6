"""``truth.json``: what really happened in a simulated world, for those who judge a detector."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable

import msgspec

from service.simulator.geography import CAMPUS
from service.simulator.readers import Reader
from service.simulator.requests import PROXY
from service.simulator.settings import SimulationSettings
from service.simulator.thefts import SimulatedTheft


class StolenAccount(msgspec.Struct, frozen=True):
    """One theft. Times are RFC 3339 UTC."""

    user: str
    family: str
    started_at: str  # the thief's first and last line
    ended_at: str
    documents: int  # distinct documents that left
    requests: int  # lines of the thief
    source_countries: tuple[str, ...]
    addresses: tuple[str, ...]  # the thief's; no reader ever has one of them
    document_times: tuple[str, ...]  # when each document was first got


class KnownReader(msgspec.Struct, frozen=True):
    """One account."""

    user: str
    type: str
    category: str
    traits: tuple[str, ...]


class Truth(msgspec.Struct, frozen=True):
    """The whole file."""

    seed: int
    accounts: int
    days: int
    timezone: str
    log_format: str
    start: str
    profile: str
    campus: tuple[str, ...]  # networks to configure as the site's own
    proxy_host: str
    accounts_by_type: dict[str, int]
    thefts: tuple[StolenAccount, ...]
    readers: tuple[KnownReader, ...]


def describe_truth(
    settings: SimulationSettings, readers: Iterable[Reader], thefts: Iterable[SimulatedTheft]
) -> Truth:
    """The truth of a history. Thefts of which nothing reached the log are left out."""
    known = tuple(
        KnownReader(one.user, one.kind.name, one.kind.group, tuple(sorted(_traits(one)))) for one in readers
    )
    return Truth(
        seed=settings.seed,
        accounts=settings.accounts,
        days=settings.days,
        timezone=settings.timezone,
        log_format=settings.log_format,
        start=settings.start,
        profile=settings.profile,
        campus=(CAMPUS,),
        proxy_host=PROXY,
        accounts_by_type=dict(sorted(Counter(one.type for one in known).items())),
        thefts=tuple(_stolen(theft) for theft in thefts if theft.requests),
        readers=known,
    )


def _traits(reader: Reader) -> set[str]:
    named = {"reviewer", "text-miner", "walk-in"} & {reader.kind.name}
    return set(reader.traits) | named


def _stolen(theft: SimulatedTheft) -> StolenAccount:
    visits = [request.visit for request in theft.requests]
    return StolenAccount(
        user=theft.user,
        family=theft.family,
        started_at=rfc3339(theft.requests[0].time),
        ended_at=rfc3339(theft.requests[-1].time),
        documents=len(theft.document_times),
        requests=len(theft.requests),
        source_countries=tuple(sorted({visit.country for visit in visits})),
        addresses=tuple(sorted({visit.address for visit in visits})),
        document_times=tuple(rfc3339(time) for time in theft.document_times),
    )


def rfc3339(time: int) -> str:
    """Seconds since 1970 UTC as RFC 3339."""
    return dt.datetime.fromtimestamp(time, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
