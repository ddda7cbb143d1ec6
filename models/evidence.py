"""Evidence: measures -> surprises -> groups -> one number. Compiled, pure, no state.

A surprise is ``-ln p``: p is the share of account-days whose largest value reaches the present one
(see ``models.baselines``). Groups take their largest surprise; evidence is what the groups say
beyond an ordinary level, ``sum(max(0, group - 2))``, where an hour, a day and a week of the same
reading are not counted three times.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.scale import BINS, BINS_PER_E

CAP = 16.0  # of one surprise
ORDINARY = 2.0  # what a group may say without being evidence
VOLUME_GROUPS = 3  # the first groups tell of one thing, volume, over three windows:
OVERLAP = 0.4  # the strongest of them counts whole, the others by this share


@njit
def position(value: float) -> float:
    """Where a value >= 0 falls on the common logarithmic scale, 0 to BINS - 1."""
    if not value > 0.0:  # also NaN
        return 0.0
    scaled: float = min(BINS_PER_E * math.log1p(value), BINS - 1.001)
    return scaled


@njit
def surprise(row: NDArray[np.float32], at: float) -> float:
    """What one measure's table (``BINS`` values of -ln p) says at a position.

    Read at the bin as a whole and not between its edges: a whole number stands anywhere in its bin, and is as
    rare as all that reach it.
    """
    said: float = row[int(at)]
    return said


@njit
def weigh(
    measures: NDArray[np.float64],
    table: NDArray[np.float32],
    group_of: NDArray[np.int64],
    groups: NDArray[np.float64],
) -> float:
    """Fill ``groups`` with the largest surprise of each and return the evidence.

    Shapes: measures (K,), table (K, BINS), group_of (K,), groups (G,).
    """
    groups[:] = 0.0
    for k in range(measures.shape[0]):
        if measures[k] > 0.0:
            s = surprise(table[k], position(measures[k]))
            groups[group_of[k]] = max(groups[group_of[k]], s)
    total, strongest = 0.0, 0.0
    for g in range(groups.shape[0]):
        said = max(0.0, groups[g] - ORDINARY)
        if g < VOLUME_GROUPS:
            strongest = max(strongest, said)
            said *= OVERLAP
        total += said
    total += (1.0 - OVERLAP) * strongest
    return total
