"""What a day showed of networks and publishers, beside the measures: sums that merge, for ``drift``."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.kernel.account_record import DAYS


class PlatformUsage(msgspec.Struct, frozen=True, array_like=True):
    """Accounts of a day that used a platform."""

    accounts: int = 0
    alone: int = 0  # those that used no other,
    reading: int = 0  # and of them those that took a document


class UsageCounts(msgspec.Struct, frozen=True):
    """One day of some of the site's accounts."""

    placed: int = 0  # accounts that came from any network
    fresh: int = 0  # of them, those whose networks of that day were all new to the site
    platforms: Mapping[str, PlatformUsage] = {}


def usage_counts(
    day: int, today: NDArray[np.void], known: Callable[[str, int], float], names: Mapping[int, str]
) -> UsageCounts:
    """Of the states (n,) of accounts active on local ``day``, before they are closed.

    ``known`` (table, key) is the site's prevalence, 0 for what it does not know; ``names`` are of keys.
    """
    networks = _seen(today, "networks")
    unique = np.unique(networks[networks != 0])
    old = np.array([key for key in unique.tolist() if known("networks", key) > 0], np.uint32)
    placed = (networks != 0).any(axis=1)
    fresh = placed & ~np.isin(networks, old).any(axis=1)
    return UsageCounts(int(placed.sum()), int(fresh.sum()), _platforms(day, today, names))


def merge_usage_counts(parts: Sequence[UsageCounts]) -> UsageCounts:
    """Of disjoint parts of one day. Their order does not matter."""
    platforms = {
        name: PlatformUsage(*map(sum, zip(*(_counts(part, name) for part in parts), strict=True)))
        for name in sorted({name for part in parts for name in part.platforms})
    }
    return UsageCounts(sum(p.placed for p in parts), sum(p.fresh for p in parts), platforms)


def _counts(part: UsageCounts, name: str) -> tuple[int, int, int]:
    found = part.platforms.get(name, PlatformUsage())
    return found.accounts, found.alone, found.reading


def _seen(today: NDArray[np.void], table: str) -> NDArray[np.uint32]:
    """Keys (n, slots) that an account was seen with during its last day, 0 for others."""
    slots = today[table]
    return np.where(slots["last"] > (today["last_time"] - 86400)[:, None], slots["key"], 0).astype(np.uint32)


def _platforms(day: int, today: NDArray[np.void], names: Mapping[int, str]) -> dict[str, PlatformUsage]:
    seen = _seen(today, "platforms")
    alone = np.where((seen != 0).sum(axis=1) == 1, seen.max(axis=1, initial=0), 0)
    reads = (today["ring_day"] == day) & (today["days"][:, day % DAYS] > 0)
    counts = (_count(seen[seen != 0]), _count(alone), _count(alone[reads]))
    named = {names[key]: key for key in counts[0] if key in names}
    return {name: PlatformUsage(*(c.get(named[name], 0) for c in counts)) for name in sorted(named)}


def _count(keys: NDArray[np.uint32]) -> dict[int, int]:
    unique, count = np.unique(keys, return_counts=True)
    return dict(zip(unique.tolist(), count.tolist(), strict=True))
