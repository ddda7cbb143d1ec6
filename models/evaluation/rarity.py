"""Rarity calibration: how often what is stated as 1 in 10, 100, 1,000 or 10,000 account-days comes.

A table states a share at every bin. On a later day, so many account-days are to be expected in the first bin
that it calls so rare, or above it; so many came. Where no value stands at 1 in N itself, the next rarer one
is what was stated, and that is what is expected. Limits of a Poisson count: Byar's approximation, Breslow and
Day, Statistical Methods in Cancer Research II (1987), 69.
"""

from collections.abc import Sequence
from math import log, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.evaluation.intervals import Z

ONE_IN = (10, 100, 1_000, 10_000)
ENOUGH = 30.0  # account-days to be expected for a ratio to be judged

Floats = NDArray[np.float64]


class StatedRarity(msgspec.Struct, frozen=True):
    """Account-days stated as 1 in so many or rarer; the limits are those of what came."""

    one_in: int
    expected: float
    came: int
    low: float
    high: float

    @property
    def times(self) -> float:
        """How many times as often as stated it came."""
        return self.came / self.expected if self.expected else 0.0


class RarityCalibration(msgspec.Struct, frozen=True):
    """Of one measure, of evidence, of the classifiers or of the score."""

    name: str
    stated: tuple[StatedRarity, ...]


def tally(counts: NDArray[np.uint32], table: NDArray[np.float32], tops: NDArray[np.intp]) -> Floats:
    """(m, len(ONE_IN), 2): what came and what was to be expected, by a day's counts (m, BINS).

    ``table`` (m, BINS) is what was in force, ``-ln`` of a share. Beyond the bins ``tops`` (m,) nothing can
    come: counters that are full.
    """
    found = np.zeros((len(counts), len(ONE_IN), 2))
    at_or_above = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
    for n, one_in in enumerate(ONE_IN):
        rare = table >= log(one_in) - 1e-6
        first = np.argmax(rare, axis=1)
        rows = np.flatnonzero(rare.any(axis=1) & (first <= tops))
        found[rows, n, 0] = at_or_above[rows, first[rows]]
        found[rows, n, 1] = counts[rows].sum(axis=1) * np.exp(-table[rows, first[rows]].astype(np.float64))
    return found


def tally_scores(scores: Sequence[float], account_days: int, complete: int) -> Floats:
    """The same (1, len(ONE_IN), 2) of a day's highest scores; only where ``complete`` of them tell it."""
    found = np.zeros((1, len(ONE_IN), 2))
    for n, one_in in enumerate(ONE_IN):
        if 3 * account_days / one_in <= complete and log(one_in) > log(12.5):  # no score below FLOOR is kept
            found[0, n] = sum(score >= log(one_in) for score in scores), account_days / one_in
    return found


def calibrations(names: Sequence[str], tallies: Floats) -> tuple[RarityCalibration, ...]:
    """From summed tallies (m, len(ONE_IN), 2)."""
    return tuple(
        RarityCalibration(
            name,
            tuple(
                StatedRarity(one_in, round(expected, 2), int(came), *poisson_limits(int(came)))
                for one_in, (came, expected) in zip(ONE_IN, row, strict=True)
            ),
        )
        for name, row in zip(names, tallies.tolist(), strict=True)
    )


def pooled(parts: Sequence[Sequence[RarityCalibration]]) -> tuple[RarityCalibration, ...]:
    """Of several libraries together, by name."""
    rows: dict[str, Floats] = {}
    for one in (one for part in parts for one in part):
        row = np.array([[stated.came, stated.expected] for stated in one.stated])
        rows[one.name] = rows.get(one.name, np.zeros_like(row)) + row
    return calibrations(tuple(rows), np.stack(tuple(rows.values()))) if rows else ()


def poisson_limits(count: int) -> tuple[float, float]:
    """95 % limits of the mean of a count."""
    low = count * (1 - 1 / (9 * count) - Z / (3 * sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    return round(low, 2), round(more * (1 - 1 / (9 * more) + Z / (3 * sqrt(more))) ** 3, 2)
