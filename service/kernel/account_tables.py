"""Compiled helpers over the small tables of an account: find, remember, count, weigh."""

import math

from numba import njit

from service.kernel.account_record import DAY_UNIT


@njit
def slot_of(table, key, now, today):
    """Index of ``key`` in a slot table; a new key takes the place of the weakest."""
    weakest = 0
    for j in range(table.shape[0]):
        if table[j].key == key:
            table[j].last = max(table[j].last, now)
            return j
        if table[j].days < table[weakest].days or (
            table[j].days == table[weakest].days and table[j].last < table[weakest].last
        ):
            weakest = j
    table[weakest].key = key
    table[weakest].last = now
    table[weakest].days = 0
    table[weakest].first = today
    return weakest


@njit
def touch(table, key, now):
    """Remember the newest time of ``key``; the oldest leaves."""
    oldest = 0
    for j in range(table.shape[0]):
        if table[j].key == key:
            table[j].last = max(table[j].last, now)
            return
        if table[j].last < table[oldest].last:
            oldest = j
    table[oldest].key = key
    table[oldest].last = now


@njit
def recent(table, since):
    count = 0
    for j in range(table.shape[0]):
        if table[j].last > since and table[j].key != 0:
            count += 1
    return count


@njit
def unfamiliar(days, active, prior):
    """0 to 1: how improbable it is here. ``(-ln share - 1) / 4`` clipped, with one pseudo-day."""
    share = (days / DAY_UNIT + max(prior, 0.002)) / (active + 1.0)
    return min(1.0, max(0.0, (-math.log(share) - 1.0) / 4.0))


@njit
def distance_km(lat1, lon1, lat2, lon2):
    """Great-circle distance (haversine), degrees -> km."""
    p1, p2 = math.radians(lat1), math.radians(lat2)
    a = math.sin((p2 - p1) / 2) ** 2
    a += math.cos(p1) * math.cos(p2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 12742.0 * math.asin(min(1.0, math.sqrt(a)))
