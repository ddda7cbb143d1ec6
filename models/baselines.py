"""Peers' baselines: histograms of account-day maxima -> tables of surprise.

A day's histogram is a plain sum over account-days, so parts counted apart merge by addition and any
number of workers makes the same table. The table of a measure is ``-ln`` of the share of account-days that
stand in a bin or above it: read off where about ten of them are left, a tail fitted on the logarithmic
scale only beyond. So whole numbers, atoms and counters that are full are told what comes at or above them,
and a counter that is full says "at least". A prior, given by four quantiles, lets a site be judged from its
first day and fades as its own days come in.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.evidence import CAP
from models.scale import BINS, BINS_PER_E

PRIOR_DAYS = 200.0  # account-days that the prior weighs at first; half of them when the site has had as many
PRIOR_SHARES = (0.5, 0.1, 0.01, 0.001)  # share of account-days at or above each quantile
WINDOW_DAYS = 14
TAIL_COUNTS = 10.0  # account-days that reach a bin, at least, for their share to be read off; beyond, a tail
FIT_COUNTS = 30.0  # is fitted to those beyond the bin that so many reach
FIT_SHARE = 0.05  # of a part's account-days at most: else its body would pass for its tail
TAIL_SHARE = 0.01  # of the account-days at most for a tail: while there are few, the prior's body speaks
TAIL_CAP = 30.0  # of a tail that is used as a score
PART_PRIOR = 40.0  # account-days of the whole that speak in the table of a part
ENOUGH = 15  # account-days of a part, at least, for a share of it to be read off
SLOPE = (0.02, 0.6)  # bounds of the tail's rate, per bin

Floats = NDArray[np.float64]


def prior_survival(quantiles: Sequence[float]) -> Floats:
    """Share of account-days at or above each bin edge, (BINS,), from the four quantiles."""
    at = np.floor(BINS_PER_E * np.log1p(np.asarray(quantiles, dtype=np.float64)))
    at = np.maximum.accumulate(at + 1e-3 * np.arange(1, 5))
    depth = -np.log(PRIOR_SHARES)
    edges = np.arange(BINS, dtype=np.float64)
    inside = np.interp(edges, np.concatenate(([0.0], at)), np.concatenate(([0.0], depth)))
    slope = np.clip((depth[3] - depth[2]) / max(at[3] - at[2], 1.0), *SLOPE)
    beyond = np.maximum(0.0, edges - at[3]) * slope
    survival: Floats = np.exp(-(inside + beyond))
    return survival


def count(positions: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Histogram of positions (n, k) on the common scale -> (k, BINS)."""
    bins = np.clip(positions.astype(np.int64), 0, BINS - 1)
    k = bins.shape[1]
    flat = np.bincount((bins + BINS * np.arange(k)).ravel(), minlength=k * BINS)
    return flat.reshape(k, BINS).astype(np.uint32)


def survival(at_or_above: Floats, prior: Floats, weight: float) -> Floats:
    """Share of account-days at or above each bin edge, (k, BINS); the prior weighs ``weight`` days."""
    found: Floats = (at_or_above + weight * prior) / (at_or_above[:, :1] + weight)
    return found


def _at_or_above(counts: NDArray[np.uint32]) -> Floats:
    """Account-days at or above each bin edge, (k, BINS)."""
    found: Floats = np.cumsum(counts[:, ::-1].astype(np.float64), axis=1)[:, ::-1]
    return found


def table(counts: NDArray[np.uint32], prior: Floats, cap: float = CAP) -> NDArray[np.float32]:
    """Surprise at every bin, (k, BINS), from counts (k, BINS) and prior survivals (k, BINS).

    ``-ln`` of the share of account-days in a bin or above it: no value in the bin is told as rarer than what
    comes.
    """
    at_or_above = _at_or_above(counts)
    days = at_or_above[:, :1]
    weight = PRIOR_DAYS * PRIOR_DAYS / (PRIOR_DAYS + days)
    known = at_or_above + weight * prior
    share = known / (days + weight)
    depth = -np.log(share)
    for k in range(counts.shape[0]):
        beyond = (known[k] < TAIL_COUNTS) & (share[k] <= TAIL_SHARE)
        if beyond.any():
            start = max(int(np.argmax(beyond)) - 1, 0)
            fitted = np.flatnonzero((known[k] >= FIT_COUNTS) | (share[k] > TAIL_SHARE))
            slope = _tail_slope(share[k], min(int(fitted[-1]), start))
            depth[k, start:] = depth[k, start] + slope * np.arange(BINS - start)
    depth[:, 0] = 0.0
    return np.clip(depth, 0.0, cap).astype(np.float32)


def part_tables(
    counts: NDArray[np.uint32], whole: NDArray[np.float32], cap: float = CAP
) -> NDArray[np.float32]:
    """Surprise at every bin edge, (k, BINS), of a part of the account-days, from its counts (k, BINS).

    ``whole`` (k, BINS) is the table of all of them. As far as ``ENOUGH`` of the part's days reach, it is read
    off from these; beyond, the part goes on as the whole does from where it stands there, or as its own days
    do where those fall off more slowly. So a small part whose days are all unusual is not believed to have a
    short tail only because nobody has seen its end.
    """
    at_or_above = _at_or_above(counts)
    depth = -np.log(survival(at_or_above, np.exp(-whole.astype(np.float64)), PART_PRIOR))
    last = np.maximum(np.argmax(at_or_above < ENOUGH, axis=1) - 1, 0)
    fitted = np.maximum(np.argmax(at_or_above < FIT_COUNTS, axis=1) - 1, 0)
    for k, j in enumerate(last):
        as_whole = whole[k, j:] - whole[k, j]
        steps = np.arange(BINS - j)
        enough = FIT_SHARE * at_or_above[k, 0] >= FIT_COUNTS
        own = _tail_slope(at_or_above[k], fitted[k]) * steps if enough else as_whole
        depth[k, j:] = depth[k, j] + np.minimum(as_whole, own)
    depth[:, 0] = 0.0
    return np.clip(depth, 0.0, cap).astype(np.float32)


def read(row: NDArray[np.float32], value: float) -> float:
    """What one row (BINS,) of a table says of a value >= 0; ``models.evidence.surprise``, not compiled."""
    return float(row[int(min(BINS_PER_E * math.log1p(value), BINS - 1.001))])


def read_each(tables: NDArray[np.float32], which: NDArray[np.intp], at: Floats) -> Floats:
    """What rows ``which`` (n,) of tables (m, BINS) say at positions ``at`` (n,) on the common scale."""
    found: Floats = tables[which, np.clip(at, 0.0, BINS - 1.001).astype(np.intp)].astype(np.float64)
    return found


def read_between(row: NDArray[np.float32], value: float) -> float:
    """The same between the bins' edges, for a score: continuous, and ties would blur a threshold."""
    at = min(BINS_PER_E * math.log1p(value), BINS - 1.001)
    low = int(at)
    return float(row[low]) * (1 - (at - low)) + float(row[low + 1]) * (at - low)


def _tail_slope(share: Floats, start: int) -> float:
    """Maximum-likelihood rate of an exponential tail: one over the mean excess, in bins."""
    mean_excess = share[start + 1 :].sum() / share[start] + 0.5
    return float(np.clip(1.0 / mean_excess, *SLOPE))


def moments(counts: NDArray[np.uint32], prior: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of ln(1 + value) per row, prior included."""
    mass = counts + PRIOR_DAYS * np.clip(prior - np.append(prior[:, 1:], np.zeros((len(prior), 1)), 1), 0, 1)
    x = (np.arange(BINS) + 0.5) / BINS_PER_E
    total = mass.sum(axis=1)
    mean = mass @ x / total
    return mean, mass @ (x * x) / total - mean * mean
