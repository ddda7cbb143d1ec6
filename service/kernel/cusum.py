"""Slow rises: a cumulative sum (Page's CUSUM) of how far days are above the account's own usual.

A patient thief's every day looks like the one before; their sum does not. What the account's usual is, a
suspect's day hardly moves (``service.learning.account_update``), so the sum rises while the theft goes on.
"""

import math

from numba import njit

from models.scale import BINS_PER_E
from service.kernel.account_record import BIN_UNIT
from service.kernel.measures import TRENDS

SLACK = 0.5  # taken off each day's excess (of ln(1 + value)), so that ordinary ups and downs sum to nothing
REST = 0.25  # taken off for each day without reading
KNOWN_DAYS = 4.0  # of history for half of an excess to count
MOST = 60.0


@njit
def risen(r, j, x):
    """The j-th sum, were the day to end at ``x``, ln(1 + its base)."""
    known = r.history / (r.history + KNOWN_DAYS)
    usual = r.usual[TRENDS[j][0]] / BIN_UNIT / BINS_PER_E
    return min(MOST, max(0.0, r.trend[j] + known * (x - usual) - SLACK))


@njit
def carry(r, day):
    """At the close of ``day``: the sums as the day reached them go into the next."""
    silent = max(0, day - r.active_last - 1)
    for j in range(len(TRENDS)):
        top = math.expm1(r.day_max[TRENDS[j][1]] / BIN_UNIT / BINS_PER_E)
        r.trend[j] = max(0.0, top - REST * silent)
