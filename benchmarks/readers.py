"""Readers for the benches: settled accounts, and their sessions among one another's events.

An account's 25 or so events come within about 30 minutes; meanwhile others read. At a site of n
accounts about n/200 are at it at the same moment (a tenth of them on a day of ten hours).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.kernel.account_record import ACCOUNT, BIN_UNIT, DAY_UNIT
from service.kernel.encoder import key32
from service.kernel.measures import OWN, M
from service.pipeline.account_table import HEADER
from service.records.events import AccessEvent, EventKind, Location, NetworkKind, Resource

DAY = 86_400
TODAY = 20_371
START = TODAY * DAY
SESSION_EVENTS = 25
GAP = 72.0  # s between events of a session, on average
PLATFORMS = tuple(f"publisher{i:02d}" for i in range(24))
HOME = Location("GB", "Exeter", 50.72, -3.53, "Example Broadband", NetworkKind.ISP)
FAR = Location("JP", "Osaka", 34.69, 135.5, "Example Hosting", NetworkKind.HOSTING)
KNOWN_DAYS = 20 * DAY_UNIT
DIGITS = "0123456789abcdefghijklmnopqrstuv"
PAGES = tuple(Resource(p, EventKind.PAGE) for p in PLATFORMS)
ASSETS = tuple(Resource(p, EventKind.ASSET) for p in PLATFORMS)


@dataclass(frozen=True, slots=True)
class Mix:
    """How the events are made."""

    accounts: int
    events: int
    thefts: float = 0.0  # share of sessions
    seed: int = 1


def name(account: int) -> str:
    return f"u{account:011d}"


def settled(accounts: int, chunk: int = 10_000) -> Iterator[tuple[str, bytes]]:
    """Packed states of readers who have been there for weeks: own home, own platforms, own pace."""
    for start in range(0, accounts, chunk):
        numbers = range(start, min(start + chunk, accounts))
        states = _settled(numbers)
        for i, number in enumerate(numbers):
            yield name(number), HEADER + states[i].tobytes()


def _settled(numbers: range) -> NDArray[np.void]:
    made = np.zeros(len(numbers), ACCOUNT)
    made["first_time"], made["last_time"] = START - 30 * DAY, START - DAY
    made["events"], made["documents"] = 500, 120
    made["active_last"], made["rank"] = TODAY - 1, 1
    made["active_days"] = made["history"] = 20.0
    made["hour_days"] = KNOWN_DAYS // 2
    made["spread"] = 0.2
    for base, _ in OWN:
        made["usual"][:, base] = int(24 * np.log1p(4) * BIN_UNIT)
    made["usual"][:, M.DOCS_7D] = int(24 * np.log1p(20) * BIN_UNIT)
    first = TODAY - 40
    for table, key in (("owners", HOME.owner), ("cities", f"{HOME.city}, {HOME.country}"),
                       ("countries", HOME.country)):  # fmt: skip
        made[table][:, 0] = (key32(key), START - DAY, KNOWN_DAYS, first)
    homes = np.fromiter((key32(f"home{n}") for n in numbers), np.uint32, len(numbers))
    made["networks"]["key"][:, 0] = homes
    made["networks"]["days"][:, 0] = KNOWN_DAYS
    made["networks"]["last"][:, 0] = START - DAY
    for j in range(3):
        keys = np.array([key32(PLATFORMS[(n + j) % len(PLATFORMS)]) for n in numbers[: len(PLATFORMS)]])
        made["platforms"]["key"][:, j] = np.resize(keys, len(numbers))
        made["platforms"]["days"][:, j] = KNOWN_DAYS
        made["platforms"]["last"][:, j] = START - DAY
    return made


def events(mix: Mix) -> list[AccessEvent]:
    """The sessions of a mix in the order of a log."""
    rng = np.random.default_rng(mix.seed)
    sessions = mix.events // SESSION_EVENTS
    at_once = max(4.0, mix.accounts / 200)
    order = np.concatenate([rng.permutation(mix.accounts) for _ in range(sessions // mix.accounts + 1)])
    accounts = order[:sessions]
    starts = START + 60 + np.arange(sessions) * SESSION_EVENTS * GAP / at_once
    stolen = rng.random(sessions) < mix.thefts
    gaps = rng.exponential(GAP, (sessions, SESSION_EVENTS)) * np.where(stolen, 0.2, 1.0)[:, None]
    when = (starts[:, None] + np.cumsum(gaps, axis=1)).astype(np.int64).ravel()
    draws = rng.random(len(when))
    by_time = np.argsort(when, kind="stable")
    return [
        _event(int(when[i]), int(accounts[i // SESSION_EVENTS]), int(i), float(draws[i]),
               bool(stolen[i // SESSION_EVENTS]))
        for i in by_time.tolist()
    ]  # fmt: skip


def _event(time: int, account: int, number: int, draw: float, stolen: bool) -> AccessEvent:
    platform = (account + (7 if stolen else number // 5 % 3)) % len(PLATFORMS)
    network = f"hosting{account % 50}" if stolen else f"home{account}"
    return AccessEvent(
        time=time,
        offset=0,
        account=name(account),
        session=f"s{number // SESSION_EVENTS}",
        address=f"{network}.1",
        network=network,
        place=FAR if stolen else HOME,
        method="GET",
        status=404 if draw > 0.97 else 200,
        size=int(draw * 1_000_000),
        resource=_resource(platform, number, 1.0 if stolen else draw),
    )


def _resource(platform: int, number: int, draw: float) -> Resource:
    if draw < 0.5:
        return PAGES[platform]
    if draw < 0.8:
        return ASSETS[platform]
    token = "".join(DIGITS[(number + 1) >> shift & 31] for shift in range(55, -1, -5))
    return Resource(
        PLATFORMS[platform], EventKind.PDF, token, f"{platform:06d}{number % 40:06d}", number % 300
    )
