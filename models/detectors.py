"""River's half-space trees over the groups of evidence, with a plain-data snapshot.

Learns once a day of event time from account-days (their largest surprise per group), in an order
that does not depend on how the stream was cut; scores single moments. Inputs are surprises / CAP,
so inside [0, 1] as the trees need. A burst is one account-day here and cannot teach itself, which
is how half-space trees otherwise go blind (River's own documentation warns of packed anomalies).
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numba import njit
from numpy.typing import NDArray
from river.anomaly import HalfSpaceTrees

from models.evidence import CAP

TREES = 25
HEIGHT = 8
WINDOW = 1000  # account-days; the masses of one window score the next
SEED = 1


class TreesSnapshot(msgspec.Struct, frozen=True):
    """The trees' masses; their shape follows from the seed."""

    names: tuple[str, ...]
    counter: int
    first_window: bool
    masses: tuple[tuple[tuple[int, int], ...], ...]  # per tree, per node in order: (left, right)


class Dense(NamedTuple):
    """The trees as arrays (TREES, nodes), root first: node n has the children 2n + 1 and 2n + 2."""

    inputs: NDArray[np.int64]  # index of the group that a node splits on; 0 at a leaf
    thresholds: NDArray[np.float64]
    masses: NDArray[np.float64]  # of the window before


class Trees:
    """``score`` then ``learn``; ``None`` while the first window is not full."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._model = HalfSpaceTrees(n_trees=TREES, height=HEIGHT, window_size=WINDOW, seed=SEED)
        self._dense: Dense | None = None  # made anew when a window was full

    @property
    def ready(self) -> bool:
        return not self._model._first_window

    def _inputs(self, groups: Sequence[float]) -> dict[str, float]:
        return {n: min(1.0, max(0.0, g / CAP)) for n, g in zip(self._names, groups, strict=True)}

    def score(self, groups: Sequence[float]) -> float | None:
        """How far from the crowd, >= 0 and unbounded: ``-2 ln(1 - score)`` on the scale of a measure."""
        if not self.ready:
            return None
        if self._dense is None:
            self._dense = self._copied()
        if len(groups) != len(self._names):
            raise ValueError(f"{len(groups)} groups instead of {len(self._names)}")
        mass: float = mass_of(np.array(groups, np.float64), *self._dense, self._model.size_limit)
        raw = 1 - mass / self._model._max_score
        return math.expm1(-0.5 * math.log(max(1.0 - raw, 1e-9)))

    def _copied(self) -> Dense:
        places = {name: at for at, name in enumerate(self._names)}
        shape = TREES, 2 ** (HEIGHT + 1) - 1
        dense = Dense(np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape))
        for t, tree in enumerate(self._model.trees):
            open_nodes = [(tree, 0)]
            while open_nodes:
                node, n = open_nodes.pop()
                dense.masses[t, n] = node.r_mass
                if n < 2**HEIGHT - 1:
                    dense.inputs[t, n], dense.thresholds[t, n] = places[node.feature], node.threshold
                    open_nodes += zip(node.children, (2 * n + 1, 2 * n + 2), strict=True)
        return dense

    def learn(self, rows: Iterable[Sequence[float]]) -> None:
        for groups in rows:
            self._model.learn_one(self._inputs(groups))
            if not self._model.counter:  # a window is full: from now on its masses score
                self._dense = None

    def snapshot(self) -> bytes:
        model = self._model
        masses = tuple(tuple((n.l_mass, n.r_mass) for n in nodes) for nodes in model._tree_nodes)
        return msgspec.json.encode(
            TreesSnapshot(
                names=self._names,
                counter=model.counter,
                first_window=model._first_window,
                masses=masses,
            )
        )

    @classmethod
    def from_snapshot(cls, blob: bytes) -> "Trees":
        """Rebuild the trees from their seed and put the masses back."""
        saved = msgspec.json.decode(blob, type=TreesSnapshot)
        trees = cls(saved.names)
        if not saved.masses:
            return trees
        trees.learn([[0.0] * len(saved.names)])
        for tree, masses in zip(trees._model.trees, saved.masses, strict=True):
            for node, (left, right) in zip(tree.iter_dfs(), masses, strict=True):
                node.l_mass, node.r_mass = left, right
        trees._model.counter = saved.counter
        trees._model._first_window = saved.first_window
        return trees


@njit
def mass_of(
    groups: NDArray[np.float64],
    inputs: NDArray[np.int64],
    thresholds: NDArray[np.float64],
    masses: NDArray[np.float64],
    least: float,
) -> float:
    """What River's ``_walk_score`` sums up over the trees: mass times 2 to the depth, down to ``least``.

    Of ``groups`` (G,) it sees what ``Trees._inputs`` makes of them.
    """
    values = groups / CAP
    for g in range(values.shape[0]):
        if not values[g] > 0.0:  # also NaN
            values[g] = 0.0
        elif values[g] > 1.0:
            values[g] = 1.0
    whole = 0.0
    for t in range(masses.shape[0]):
        node, weight, score = 0, 1.0, 0.0
        while True:
            score += masses[t, node] * weight
            if 2 * node + 2 >= masses.shape[1] or masses[t, node] < least:
                break
            node = 2 * node + (1 if values[inputs[t, node]] < thresholds[t, node] else 2)
            weight *= 2.0
        whole += score
    return whole
