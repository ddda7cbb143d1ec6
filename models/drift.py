"""Drift: has a daily figure of the site moved for good, since when, and which way? River's ADWIN decides.

A pure function of the days: the values since the last change are kept, and a detector is fed anew with them
every day, so there is nothing of River's to save. A week has its rhythm, so a value is taken against what its
weekday usually adds; and ADWIN is given multiples of the usual scatter, since its bound is made for numbers
near one.
"""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

import msgspec
from river.drift import ADWIN

DELTA = 0.02  # ADWIN's confidence: days are few
SHORTEST = 3  # days of a window
GRACE = 7  # days before the first change
KEPT = 120  # days
LEAST_SCATTER = 0.02  # of figures that are logarithms or shares
FARTHEST = 8.0  # in multiples of the scatter
RHYTHM_DAYS = 8  # of a weekday, over which its usual is averaged

T = TypeVar("T")


class LevelShift(msgspec.Struct, frozen=True):
    """The newest change of a series."""

    found: int  # day on which it was seen
    since: int  # first day after it
    before: float  # mean of the days before and since, weekdays evened out
    after: float

    @property
    def direction(self) -> int:
        """1 up, -1 down."""
        return 1 if self.after > self.before else -1


class Series(msgspec.Struct, frozen=True):
    """One figure, day by day since its last change."""

    days: tuple[int, ...] = ()
    values: tuple[float, ...] = ()  # with weekdays evened out
    rhythm: tuple[float, ...] = (0.0,) * 7  # what each weekday adds
    counted: tuple[int, ...] = (0,) * 7
    change: LevelShift | None = None


def observe(old: Series, day: int, value: float) -> Series:
    """With one more day's figure."""
    weekday = day % 7
    evened = value - old.rhythm[weekday]
    days, values = (*old.days, day)[-KEPT:], (*old.values, evened)[-KEPT:]
    change = old.change
    if _moved(values):
        at = _split(values)
        change = LevelShift(day, days[at], statistics.fmean(values[:at]), statistics.fmean(values[at:]))
        days, values = days[at:], values[at:]
    step = (evened - statistics.median(values)) / (min(old.counted[weekday], RHYTHM_DAYS - 1) + 1)
    return Series(
        days=days,
        values=values,
        rhythm=_put(old.rhythm, weekday, old.rhythm[weekday] + step),
        counted=_put(old.counted, weekday, old.counted[weekday] + 1),
        change=change,
    )


def _moved(values: Sequence[float]) -> bool:
    """Does ADWIN find that they do not all come from one distribution?"""
    middle = statistics.median(values)
    scatter = _scatter(values)
    detector = ADWIN(delta=DELTA, clock=1, min_window_length=SHORTEST, grace_period=GRACE)
    for value in values:
        detector.update(min(FARTHEST, max(-FARTHEST, (value - middle) / scatter)))
    return int(detector.n_detections) > 0


def _scatter(values: Sequence[float]) -> float:
    """Standard deviation about a level that may have moved: from the steps between days, robustly."""
    steps = [abs(b - a) for a, b in pairwise(values)]
    return max(LEAST_SCATTER, 1.4826 / math.sqrt(2.0) * statistics.median(steps)) if steps else LEAST_SCATTER


def _split(values: Sequence[float]) -> int:
    """Where two means fit best, by least squares. ADWIN forgets bucket by bucket and does not tell."""
    total, best = sum(values), (-1.0, 1)
    before = 0.0
    for at in range(1, len(values)):
        before += values[at - 1]
        between = before * before / at + (total - before) ** 2 / (len(values) - at)
        best = max(best, (between, at))
    return best[1]


def _put(these: tuple[T, ...], at: int, value: T) -> tuple[T, ...]:
    return (*these[:at], value, *these[at + 1 :])
