"""Thefts of our own making, to learn from: families with dials drawn at random, as kernel rows.

Numbers only, no URLs and no lines: a sitting is a run of documents from one place, a theft a list of
sittings. These are not the thieves of ``service.simulator``, by which detection is judged: same names of
families, other code and other dials, so that an evaluation does not ask for what was taught word by word.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.kernel.input_rows import EVENT, PAGE, READING, WHAT

HOUR, DAY = 3600.0, 86_400.0
MOST_DOCUMENTS = 250  # of one sitting


class SessionPlan(NamedTuple):
    """A run of documents from one place."""

    start: float  # s after the theft's midnight
    where: int  # 0 and up: a place of the thief's; OWN: where the owner reads
    documents: int
    gap: float  # median s between documents
    spread: float  # of ln(gap): 0.1 is a machine, 1 a person
    pages: float  # looked at for each document
    refused: float = 0.03  # share of fetches answered with an error
    platforms: int = 3  # so many are used
    own: bool = False  # those of the account
    ordered: bool = False  # one journal, document after document
    session: int = -1  # number of a session that goes on; -1 a new one


OWN = -1


class Draws:
    """Draws of one theft."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def about(self, low: float, high: float) -> float:
        """Uniform in the logarithm."""
        return math.exp(self.rng.uniform(math.log(low), math.log(high)))

    def upto(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def often(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)

    def begin(self) -> float:
        """Any time of the day."""
        return self.between(0, DAY)

    def pages(self) -> float:
        """None for a script, one or two for a person."""
        return 0.0 if self.often(0.5) else self.between(0.3, 2.0)


def burst(draws: Draws) -> Iterator[SessionPlan]:
    """A script, at full speed."""
    start, gap, spread, pages = draws.begin(), draws.about(1, 14), draws.about(0.05, 1), draws.pages()
    for _ in range(draws.upto(1, 4)):
        yield SessionPlan(
            start, 0, round(draws.about(30, 250)), gap, spread, pages, platforms=draws.upto(1, 4)
        )
        start += draws.about(1800, 6 * HOUR)


def drip(draws: Draws) -> Iterator[SessionPlan]:
    """A few an hour, day and night."""
    an_hour, spread, pages = draws.about(3, 30), draws.between(0.1, 1.2), draws.pages()
    for day in range(draws.upto(1, 6)):
        count = round(an_hour * draws.between(4, 20))
        yield SessionPlan(day * DAY + draws.between(0, 6) * HOUR, 0, count, HOUR / an_hour, spread, pages)


def shared(draws: Draws) -> Iterator[SessionPlan]:
    """Sold to several people, each a little."""
    for buyer in range(draws.upto(3, 12)):
        for _ in range(draws.upto(1, 3)):
            start = draws.between(0, draws.between(0.5, 3.5)) * DAY
            yield SessionPlan(
                start, buyer, round(draws.about(2, 25)), draws.about(15, 200), 1.0, 1.0, platforms=4
            )


def testing(draws: Draws) -> Iterator[SessionPlan]:
    """What does the account open? Platform after platform, hardly a document."""
    start, refused = draws.begin(), draws.between(0.1, 0.6)
    for turn in range(draws.upto(1, 3)):
        for _ in range(draws.upto(8, 30)):
            found, pages = int(draws.often(0.3)), draws.between(1, 5)
            yield SessionPlan(start, turn, found, 20, 0.5, pages, refused, platforms=-1, session=turn)
            start += draws.about(5, 120)
        start += draws.about(600, 8 * HOUR)


def residential(draws: Draws) -> Iterator[SessionPlan]:
    """A new household every few documents."""
    start, gap, platforms = draws.begin(), draws.about(8, 240), draws.upto(1, 5)
    for place in range(draws.upto(8, 50)):
        count = draws.upto(1, 8)
        yield SessionPlan(start, place, count, gap, 0.8, draws.pages(), platforms=platforms)
        start += count * gap * 1.5


def hijacked(draws: Draws) -> Iterator[SessionPlan]:
    """The owner reads; then somebody else goes on with the same session."""
    start = draws.between(7, 21) * HOUR
    yield SessionPlan(start, OWN, draws.upto(1, 4), 120, 1.0, 2.0, own=True, session=0)
    start += draws.about(60, 1800)
    count, gap, spread = round(draws.about(20, 250)), draws.about(3, 90), draws.between(0.1, 1)
    yield SessionPlan(start, 0, count, gap, spread, draws.pages(), session=0)


def dormant(draws: Draws) -> Iterator[SessionPlan]:
    """Weeks of silence (see ``SILENT_DAYS``), then a harvest."""
    start, gap, spread, pages = draws.begin(), draws.about(5, 240), draws.between(0.1, 1.1), draws.pages()
    for _ in range(draws.upto(1, 3)):
        count = round(draws.about(15, 160))
        yield SessionPlan(start, 0, count, gap, spread, pages)
        start += count * gap * 1.3 + draws.about(300, 3 * HOUR)


def ramp(draws: Draws) -> Iterator[SessionPlan]:
    """More every day, beginning with next to nothing."""
    amount, growth, hour, gap = (
        draws.between(2, 12),
        draws.between(1.05, 1.25),
        draws.begin(),
        draws.about(15, 240),
    )
    moves = draws.often(0.5)
    for day in range(draws.upto(8, 22)):
        start = day * DAY + (hour + draws.between(-3, 3) * HOUR) % DAY
        yield SessionPlan(
            start, day if moves else 0, max(1, round(amount)), gap, 0.9, draws.between(0.5, 1.5)
        )
        amount *= growth


def sweep(draws: Draws) -> Iterator[SessionPlan]:
    """A journal from end to end."""
    start, gap, spread, pages = draws.begin(), draws.about(1.5, 45), draws.about(0.05, 0.9), draws.pages()
    for _ in range(draws.upto(1, 3)):
        count = round(draws.about(30, 250))
        yield SessionPlan(start, 0, count, gap, spread, pages, platforms=1, ordered=True)
        start += count * gap * 1.2 + draws.about(60, HOUR)


def scihub(draws: Draws) -> Iterator[SessionPlan]:
    """What others ask for: any publisher, one after the other."""
    gap, pages = draws.about(15, 320), draws.pages()
    yield SessionPlan(
        draws.begin(), 0, round(draws.about(40, 250)), gap, draws.between(0.7, 1.2), pages, platforms=-1
    )


def mimic(draws: Draws) -> Iterator[SessionPlan]:
    """Near the owner, on the owner's platforms, a little every day."""
    hour = draws.between(8, 22) * HOUR
    for day in range(draws.upto(3, 10)):
        start = day * DAY + (hour + draws.between(-2, 2) * HOUR) % DAY
        yield SessionPlan(start, 0, draws.upto(4, 22), draws.about(40, 200), 1.0, 1.0, own=True)


FAMILIES: dict[str, Callable[[Draws], Iterator[SessionPlan]]] = {
    "burst": burst, "drip": drip, "shared": shared, "testing": testing, "residential": residential,
    "hijacked": hijacked, "dormant": dormant, "ramp": ramp, "sweep": sweep, "scihub": scihub, "mimic": mimic,
}  # fmt: skip
NEAR = frozenset({"mimic"})  # from the owner's city
DOMESTIC = frozenset({"residential", "mimic"})  # never from a hosting network
SILENT_DAYS = {"dormant": (30, 120)}  # before the theft


class TheftRows(NamedTuple):
    """Kernel rows of one theft, in time order; ``times`` are s after the theft's midnight."""

    events: NDArray[np.void]  # EVENT; time and local still 0, `where` as in the sittings
    whats: NDArray[np.void]  # WHAT
    times: NDArray[np.float64]


def render(
    plans: Sequence[SessionPlan],
    draws: Draws,
    own: NDArray[np.uint32],
    known: NDArray[np.uint32],
    p_platform: Callable[[int], float],
) -> TheftRows:
    """The rows of all sittings; ``own`` and ``known`` are platforms of the account and of the site."""
    sessions = draws.rng.integers(1, 2**32, len(plans) + 64, dtype=np.uint32)
    drawn = [_drawn(plan, draws, own, known) for plan in plans]
    times, platforms, failed, spread, fetched, documents, journals, sequences = (
        np.concatenate(column) for column in zip(*drawn, strict=True)
    )
    which = np.repeat(np.arange(len(plans)), [len(one.times) for one in drawn])
    reading = fetched & np.array([s.documents > 0 for s in plans])[which]
    whats, events = np.zeros(len(times), WHAT), np.zeros(len(times), EVENT)
    whats["kind"] = np.where(reading, READING, PAGE)
    whats["platform"], whats["sequence"] = platforms, -1
    whats["document"][fetched], whats["journal"][fetched] = documents, journals
    whats["sequence"][fetched] = sequences
    shares = {key: p_platform(key) for key in set(platforms.tolist())}
    whats["p_platform"] = [shares[key] for key in platforms.tolist()]
    events["what"] = np.arange(len(events))
    events["where"] = np.array([s.where for s in plans])[which]
    of = [n + 64 if s.session < 0 else s.session for n, s in enumerate(plans)]
    events["session"] = sessions[of][which]
    events["mb"] = np.where(reading, np.exp(0.9 * spread), 0.05)
    events["error"], events["document"] = failed, reading & ~failed
    order = np.argsort(times, kind="stable")
    return TheftRows(events[order], whats, times[order])


class _DrawnSession(NamedTuple):
    """What was drawn for the n documents of a sitting, or its n pages, and the m pages looked at beside them.

    Not yet in time order; each row has a resource of its own.
    """

    times: NDArray[np.float64]  # (n + m,) s after the theft's midnight
    platforms: NDArray[np.uint32]  # (n + m,)
    failed: NDArray[np.bool_]  # (n + m,)
    spread: NDArray[np.float64]  # (n + m,), of ln(size)
    fetched: NDArray[np.bool_]  # (n + m,): the first n
    documents: NDArray[np.int64]  # (n,)
    journals: NDArray[np.uint32]  # (n,)
    sequences: NDArray[np.int64]  # (n,)


def _drawn(
    plan: SessionPlan, draws: Draws, own: NDArray[np.uint32], known: NDArray[np.uint32]
) -> _DrawnSession:
    rng, n = draws.rng, min(max(1, plan.documents), MOST_DOCUMENTS)
    at = plan.start + np.cumsum(plan.gap * np.exp(plan.spread * rng.standard_normal(n)))
    of = _platforms(plan, draws, own, known)[rng.integers(0, 1 << 30, n) % max(1, plan.platforms)
                                               if plan.platforms > 0 else np.arange(n)]  # fmt: skip
    looks = np.arange(n).repeat(rng.poisson(plan.pages, n))
    rows = n + len(looks)
    documents = rng.integers(1, 2**63, n)
    journals = rng.integers(1, 2**32, 40, dtype=np.uint32)
    return _DrawnSession(
        documents=documents,
        journals=journals[np.zeros(n, np.intp) if plan.ordered else rng.integers(0, 40, n)],
        sequences=np.arange(n) + 1000 if plan.ordered else rng.integers(0, 4000, n),
        failed=rng.random(rows) < plan.refused,
        spread=rng.standard_normal(rows),
        platforms=np.concatenate([of, of[looks]]),
        fetched=np.arange(rows) < n,
        times=np.concatenate([at, at[looks] - rng.uniform(1, 15, len(looks))]),
    )


def _platforms(
    plan: SessionPlan, draws: Draws, own: NDArray[np.uint32], known: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Keys to choose from: the account's, those of the site, now and then one nobody uses."""
    count = plan.platforms if plan.platforms > 0 else max(1, plan.documents)
    if plan.own and len(own):
        return own[draws.rng.integers(0, len(own), count)]
    drawn = draws.rng.integers(1, 2**32, count, dtype=np.uint32)
    for i, (mine, site) in enumerate(draws.rng.random((count, 2)).tolist()):
        if mine < 0.25 and len(own):
            drawn[i] = own[int(site * len(own))]
        elif mine < 0.95 and len(known):
            drawn[i] = known[int(site * site * len(known))]
    return drawn
