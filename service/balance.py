"""Balance: no group of readers is looked at much more often than everyone for being what it is.

Researchers read more than students, guests of another university come over networks that nobody else uses:
the same score is rarer among everyone than among them. At the close of a day the account-days whose score
came near the threshold are counted by group, and where a group has more of them than its share, its scores
are lowered by the logarithm of the excess: scores are ``-ln share``, so that the same share of every group's
account-days is raised.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.evidence import BINS, BINS_PER_E
from service.events import NetworkKind
from service.groups import EVERYONE, Counts, dimension_of

NEAR = 0.7  # below the threshold, -ln share: so many more account-days tell of a group's tail
PRIOR = 3.0  # account-days near the threshold that a group is taken to have had at everyone's rate
MOST = 2.0  # that is ever taken off
SIGN = f"network kind: {NetworkKind.HOSTING}"  # hardly a reader is there: no group, but a sign of theft
DIMENSIONS = frozenset({"user type", "off-campus country", "network kind", "arrangements", "time of day"})


def near(
    states: NDArray[np.void],
    circles: NDArray[np.intp],
    tails: NDArray[np.float32],
    handicaps: tuple[float, float],
    threshold: float,
) -> NDArray[np.bool_]:
    """Which account-days (n,) came near the threshold before anything was taken off for a group.

    ``tails`` (CIRCLES, 3, BINS) and ``handicaps`` of evidence and classifiers are those in force; infinite
    for one that does not speak.
    """
    evidence = BINS_PER_E * np.log1p(states["day_evidence"].astype(np.float64))
    ats = (evidence, states["model_day"].astype(np.float64))
    scores = [_read(tails[circles, n], at) - handicaps[n] for n, at in enumerate(ats)]
    found: NDArray[np.bool_] = np.max(scores, axis=0) >= threshold - NEAR
    return found


def _read(rows: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """What rows (n, BINS) of a table say at positions (n,)."""
    at = np.clip(at, 0.0, BINS - 1.001)
    low = at.astype(np.intp)
    n = np.arange(len(at))
    found: NDArray[np.float64] = rows[n, low] * (1 - (at - low)) + rows[n, low + 1] * (at - low)
    return found


def excess(counts: Counts) -> dict[str, float]:
    """Group -> what is taken off its scores; without those of which nothing is."""
    everyone = counts.get(EVERYONE)
    if everyone is None or not everyone.near:
        return {}
    share = everyone.near / everyone.account_days
    found = {}
    for group, count in counts.items():
        if dimension_of(group)[0] in DIMENSIONS and group != SIGN:
            more = math.log((count.near + PRIOR) / (count.account_days * share + PRIOR))
            if more > 0.0:
                found[group] = min(MOST, more)
    return found


def taken_off(excesses: Mapping[str, float], groups: Sequence[str]) -> float:
    """The largest of a reader's groups: they overlap."""
    return max((excesses.get(group, 0.0) for group in groups), default=0.0)
