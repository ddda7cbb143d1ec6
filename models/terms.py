"""Terms: what a linear model sees of a moment. Compiled, pure; no BLAS, so the same bits on every machine.

A linear model on surprises alone cannot say "and": so each surprise comes with three hinges, which let its
weight change where it becomes rare, and the groups come in pairs as products. Behind them stands the context,
whose account it is: it may speak for a reader, which no measure may.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.evidence import position, surprise

SCALE = 4.0  # surprises are divided by it
HINGES = (2.0, 4.6, 8.0)  # surprises beyond which a further weight counts
CONTEXT_SCALE = 48.0  # positions of the context are divided by it
CROSSED = (
    2  # of the context, the first ones: where they are zero, groups may count more, or where they are not
)
GROUP_MOST = 8.0  # of a group in a product: without it the product of extremes drowns everything else


def context_from(measures: int, groups: int) -> int:
    """Number of the first term of the context: those before it tell of what is unusual."""
    return measures * (1 + len(HINGES)) + groups * (groups - 1) // 2 + 2 * CROSSED * groups


def count(measures: int, groups: int, context: int) -> int:
    """How many terms there are."""
    return context_from(measures, groups) + 2 * context


@njit
def fill(
    measures: NDArray[np.float64],
    table: NDArray[np.float32],
    group_of: NDArray[np.int64],
    groups: NDArray[np.float64],
    context: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill ``out`` (``count`` terms) and ``groups`` (G,), the largest surprise of each group.

    Shapes: measures (K,) and context (C,) as positions on the common scale, table (K, BINS), group_of (K,).
    """
    groups[:] = 0.0
    at = 0
    for k in range(measures.shape[0]):
        s = surprise(table[k], measures[k]) if measures[k] > 0.0 else 0.0
        groups[group_of[k]] = max(groups[group_of[k]], s)
        out[at] = s / SCALE
        at += 1
        for hinge in HINGES:
            out[at] = max(0.0, s - hinge) / SCALE
            at += 1
    for a in range(groups.shape[0]):
        for b in range(a + 1, groups.shape[0]):
            product = min(groups[a], GROUP_MOST) * min(groups[b], GROUP_MOST)
            out[at] = 0.5 * product / (SCALE * SCALE)
            at += 1
    for c in range(CROSSED):
        for g in range(groups.shape[0]):
            told = min(groups[g], GROUP_MOST) / GROUP_MOST
            out[at], out[at + 1] = (told, 0.0) if context[c] > 0.0 else (0.0, told)
            at += 2
    for c in range(context.shape[0]):
        part = context[c] / CONTEXT_SCALE
        out[at], out[at + 1] = part, max(0.0, 1.0 - part)
        at += 2


@njit
def positions(measures: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Measures (K,) on the common scale."""
    for k in range(measures.shape[0]):
        out[k] = position(measures[k])
