"""What moved between two evaluations by more than chance.

Shares: Newcombe's interval of a difference (method 10, Statistics in Medicine 17 (1998) 873). Rates: the
exact conditional comparison of ``intervals.ratio``.
"""

from math import sqrt

import msgspec

from models.evaluation.figures import Burden
from models.evaluation.intervals import UNBOUNDED, Proportion, ratio


class Change(msgspec.Struct, frozen=True):
    """One figure before and now; ``beyond`` chance if the interval of the difference leaves out "none"."""

    figure: str
    before: float
    now: float
    low: float  # of now - before for shares, of now / before for rates
    high: float
    beyond: bool


def proportion_change(figure: str, before: Proportion, now: Proportion) -> Change:
    """Compare a proportion of two reports.

    >>> from models.evaluation.intervals import proportion
    >>> proportion_change("recall", proportion(40, 80), proportion(72, 80)).beyond
    True
    """
    difference = now.share - before.share
    low = difference - sqrt((now.share - now.low) ** 2 + (before.high - before.share) ** 2)
    high = difference + sqrt((now.high - now.share) ** 2 + (before.share - before.low) ** 2)
    if not (before.of and now.of):
        low, high = -1.0, 1.0
    beyond = not low <= 0 <= high
    return Change(figure, before.share, now.share, round(low, 4), round(high, 4), beyond)


def rate_change(figure: str, before: Burden, now: Burden) -> Change:
    """False alarms per 10,000 account-days."""
    both = before.false_alarms + now.false_alarms
    days = before.account_days + now.account_days
    against = ratio(now.false_alarms, now.account_days, both, days)
    low, high = (_odds(bound, now.account_days, days) for bound in (against.low, against.high))
    beyond = both > 0 and not low <= 1 <= high
    return Change(figure, before.false_per_10000, now.false_per_10000, low, high, beyond)


def _odds(of_both: float, now_days: int, all_days: int) -> float:
    """From the rate now over that of both together to the rate now over that before."""
    part = min(of_both * now_days / max(all_days, 1), 1.0)
    rest = (1.0 - part) * now_days
    return round(min(part * (all_days - now_days) / rest, UNBOUNDED), 3) if rest > 0 else UNBOUNDED
