"""Randomness by key: every draw belongs to (seed, purpose, account, day, ...), never to the order of work.

So a world stays as it was when accounts or days are added, and any moment of it can be made alone.
"""

import math
from bisect import bisect
from collections.abc import Sequence
from enum import IntEnum

import numpy as np

_MASK = 0xFFFFFFFFFFFFFFFF


class Purpose(IntEnum):
    """What a stream is drawn for; the first part of its key. Numbers are for ever."""

    PERSON = 1
    ACTIVITY = 2
    MOOD = 3
    DAY = 4
    CROWD = 5
    PLAN = 6
    THEFT = 7
    LIVE = 8
    GEOGRAPHY = 9


def stream(seed: int, purpose: Purpose, *keys: int) -> np.random.Generator:
    """An independent generator for the key (numpy's SeedSequence spawn keys, PCG64)."""
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(int(purpose), *keys))
    return np.random.Generator(np.random.PCG64(sequence))


def mix(*parts: int) -> int:
    """64 bits that look random and depend on all parts (splitmix64, Steele et al. 2014)."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (state ^ part) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def choose(cumulative: Sequence[float], uniform: float) -> int:
    """Index drawn from cumulative weights by a uniform number in [0, 1)."""
    return min(bisect(cumulative, uniform * cumulative[-1]), len(cumulative) - 1)


def lognormal(median: float, sigma: float, normal: float) -> float:
    """The lognormal value for a standard normal deviate."""
    return median * math.exp(sigma * normal)
