"""Small worlds for the tests of the stream: events made by hand, and a seeded library of a few days."""

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.kernel.account_record import ACCOUNT
from service.kernel.encoder import EventEncoder
from service.kernel.features import absorb
from service.kernel.measures import GROUP_OF, G, K, M
from service.learning.site_model import SiteModel
from service.pipeline.account_table import HEADER
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.policy.model import Policy
from service.records.checkpoints import Changes, Trace
from service.records.events import AccessEvent, Alert, EventKind, Location, NetworkKind, Resource

DAY = 86_400
TODAY = 20_371  # 10 October 2025
NOON = TODAY * DAY + 12 * 3600
POLICY = load_policy()

HOME = Location("GB", "Exeter", 50.72, -3.53, "Example Broadband", NetworkKind.ISP)
CAMPUS = Location("GB", "Exeter", 50.72, -3.53, "Example University", NetworkKind.CAMPUS)
FAR = Location("JP", "Osaka", 34.69, 135.5, "Example Hosting", NetworkKind.HOSTING)
NOWHERE = Location()

DIGITS = "0123456789abcdefghijklmnopqrstuv"


def token(n: int) -> str:
    """The n-th document token: 12 digits of base32hex."""
    return "".join(DIGITS[(n + 1) >> shift & 31] for shift in range(55, -1, -5))


def event(
    time: int = NOON,
    account: str = "reader",
    *,
    document: int | None = 0,
    kind: EventKind = EventKind.PDF,
    platform: str = "sciencedirect",
    journal: str = "",
    sequence: int = -1,
    method: str = "GET",
    status: int = 200,
    size: int = 800_000,
    session: str = "s1",
    network: str = "n1",
    place: Location = HOME,
    offset: int = 0,
) -> AccessEvent:
    """One accepted line: by default a reader at home takes one PDF at noon."""
    return AccessEvent(
        time=time,
        offset=offset,
        account=account,
        session=session,
        address=f"{network}.1" if network else "",
        network=network,
        place=place,
        method=method,
        status=status,
        size=size,
        resource=Resource(platform, kind, "" if document is None else token(document), journal, sequence),
    )


def page(time: int = NOON, account: str = "reader", platform: str = "sciencedirect") -> AccessEvent:
    """A page that is not reading."""
    return event(time, account, document=None, kind=EventKind.PAGE, platform=platform, size=20_000)


def shifted(event_: AccessEvent, **changes: object) -> AccessEvent:
    """The event with some fields changed."""
    changed: AccessEvent = msgspec.structs.replace(event_, **changes)
    return changed


@dataclass
class Walk:
    """What the kernel said of a list of events: measures, groups and evidence after each of them."""

    states: NDArray[np.void]
    flags: NDArray[np.uint8]
    evidence: NDArray[np.float32]
    measured: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    groups: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def state(self) -> np.void:
        """The state of the first account."""
        state: np.void = self.states[0]
        return state

    def last(self, measure: M) -> float:
        """The measure after the newest event that was measured."""
        return float(self.measured[max(self.measured)][measure])


def walk(events: Sequence[AccessEvent], states: NDArray[np.void] | None = None) -> Walk:
    """Run the kernel alone over events with an account, every one of them asked about."""
    names = list(dict.fromkeys(e.account for e in events))
    site = SiteModel(POLICY)
    columns = EventEncoder(site.prevalence)
    rows = columns.rows(events, [names.index(e.account) for e in events])
    out = Walk(
        np.zeros(len(names), ACCOUNT) if states is None else states,
        np.zeros(len(events), np.uint8),
        np.zeros(len(events), np.float32),
    )
    n = len(events) + 1
    asked, measures, groups = np.zeros(n, np.int32), np.zeros((n, K)), np.zeros((n, G))
    _, count = absorb(
        out.states, rows, 0, columns.wheres, columns.whats,
        site.table, np.array(GROUP_OF), site.mean, site.var, 0.0, 0.0, 0.0,
        out.flags, out.evidence, asked, np.zeros(n, ACCOUNT), measures, groups,
    )  # fmt: skip
    for row in range(count):
        out.measured[int(asked[row])] = measures[row]
        out.groups[int(asked[row])] = groups[row]
    return out


def run(events: Sequence[AccessEvent], cuts: Iterable[int] = (), policy: Policy = POLICY) -> Changes:
    """The whole stream through one pipeline, cut into calls at ``cuts``, drained once."""
    pipeline = Pipeline(policy)
    edges = [0, *sorted(cuts), len(events)]
    for start, stop in itertools.pairwise(edges):
        pipeline.absorb(events[start:stop])
    return pipeline.drain()


@dataclass
class Kept:
    """What a store would hold after some checkpoints."""

    accounts: dict[str, bytes] = field(default_factory=dict)
    shared: dict[str, bytes] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    traces: list[Trace] = field(default_factory=list)

    def take(self, changes: Changes) -> None:
        for account in changes.gone:
            self.accounts.pop(account, None)
        self.accounts.update(changes.accounts)
        self.shared.update(changes.shared)
        self.alerts.update({a.alert_id: a for a in changes.alerts})
        self.traces.extend(changes.traces)

    def pipeline(self, policy: Policy = POLICY) -> Pipeline:
        """A new process that starts again from here."""
        pipeline = Pipeline(policy)
        pipeline.restore(self.accounts.items(), self.shared)
        return pipeline


def kept(events: Sequence[AccessEvent], stops: Iterable[int] = (), policy: Policy = POLICY) -> Kept:
    """The stream with a stop, a checkpoint and a new process at each of ``stops``."""
    store = Kept()
    edges = [0, *sorted(stops), len(events)]
    for start, stop in itertools.pairwise(edges):
        pipeline = store.pipeline(policy)
        pipeline.absorb(events[start:stop])
        store.take(pipeline.drain())
    return store


def states_of(accounts: Iterable[tuple[str, bytes]]) -> dict[str, np.void]:
    """Packed records -> states by account."""
    end = len(HEADER) + ACCOUNT.itemsize
    return {name: np.frombuffer(blob[len(HEADER) : end], ACCOUNT)[0] for name, blob in accounts}


def ordinary_day(account: str, day: int, seed: int, documents: int = 4) -> list[AccessEvent]:
    """One reader's day: a session at home or on campus, a page and some documents on two platforms."""
    rng = random.Random(f"{account}/{day}/{seed}")
    at = (TODAY + day) * DAY + rng.randint(8 * 3600, 20 * 3600)
    place, network = rng.choice([(HOME, f"{account}-home"), (CAMPUS, "campus")])
    out = []
    for _ in range(rng.randint(1, documents)):
        platform = rng.choice(["sciencedirect", "jstor"])
        session = f"{account}-{day}"
        journal = f"j{rng.randint(1, 9)}"
        for made in (page(at, account, platform), event(at + 20, account, platform=platform)):
            resource = msgspec.structs.replace(made.resource, journal=journal)
            if resource.document:
                resource = msgspec.structs.replace(resource, document=token(rng.randint(0, 400)))
            out.append(
                shifted(
                    made,
                    session=session,
                    network=network,
                    address=network + ".7",
                    place=place,
                    resource=resource,
                )
            )
        at += rng.randint(30, 900)
    return out


def theft(account: str, day: int, documents: int = 60) -> list[AccessEvent]:
    """A thief's quarter of an hour: many documents of an unknown platform to a hosting network."""
    start = (TODAY + day) * DAY + 3 * 3600
    return [
        event(
            start + 14 * i,
            account,
            document=1000 * day + i + 500,
            platform="unknown.example.org",
            session="stolen",
            network="hosting",
            place=FAR,
            journal="ja",
            sequence=i,
        )
        for i in range(documents)
    ]


def library(days: int = 6, readers: int = 40, seed: int = 1) -> list[AccessEvent]:
    """A small library in time order, one theft a day from the third day on, some lines without a person."""
    out = []
    for day in range(days):
        for r in range(readers):
            if random.Random(f"{r}/{day}/{seed}").random() < 0.6:
                out += ordinary_day(f"reader{r:02d}", day, seed)
        if day >= 2:
            out += theft(f"reader{day:02d}", day)
        out.append(event((TODAY + day) * DAY + 9 * 3600, ""))
    return sorted(out, key=lambda e: e.time)
