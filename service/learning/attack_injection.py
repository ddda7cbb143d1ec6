"""Shadows: live accounts, copied, of which a thief takes hold. What is seen of him teaches what theft is.

At the close of a day some accounts are drawn by hash over the whole site. Each one's state is copied, closed
as the night will close the real one, and walked on by the same kernel and the same tables through a theft
that begins the next morning. The copy is thrown away: no state, table, count or metric ever knows of it.
All is drawn from the account and the day, so it is the same whoever works it out.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.attacks import families as thieves
from service.attacks.families import OWN, Draws, TheftRows
from service.kernel.encoder import key32
from service.kernel.features import absorb
from service.kernel.input_rows import WHERE
from service.kernel.measures import GROUP_OF
from service.kernel.moments import KernelOutput, as_examples
from service.kernel.training_rows import Examples, mixed
from service.learning.account_update import close_accounts
from service.learning.day_summary import InjectedAttacks
from service.policy.model import Policy
from service.simulator.cities import CITIES

MARGIN = 2  # times as many as are wanted get through before the lowest are taken
NEVER_SEEN = 0.85  # of a thief's networks; the rest belong to an owner the site knows
_GROUP_OF = np.array(GROUP_OF)


class SiteKnowledge(Protocol):
    """What a shadow needs of the site."""

    table: NDArray[np.float32]
    mean: NDArray[np.float64]
    var: NDArray[np.float64]
    guards: NDArray[np.float64]

    def prevalence(self, table: str, key: int) -> float: ...

    def common(self, table: str) -> NDArray[np.uint32]: ...


def lowest(ids: NDArray[np.uint64], day: int, count: int, known: int) -> NDArray[np.intp]:
    """Indexes of the accounts to be shadowed on ``day``: those with the ``count`` lowest hashes.

    ``known`` is how many accounts the whole site had the day before. By it a share of the site spares itself
    the hashes that are too high to be among the lowest of all. On the first day nobody is shadowed.
    """
    if not known:
        return np.zeros(0, np.intp)
    keys = mixed(ids, day)
    low = np.arange(len(ids))
    if known > MARGIN * count:
        low = np.flatnonzero(keys < np.uint64(2**64 * MARGIN * count // known))
    return low[np.argsort(keys[low], kind="stable")[:count]]


def inject_attacks(
    day: int,
    offset: int,
    states: NDArray[np.void],
    ids: NDArray[np.uint64],
    site: SiteKnowledge,
    policy: Policy,
) -> InjectedAttacks:
    """What is seen of the thieves of the shadows of ``states`` (n,) on the morrow of ``day``."""
    known = site.common("platforms"), site.common("owners")
    keys = mixed(ids, day)
    labelled = [
        _inject(day, offset, states[i : i + 1].copy(), key, site, policy, known)
        for i, key in enumerate(keys.tolist())
    ]
    return InjectedAttacks(np.sort(keys).astype("<u8").tobytes(), Examples.concatenated(labelled))


def merge_injected(parts: Sequence[InjectedAttacks], count: int) -> InjectedAttacks:
    """Those with the ``count`` lowest keys, of disjoint shares: as if all had been drawn at once."""
    keys = np.sort(np.concatenate([np.frombuffer(p.drawn, "<u8") for p in parts]))[:count]
    kept = Examples.concatenated([p.thefts for p in parts]).among(keys)
    return InjectedAttacks(keys.astype("<u8").tobytes(), kept)


def _inject(
    day: int,
    offset: int,
    state: NDArray[np.void],
    key: int,
    site: SiteKnowledge,
    policy: Policy,
    known: tuple[NDArray[np.uint32], NDArray[np.uint32]],
) -> Examples:
    """One shadow's gated moments, the first ones of the theft."""
    draws = Draws(np.random.Generator(np.random.PCG64([key, 1])))
    families = policy.training.families
    family = families[draws.rng.integers(len(families))]
    if state["day_events"][0]:
        _close(state, day, offset, site)
    midnight = (day + 1) * 86_400
    if family in thieves.SILENT_DAYS:
        midnight += 86_400 * draws.upto(*thieves.SILENT_DAYS[family])
    plans = list(thieves.FAMILIES[family](draws))
    own = state["platforms"][0]["key"][state["platforms"][0]["days"] > 0]
    theft = thieves.render(plans, draws, own, known[0], lambda k: site.prevalence("platforms", k))
    wheres = _places(plans, draws, family, state[0], known[1], site)
    seen = _walk(state, theft, wheres, midnight, offset, site, policy)
    return as_examples(key, seen, list(thieves.FAMILIES).index(family))


def _walk(
    state: NDArray[np.void],
    theft: TheftRows,
    wheres: NDArray[np.void],
    midnight: int,
    offset: int,
    site: SiteKnowledge,
    policy: Policy,
) -> list[tuple[int, list[float]]]:
    """(rank, measures (K,)) of the thief's first gated moments."""
    events, seen = theft.events, list[tuple[int, list[float]]]()
    events["local"] = midnight + np.maximum(theft.times, 0.0).astype(np.int64)
    events["time"] = events["local"] - offset
    thief = events["where"] != OWN
    events["where"] += 1
    budget, training = policy.budget, policy.training
    days = events["local"] // 86_400
    begins = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist()]
    out = KernelOutput.of(len(events))
    for begin, end in zip(begins, [*begins[1:], len(events)], strict=True):
        rows, his, at = events[begin:end], thief[begin:end], 0
        while at < len(rows):
            at, count = absorb(
                state, rows, at, wheres, theft.whats, site.table, _GROUP_OF, site.mean, site.var,
                budget.gate, budget.gate_moved, budget.gate_minutes,
                out.flags, out.evidence, out.selected, out.states, out.measures, out.groups,
            )  # fmt: skip
            seen += [
                (int(out.states["rank"][n]), out.measures[n].tolist())
                for n in range(count)
                if his[out.selected[n]]
            ]
            if len(seen) >= training.moments:
                return seen[: training.moments]
        _close(state, int(days[begin]), offset, site)
    return seen


def _close(state: NDArray[np.void], day: int, offset: int, site: SiteKnowledge) -> None:
    close_accounts(state, np.zeros(1, np.intp), day, day * 86_400 - offset, site.guards)


def _places(
    plans: Sequence[thieves.SessionPlan],
    draws: Draws,
    family: str,
    state: np.void,
    owners: NDArray[np.uint32],
    site: SiteKnowledge,
) -> NDArray[np.void]:
    """WHERE rows: first the owner's own, then the thief's."""
    count = 2 + max(s.where for s in plans)
    rows = np.zeros(count, WHERE)
    rows[0] = _own_place(state, site)
    region = _region(draws, family, state)
    for n in range(1, count):
        if family == "shared" and n > 1:
            region = _region(draws, family, state)
        city, latitude, longitude, country = region[int(draws.rng.integers(len(region)))]
        owner = int(draws.rng.integers(1, 2**32))
        if len(owners) and not draws.often(NEVER_SEEN):
            owner = int(owners[int(draws.rng.random() ** 2 * len(owners))])
        network = int(draws.rng.integers(1, 2**32))
        hosting = family not in thieves.DOMESTIC and draws.often(0.45)
        rows[n] = (
            int(draws.rng.integers(1, 2**32)), network, owner, city, country, latitude, longitude, hosting, 0,
            0.0, site.prevalence("owners", owner), site.prevalence("cities", city),
        )  # fmt: skip
    return rows


Spot = tuple[int, float, float, int]  # city, latitude, longitude, country
_CITIES = tuple((key32(f"{c.name}, {c.country}"), c.latitude, c.longitude, key32(c.country)) for c in CITIES)


def _region(draws: Draws, family: str, state: np.void) -> tuple[Spot, ...]:
    """Where a thief's networks are: in one city, abroad or at home; near the owner; all over the country."""
    country = _strongest(state["countries"])
    here = tuple(c for c in _CITIES if c[3] == country)
    near = (_strongest(state["cities"]), float(state["latitude"]), float(state["longitude"]), country)
    if family in thieves.NEAR:
        return (near,)
    if family in thieves.DOMESTIC:
        return here or (near,)
    place = draws.rng.random()
    if place < 0.15:
        return (near,)
    cities = here if place < 0.35 and here else _CITIES
    return (cities[int(draws.rng.integers(len(cities)))],)


def _own_place(state: np.void, site: SiteKnowledge) -> tuple[float, ...]:
    network, owner, city = (_strongest(state[name]) for name in ("networks", "owners", "cities"))
    return (
        int(state["last_address"]), network, owner, city, _strongest(state["countries"]), state["latitude"],
        state["longitude"], 0, 0, site.prevalence("networks", network), site.prevalence("owners", owner),
        site.prevalence("cities", city),
    )  # fmt: skip


def _strongest(table: np.void) -> int:
    return int(table["key"][int(np.argmax(table["days"]))])
