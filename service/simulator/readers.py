"""The people of a library: their type, how much they read, what, where from, and what is odd about them."""

from typing import NamedTuple

import numpy as np

from service.simulator import catalogue
from service.simulator.geography import READER_HOSTS, SUBNETS, Block, Geography
from service.simulator.requests import Visit
from service.simulator.settings import SimulationSettings
from service.simulator.streams import Purpose, mix, stream

NEVER = 1_000_000  # a day no world reaches
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0"
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
BROWSERS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Safari/605.1.15",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} Safari/537.36 Edg/138.0.0.0",
    f"Mozilla/5.0 (X11; Linux x86_64) {_BLINK} Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_BLINK} Safari/537.36",
)
TELEPHONES = (
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {_WEBKIT} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 10; K) {_BLINK} Mobile Safari/537.36",
)


class ReaderType(NamedTuple):
    """A user type."""

    name: str
    group: str  # as EZproxy's groups name it
    share: float  # of a university's accounts
    rate: float  # active days per day in term, mean
    appetite: float  # documents of an active day, median factor
    term: float  # how far the terms move it, 0 to 1
    weekend: float  # how far weekends quieten it, 0 to 1


KINDS = (
    ReaderType("student", "Default+Students", 0.655, 0.15, 0.9, 1.0, 0.7),
    ReaderType("staff", "Default+Staff", 0.10, 0.16, 1.1, 0.4, 1.2),
    ReaderType("researcher", "Default+Research", 0.11, 0.30, 1.9, 0.3, 0.9),
    ReaderType("reviewer", "Default+Research", 0.012, 0.35, 2.6, 0.2, 0.8),
    ReaderType("text-miner", "Default+Research", 0.0012, 0.6, 1.0, 0.0, 0.2),
    ReaderType("alumni", "Alumni", 0.05, 0.05, 1.0, 0.0, 0.3),
    ReaderType("nhs", "NHS", 0.045, 0.09, 1.1, 0.1, 1.0),
    ReaderType("walk-in", "WalkIn", 0.0044, 0.9, 0.6, 0.6, 1.4),
    ReaderType("public", "Public", 0.022, 0.05, 0.6, 0.1, 0.5),
)
# What a profile changes: share of each type (times), and of readers with a trait.
PROFILE_KINDS: dict[str, dict[str, float]] = {
    "college": {"researcher": 0.25, "reviewer": 0.2, "text-miner": 0, "nhs": 0.2, "walk-in": 3, "public": 2},
    "overseas": {"nhs": 0.2, "public": 0.3},
}
TRAITS = {
    "vpn": 0.04, "traveller": 0.05, "night": 0.04, "shared-lab": 0.05, "new": 0.05, "dormant": 0.05,
    "abroad": 0.025, "endnote": 0.03, "mobile": 0.25, "ipv6": 0.15, "always-on": 0.01,
}  # fmt: skip
PROFILE_TRAITS: dict[str, dict[str, float]] = {
    "college": {"shared-lab": 0.3, "abroad": 0.01, "endnote": 0.01},
    "overseas": {"abroad": 0.4, "traveller": 0.15},
    "vpn": {"vpn": 0.35},
}


class AccessPoint(NamedTuple):
    """Where a reader's addresses come from."""

    block: Block
    subnet: int
    host: int
    lease: int  # days an address is kept; 0 = another one of a dozen subnets each session
    six: int = 0  # IPv6 subscriber + 1; 0 = IPv4

    def address(self, day: int, number: int) -> str:
        """The address on the day; ``number`` tells sessions apart where there is no lease."""
        if self.six:
            return self.block.address6(self.six - 1, mix(41, self.six, self.host, day) | 1)
        if self.lease == 0:
            draw = mix(43, self.host, day, number)
            return self.block.address(self.subnet + draw % 12, 1 + (draw >> 20) % READER_HOSTS)
        draw = mix(47, self.subnet, self.host, day // self.lease)
        return self.block.address(self.subnet + draw % 2 * (self.lease < 20), 1 + (draw >> 20) % READER_HOSTS)


class Trip(NamedTuple):
    """Days abroad, ``last`` included."""

    first: int
    last: int
    haunt: AccessPoint


class Reader(NamedTuple):
    """One account."""

    number: int
    user: str
    kind: ReaderType
    traits: frozenset[str]
    rate: float
    appetite: float
    home: AccessPoint
    telephone: AccessPoint
    campus: AccessPoint
    vpn: tuple[AccessPoint, ...]
    campus_share: float
    trips: tuple[Trip, ...]
    agents: tuple[str, ...]
    tastes: tuple[tuple[int, int], ...]  # favourite journals: publisher, journal
    joined: int  # first day
    sleep: tuple[int, int]  # days of no use, end excluded
    shift: int  # hours its day is moved by

    def awake(self, day: int) -> bool:
        """Whether the account is in use at all on the day."""
        return day >= self.joined and not self.sleep[0] <= day < self.sleep[1]

    def visit(self, address: str, country: str, session: str, agent: str) -> Visit:
        """The reader in a session."""
        return Visit(self.user, address, session, agent, self.kind.group, country)


def populate(settings: SimulationSettings, geography: Geography) -> list[Reader]:
    """All readers of the world; reader n does not depend on how many there are."""
    kinds = _kind_weights(settings.profile)
    odds = {**TRAITS, **PROFILE_TRAITS.get(settings.profile, {})}
    return [_reader(settings.seed, number, geography, kinds, odds) for number in range(settings.accounts)]


def _kind_weights(profile: str) -> np.ndarray:
    changes = PROFILE_KINDS.get(profile, {})
    shares = np.array([kind.share * changes.get(kind.name, 1.0) for kind in KINDS])
    cumulative: np.ndarray = np.cumsum(shares / shares.sum())
    return cumulative


def _reader(seed: int, index: int, geography: Geography, kinds: np.ndarray, odds: dict[str, float]) -> Reader:
    rng = stream(seed, Purpose.PERSON, index)
    kind = KINDS[min(int(np.searchsorted(kinds, rng.random())), len(KINDS) - 1)]
    traits = frozenset(
        name for name, draw in zip(odds, rng.random(len(odds)), strict=True) if draw < odds[name]
    )
    if kind.name in ("walk-in", "text-miner"):
        traits &= {"new"}
    home = _home(rng, geography, "abroad" in traits, "ipv6" in traits)
    spread = 0.3 if kind.name in ("walk-in", "text-miner") else 1.1
    joined, sleep = _life(rng, traits)
    return Reader(
        number=index,
        user=_name(seed, index, kind),
        kind=kind,
        traits=traits,
        rate=kind.rate * float(rng.gamma(0.8 / spread, spread / 0.8)),
        appetite=kind.appetite * float(rng.lognormal(-0.2, 0.6)),
        home=home,
        telephone=AccessPoint(
            geography.of("mobile", home.block.city.country).pick(rng.random()), index % 5 * 12, index, 0
        ),
        campus=_campus(rng, geography, index, kind, traits),
        vpn=_vpn(rng, geography, index) if "vpn" in traits else (),
        campus_share=1.0
        if kind.name == "walk-in"
        else 0.0
        if "abroad" in traits
        else float(rng.beta(0.8, 2.5)),
        trips=_trips(rng, geography, index, traits),
        agents=_agents(rng, kind, traits),
        tastes=_tastes(rng),
        joined=joined,
        sleep=sleep,
        shift=_shift(rng, traits, home),
    )


def _name(seed: int, index: int, kind: ReaderType) -> str:
    """Invented: two letters and five digits, unique by the index; walk-in accounts are terminals'."""
    if kind.name == "walk-in":
        return f"walkin{index:05d}"
    letters = mix(53, seed, index)
    code = chr(97 + letters % 26) + chr(97 + (letters >> 8) % 26)
    return f"{code}{index:05d}" + ("@nhs.example.org" if kind.name == "nhs" else "")


def _home(rng: np.random.Generator, geography: Geography, abroad: bool, six: bool) -> AccessPoint:
    near, pick = rng.random(2).tolist()  # most live near the university
    blocks = geography.abroad("isp") if abroad else geography.of("isp", geography.home)
    if near < 0.6 and not abroad:
        blocks = geography.town("isp", geography.campus_city.name)
    block = blocks.pick(pick)
    subscriber = 1 + int(rng.integers(256)) if six and block.six else 0
    subnet, host = int(rng.integers(SUBNETS)), int(rng.integers(1, 1 << 30))
    return AccessPoint(
        block, subnet, host, int(rng.choice((1, 7, 30, 400), p=(0.1, 0.2, 0.3, 0.4))), subscriber
    )


def _campus(
    rng: np.random.Generator, geography: Geography, index: int, kind: ReaderType, traits: frozenset[str]
) -> AccessPoint:
    """One address for each shared laboratory; an office machine; or the wireless network."""
    if kind.name == "walk-in" or "shared-lab" in traits:
        return AccessPoint(geography.campus, 1, int(rng.integers(6)), NEVER)
    if kind.name in ("student", "alumni", "public"):
        return AccessPoint(geography.campus, 100, index, 0)
    return AccessPoint(geography.campus, 10 + int(rng.integers(60)), index + 100, 400)


def _vpn(rng: np.random.Generator, geography: Geography, index: int) -> tuple[AccessPoint, ...]:
    """Exits of one provider: a favourite first."""
    exits = geography.of("vpn")
    owner = exits[int(rng.integers(len(exits)))].owner
    mine = [block for block in exits if block.owner == owner]
    order = rng.permutation(len(mine))[:4].tolist()
    return tuple(AccessPoint(mine[number], int(rng.integers(6)), index % 12, 1) for number in order)


def _trips(
    rng: np.random.Generator, geography: Geography, index: int, traits: frozenset[str]
) -> tuple[Trip, ...]:
    """Conferences and visits home, the first 24 of them."""
    gaps = rng.exponential(22.0 if "traveller" in traits else 260.0, 24).tolist()
    trips, day = [], 0.0
    for gap, (stay, kind, pick, subnet) in zip(gaps, rng.random((24, 4)).tolist(), strict=True):
        first = int(day + gap)
        last = first + 2 + int(stay * 9)
        block = geography.abroad(("isp", "isp", "education")[int(kind * 3)]).pick(pick)
        trips.append(
            Trip(first, last, AccessPoint(block, int(subnet * SUBNETS), index, 1 + int(stay * 30) % 3))
        )
        day = last + 1.0
    return tuple(trips)


def _agents(rng: np.random.Generator, kind: ReaderType, traits: frozenset[str]) -> tuple[str, ...]:
    if kind.name == "text-miner":
        return ("python-requests/2.32.3",)
    own = [BROWSERS[int(rng.integers(len(BROWSERS)))] for _ in range(1 + (rng.random() < 0.3))]
    return (*own, TELEPHONES[int(rng.integers(2))]) if "mobile" in traits else tuple(own)


def _tastes(rng: np.random.Generator) -> tuple[tuple[int, int], ...]:
    """A dozen journals on a few platforms, the favourite first."""
    platforms = [catalogue.readable(draw) for draw in rng.random(int(rng.integers(3, 8))).tolist()]
    draws = rng.random((12, 2)).tolist()
    found = [catalogue.article(platforms[int(a * len(platforms))], b, 0.5) for a, b in draws]
    return tuple((one.publisher, one.journal) for one in found)


def _life(rng: np.random.Generator, traits: frozenset[str]) -> tuple[int, tuple[int, int]]:
    """First day, and the days of sleep: half of the dormant come back by themselves."""
    joined = int(rng.integers(1, 60)) if "new" in traits else 0
    asleep = int(rng.integers(3, 25))
    length = int(rng.integers(25, 45)) if rng.random() < 0.5 else NEVER
    return joined, (joined + asleep, joined + asleep + length) if "dormant" in traits else (NEVER, NEVER)


def _shift(rng: np.random.Generator, traits: frozenset[str], home: AccessPoint) -> int:
    """Night workers read half a day later; people abroad by their own sun, 15 degrees an hour."""
    if "night" in traits:
        return int(rng.integers(7, 12))
    return -round(home.block.city.longitude / 15) if "abroad" in traits else 0
