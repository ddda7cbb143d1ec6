"""Shadows: live accounts, copied, of which a thief takes hold. What is seen of him teaches what theft is.

At the close of a day some accounts are drawn by hash over the whole site. Each one's state is copied, closed
as the night will close the real one, and walked on by the same kernel and the same tables through a theft
that begins the next morning. The copy is thrown away: no state, table, count or metric ever knows of it.
All is drawn from the account and the day, so it is the same whoever works it out.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.attacks.execution import TheftRows, render
from service.attacks.families import FAMILIES, Dials, Draws, Source, Victim, drawn, family
from service.attacks.sittings import A_BUYER, OWN, SessionPlan, session_plans
from service.kernel.account_record import ACCOUNT
from service.kernel.encoder import HOSTING, KIND_BIT, key32
from service.kernel.features import absorb
from service.kernel.input_rows import LOGIN_OK, WHERE
from service.kernel.measures import GROUP_OF, K, M
from service.kernel.moments import KernelOutput, as_examples
from service.kernel.training_rows import Examples, mixed
from service.learning.account_update import close_accounts
from service.learning.day_summary import InjectedAttacks
from service.policy.model import Policy
from service.records.events import NetworkKind
from service.simulator.cities import CITIES

MOST_MOMENTS = 200  # gated ones of a theft that is followed
MARGIN = 2  # times as many as are wanted get through before the lowest are taken
# Share of a thief's networks whose owner nobody here uses; the rest belong to one that the site knows.
NEVER_SEEN = {
    Source.HOSTING: 0.8, Source.VPN: 0.5, Source.ABROAD: 0.8, Source.HOME: 0.3, Source.NEAR: 0.2,
    Source.UNIVERSITY: 0.9,
}  # fmt: skip
_GROUP_OF = np.array(GROUP_OF)


class SiteKnowledge(Protocol):
    """What a shadow needs of the site."""

    shows: frozenset[M]  # measures that its log has ever shown
    table: NDArray[np.float32]
    mean: NDArray[np.float64]
    var: NDArray[np.float64]
    guards: NDArray[np.float64]
    home: int

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
    dials = _theft(draws, policy.training.families)
    if dials.victim is Victim.NEVER_SEEN:
        state = np.zeros(1, ACCOUNT)
    elif state["day_events"][0]:
        _close(state, day, offset, site)
    midnight = (day + 1 + dials.silent) * 86_400
    plans = session_plans(dials, draws)
    own = state["platforms"][0]["key"][state["platforms"][0]["days"] > 0]
    theft = render(plans, draws, own, known[0], lambda k: site.prevalence("platforms", k))
    wheres = _places(plans, draws, dials, state[0], known[1], site)
    states, measures = _walk(state, theft, wheres, midnight, offset, site, policy)
    return as_examples(key, states, measures, site.home, FAMILIES.index(family(dials)))


def _theft(draws: Draws, families: Sequence[str]) -> Dials:
    """A theft of one of the families that are taught."""
    while True:
        dials = drawn(draws)
        if family(dials) in families:
            return dials


def _walk(
    state: NDArray[np.void],
    theft: TheftRows,
    wheres: NDArray[np.void],
    midnight: int,
    offset: int,
    site: SiteKnowledge,
    policy: Policy,
) -> tuple[NDArray[np.void], NDArray[np.float64]]:
    """The thief's first gated moments: states (n,) and measures (n, K)."""
    theft = _as_logged(theft, site)
    events, states, measures = theft.events, [np.zeros(0, ACCOUNT)], [np.zeros((0, K))]
    events["local"] = midnight + np.maximum(theft.times, 0.0).astype(np.int64)
    events["time"] = events["local"] - offset
    places = np.unique(events["where"])  # OWN stands first, as the owner's row does
    thief = events["where"] != OWN
    events["where"] = np.where(thief, np.searchsorted(places[places != OWN], events["where"]) + 1, 0)
    budget, training = policy.budget, policy.training
    days = events["local"] // 86_400
    begins = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist()]
    out = KernelOutput.of(len(events))
    seen = 0
    for begin, end in zip(begins, [*begins[1:], len(events)], strict=True):
        rows, his, at = events[begin:end], thief[begin:end], 0
        while at < len(rows):
            at, count = absorb(
                state, rows, at, wheres, theft.whats, site.table, _GROUP_OF, site.mean, site.var,
                budget.gate, budget.gate_moved, budget.gate_minutes,
                out.flags, out.evidence, out.selected, out.states, out.measures, out.groups,
            )  # fmt: skip
            of_thief = np.flatnonzero(his[out.selected[:count]])
            states.append(out.states[of_thief])
            measures.append(out.measures[of_thief])
            seen += len(of_thief)
            if seen >= MOST_MOMENTS:
                break
        if seen >= MOST_MOMENTS:
            break
        _close(state, int(days[begin]), offset, site)
    kept = _spread(seen, training.moments)
    return np.concatenate(states)[kept], np.concatenate(measures)[kept]


def _as_logged(theft: TheftRows, site: SiteKnowledge) -> TheftRows:
    """The theft's rows without what the site's log never shows: else that alone would give a thief away."""
    events, times = theft.events, theft.times
    if M.SESSIONS_1D not in site.shows:
        events["session"] = 0
    if M.LOGIN_FAILED_1H not in site.shows:
        read = theft.whats["kind"][events["what"]] < LOGIN_OK
        events, times = events[read], times[read]
    if M.ERRORS_1H not in site.shows:
        events["error"] = 0
    if M.MB_1D not in site.shows:
        events["mb"] = 0.0
    return TheftRows(events, theft.whats, times)


def _spread(n: int, most: int) -> NDArray[np.intp]:
    """At most so many of n moments, the first close together: a thief is to be seen early, and late."""
    if n <= most:
        return np.arange(n)
    return np.unique(np.round(np.geomspace(1, n, most)).astype(np.intp)) - 1


def _close(state: NDArray[np.void], day: int, offset: int, site: SiteKnowledge) -> None:
    close_accounts(state, np.zeros(1, np.intp), day, day * 86_400 - offset, site.guards)


def _places(
    plans: Sequence[SessionPlan],
    draws: Draws,
    dials: Dials,
    state: np.void,
    owners: NDArray[np.uint32],
    site: SiteKnowledge,
) -> NDArray[np.void]:
    """WHERE rows: first the owner's own, then the thief's, in the order of their numbers."""
    numbers = sorted({s.where for s in plans if s.where != OWN})
    rows = np.zeros(1 + len(numbers), WHERE)
    rows[0] = _own_place(state, site)
    kind, buyer = _KIND_OF.get(dials.source, NetworkKind.ISP), -1
    owner = region = None
    located = len(site.common("cities")) > 0
    for n, number in enumerate(numbers, 1):
        if number // A_BUYER != buyer or owner is None or region is None:
            buyer = number // A_BUYER
            region = _region(draws, dials.source, state, site)
            owner = _owner(draws, dials.source, state, owners)
        elif draws.often(0.5):
            owner = _owner(draws, dials.source, state, owners)
        city, latitude, longitude, country = (
            region[int(draws.rng.integers(len(region)))] if located else NOWHERE
        )
        if dials.source not in _KIND_OF and draws.often(0.3):
            kind = NetworkKind.MOBILE
        rows[n] = (
            int(draws.rng.integers(1, 2**32)), int(draws.rng.integers(1, 2**32)), owner, city, country,
            latitude, longitude, kind in HOSTING, KIND_BIT[kind], 0.0,
            site.prevalence("owners", owner), site.prevalence("cities", city),
        )  # fmt: skip
    return rows


Spot = tuple[int, float, float, int]  # city, latitude, longitude, country
NOWHERE: Spot = (0, math.nan, math.nan, 0)  # where the site's databases do not locate addresses
_CITIES = tuple((key32(f"{c.name}, {c.country}"), c.latitude, c.longitude, key32(c.country)) for c in CITIES)
_KIND_OF = {
    Source.HOSTING: NetworkKind.HOSTING,
    Source.VPN: NetworkKind.VPN,
    Source.UNIVERSITY: NetworkKind.EDUCATION,
}


def _owner(draws: Draws, source: Source, state: np.void, owners: NDArray[np.uint32]) -> int:
    """Of a thief's network: the carrier of the victim, one that the site knows, or one never seen."""
    if source is Source.NEAR and draws.often(0.4):
        return _strongest(state["owners"]) or int(draws.rng.integers(1, 2**32))
    if len(owners) and not draws.often(NEVER_SEEN[source]):
        return int(owners[int(draws.rng.random() ** 2 * len(owners))])
    return int(draws.rng.integers(1, 2**32))


def _region(draws: Draws, source: Source, state: np.void, site: SiteKnowledge) -> tuple[Spot, ...]:
    """Where a thief's networks are: in the owner's city, all over the country, in one city of any country."""
    country = _strongest(state["countries"]) or site.home
    here = tuple(c for c in _CITIES if c[3] == country)
    near = (_strongest(state["cities"]), float(state["latitude"]), float(state["longitude"]), country)
    if source is Source.NEAR:
        return (near,) if near[0] else here or _CITIES
    if source is Source.HOME:
        return here or (near,)
    if source is not Source.ABROAD and here and draws.often(0.3):
        return here
    return (_CITIES[int(draws.rng.integers(len(_CITIES)))],)


def _own_place(state: np.void, site: SiteKnowledge) -> tuple[float, ...]:
    network, owner, city = (_strongest(state[name]) for name in ("networks", "owners", "cities"))
    return (
        int(state["last_address"]), network, owner, city, _strongest(state["countries"]), state["latitude"],
        state["longitude"], 0, 0, site.prevalence("networks", network), site.prevalence("owners", owner),
        site.prevalence("cities", city),
    )  # fmt: skip


def _strongest(table: np.void) -> int:
    return int(table["key"][int(np.argmax(table["days"]))])
