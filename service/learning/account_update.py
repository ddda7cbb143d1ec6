"""The close of a day: every account that was active teaches its own picture, and is made ready.

Runs when the stream passes midnight of the site, over the accounts active since the last close. An
account whose day looked like theft (evidence above the guard) teaches at a fifth of the weight and
clipped, so that a patient thief cannot train the picture he is judged by.
"""

import math
import sys
from typing import Any

import numpy as np
from numba import njit

from models.scale import BINS_PER_E
from service.kernel import account_record, cusum, measures
from service.kernel.account_record import BIN_UNIT, DAY_UNIT
from service.kernel.cache_key import code_mark
from service.kernel.cusum import carry
from service.kernel.measures import OWN, K

FADE = 0.99  # per day, of familiarity
HISTORY = 40.0  # days of own history at most
GUARDED = 0.2  # weight of a suspect's day
REGULAR_DAYS = 5.0  # active days from which an account is judged among regulars


@njit
def _fade_slots(table, fade, since, weight):
    for j in range(table.shape[0]):
        days = table[j].days * fade
        if table[j].last >= since and table[j].key != 0:
            days += DAY_UNIT * weight
        table[j].days = np.uint16(min(65535.0, days + 0.5))


@njit
def _learn_maxima(r, weight, guarded):
    w = weight / (min(r.history, HISTORY - 1.0) + 1.0)
    for j in range(len(OWN)):
        base = OWN[j][0]
        value = r.day_max[base] / BIN_UNIT / BINS_PER_E
        mean = r.usual[base] / BIN_UNIT / BINS_PER_E
        if guarded:
            value = min(value, mean + 2.0 * math.sqrt(r.spread[j]))
        delta = value - mean
        r.spread[j] = (1.0 - w) * (r.spread[j] + w * delta * delta)
    for k in range(K):
        top = float(r.day_max[k])
        if guarded:
            top = min(top, r.usual[k] + BIN_UNIT * BINS_PER_E)
        r.usual[k] = np.uint16(r.usual[k] + w * (top - r.usual[k]) + 0.5)
    r.history = min(HISTORY, r.history + weight)


@njit
def _close(r, day, since, guard):
    guarded = r.day_evidence >= guard
    weight = GUARDED if guarded else 1.0
    fade = FADE ** max(0, day - r.active_last)
    carry(r, day)
    _learn_maxima(r, weight, guarded)
    _fade_slots(r.networks, fade, since, weight)
    _fade_slots(r.owners, fade, since, weight)
    _fade_slots(r.cities, fade, since, weight)
    _fade_slots(r.countries, fade, since, weight)
    _fade_slots(r.platforms, fade, since, weight)
    for part in range(8):
        days = r.hour_days[part] * fade
        if r.hour_seen & (1 << part):
            days += DAY_UNIT * weight
        r.hour_days[part] = np.uint16(min(65535.0, days + 0.5))
    r.active_days = r.active_days * fade + weight
    r.asleep = r.asleep // 2
    r.active_last = day
    r.day_events = 0
    r.hour_seen = 0
    r.kinds = 0
    r.day_max[:] = 0
    r.day_evidence = 0.0
    r.day_joined = 0.0
    r.model_day = 0.0
    r.rank = 1 if r.active_days >= REGULAR_DAYS else 0


def _kernel(mark: int) -> Any:
    """The kernel, whose cache is good for this mark only."""

    @njit(cache=True)
    def close_accounts(states, active, day, since, guards):
        """Close ``day`` (local) for the accounts at ``active`` (n,); ``since`` is its start in s UTC.

        ``guards`` (CLASSES,) is the evidence from which a day counts as suspect.
        """
        for i in range(mark - mark, active.shape[0]):  # closes over the mark
            r = states[active[i]]
            _close(r, day, since, guards[r.rank])

    return close_accounts


close_accounts = _kernel(code_mark(account_record, measures, cusum, sys.modules[__name__]))
