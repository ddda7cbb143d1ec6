"""River's half-space trees over the groups of evidence, with a plain-data snapshot.

Learns once a day of event time from account-days (their largest surprise per group), in an order
that does not depend on how the stream was cut; scores single moments. Inputs are surprises / CAP,
so inside [0, 1] as the trees need. A burst is one account-day here and cannot teach itself, which
is how half-space trees otherwise go blind (River's own documentation warns of packed anomalies).
"""

import math
from collections.abc import Iterable, Sequence

import msgspec
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


class Trees:
    """``score`` then ``learn``; ``None`` while the first window is not full."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._model = HalfSpaceTrees(n_trees=TREES, height=HEIGHT, window_size=WINDOW, seed=SEED)

    @property
    def ready(self) -> bool:
        return not self._model._first_window

    def _inputs(self, groups: Sequence[float]) -> dict[str, float]:
        return {n: min(1.0, max(0.0, g / CAP)) for n, g in zip(self._names, groups, strict=True)}

    def score(self, groups: Sequence[float]) -> float | None:
        """How far from the crowd, >= 0 and unbounded: ``-2 ln(1 - score)`` on the scale of a measure."""
        if not self.ready:
            return None
        raw = float(self._model.score_one(self._inputs(groups)))
        return math.expm1(-0.5 * math.log(max(1.0 - raw, 1e-9)))

    def learn(self, rows: Iterable[Sequence[float]]) -> None:
        for groups in rows:
            self._model.learn_one(self._inputs(groups))

    def snapshot(self) -> bytes:
        model = self._model
        masses = tuple(tuple((n.l_mass, n.r_mass) for n in tree.iter_dfs()) for tree in model.trees)
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
