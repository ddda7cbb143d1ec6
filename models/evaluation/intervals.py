"""Shares, quartiles and ratios of rates with their 95 % intervals.

Wilson's score interval for a share: E. B. Wilson, JASA 22 (1927) 209. Exact interval of a binomial share:
Clopper and Pearson, Biometrika 26 (1934) 404. Comparing two Poisson rates by the binomial share of one in
both: Przyborowski and Wilenski, Biometrika 31 (1940) 313. Holm's correction: Scand. J. Statist. 6 (1979) 65.
"""

from collections.abc import Sequence
from math import sqrt

import msgspec
import numpy as np

LEVEL = 0.95
UNBOUNDED = 1000.0  # stands for a ratio without an upper end: JSON has no infinity
Z = 1.959963984540054  # its two-sided quantile of the normal distribution


class Proportion(msgspec.Struct, frozen=True):
    """``hits`` of ``of``, with Wilson's interval; without any it says nothing: 0 to 1."""

    hits: int
    of: int
    share: float
    low: float
    high: float


class Quartiles(msgspec.Struct, frozen=True):
    """Of ``n`` values; zeros for none."""

    n: int
    low: float
    middle: float
    high: float


class Ratio(msgspec.Struct, frozen=True):
    """Rate of a group over the rate of everyone, with its exact interval and the p of "no difference"."""

    ratio: float
    low: float
    high: float
    p: float


def proportion(hits: int, of: int) -> Proportion:
    """Give a share of cases with its interval.

    >>> proportion(9, 10)
    Proportion(hits=9, of=10, share=0.9, low=0.5958, high=0.9821)
    """
    if not of:
        return Proportion(0, 0, 0.0, 0.0, 1.0)
    p, spread = hits / of, Z * Z / of
    middle, half = p + spread / 2, Z * sqrt((p * (1 - p) + spread / 4) / of)
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return Proportion(hits, of, round(p, 4), round(max(low, 0.0), 4), round(min(high, 1.0), 4))


def quartiles(values: Sequence[float]) -> Quartiles:
    """Linear between neighbours (type 7 of Hyndman and Fan, The American Statistician 50 (1996) 361).

    >>> quartiles([1, 2, 3, 4])
    Quartiles(n=4, low=1.75, middle=2.5, high=3.25)
    """
    if not values:
        return Quartiles(0, 0.0, 0.0, 0.0)
    low, middle, high = (
        round(float(q), 3) for q in np.quantile(np.array(values, np.float64), [0.25, 0.5, 0.75])
    )
    return Quartiles(len(values), low, middle, high)


def ratio(count: int, exposure: int, all_count: int, all_exposure: int) -> Ratio:
    """Rate ``count / exposure`` of a part over that of the whole, the part included.

    Given the whole's count, the part's is binomial with the part's share of the exposure if rates are equal;
    the interval is Clopper and Pearson's of that share, divided by the share of the exposure.

    >>> ratio(10, 100, 20, 1000)
    Ratio(ratio=5.0, low=2.72, high=7.28, p=7e-06)
    """
    from scipy.stats import binomtest  # noqa: PLC0415 - a second and 80 MB that the pages do without

    part = exposure / all_exposure if all_exposure else 0.0
    if not part or not all_count:
        return Ratio(1.0, 0.0, min(1.0 / part, UNBOUNDED) if part else UNBOUNDED, 1.0)
    test = binomtest(count, all_count, min(part, 1.0))
    interval = test.proportion_ci(LEVEL, method="exact")
    return Ratio(
        round(count / all_count / part, 3),
        round(float(interval.low) / part, 3),
        round(min(float(interval.high) / part, UNBOUNDED), 3),
        round(float(test.pvalue), 6),
    )


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """The p values of several tests, corrected so that one false finding among them stays at the level.

    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)
    """
    order = sorted(range(len(p)), key=p.__getitem__)
    corrected = [0.0] * len(p)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, p[index] * (len(p) - rank)))
        corrected[index] = round(highest, 6)
    return tuple(corrected)
