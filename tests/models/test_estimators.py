"""The contract of every River estimator here: score before learn, any input, save and load, order of time."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import terms
from models.classifiers import Classifiers
from models.detectors import WINDOW, Trees

MEASURES, GROUPS = 6, 3
INPUTS = {"trees": GROUPS, "classifiers": terms.count(MEASURES, GROUPS, 2)}
anything = st.floats(allow_nan=True, allow_infinity=True)
Rows = list[list[float]]


class Estimator(Protocol):
    """What the contract is about."""

    def score(self, row: Sequence[float]) -> float | None: ...
    def learn(self, rows: Rows) -> None: ...
    def snapshot(self) -> bytes: ...
    def loaded(self, blob: bytes) -> "Estimator": ...


class TreesAdapter:
    def __init__(self, trees: Trees | None = None) -> None:
        self._trees = trees or Trees([f"g{i}" for i in range(GROUPS)])

    def score(self, row: Sequence[float]) -> float | None:
        return self._trees.score(row)

    def learn(self, rows: Rows) -> None:
        self._trees.learn(rows)

    def snapshot(self) -> bytes:
        return self._trees.snapshot()

    def loaded(self, blob: bytes) -> "TreesAdapter":
        return TreesAdapter(Trees.from_snapshot(blob))


class ClassifiersAdapter:
    """Every third row is a theft of one of two families."""

    def __init__(self, models: Classifiers | None = None) -> None:
        fresh = Classifiers(
            ["burst", "drip"], INPUTS["classifiers"], terms.context_from(MEASURES, GROUPS), 5.0
        )
        self._models = models or fresh

    def score(self, row: Sequence[float]) -> float | None:
        return self._models.score(np.array(row))

    def learn(self, rows: Rows) -> None:
        self._models.learn(np.array(rows), [(-1, -1, n // 3 % 2)[n % 3] for n in range(len(rows))])

    def snapshot(self) -> bytes:
        return self._models.snapshot()

    def loaded(self, blob: bytes) -> "ClassifiersAdapter":
        return ClassifiersAdapter(Classifiers.from_snapshot(blob))


MAKERS: dict[str, Callable[[], Estimator]] = {"trees": TreesAdapter, "classifiers": ClassifiersAdapter}
every = pytest.mark.parametrize("name", MAKERS)


def ordinary(name: str, n: int, seed: int = 1) -> Rows:
    rng = random.Random(seed)
    return [[min(4.0, rng.expovariate(2.0)) for _ in range(INPUTS[name])] for _ in range(n)]


TAUGHT: dict[str, Estimator] = {}


def taught(name: str) -> Estimator:
    if name not in TAUGHT:
        TAUGHT[name] = MAKERS[name]()
        TAUGHT[name].learn(ordinary(name, WINDOW))
    return TAUGHT[name]


@every
def test_scoring_teaches_nothing(name: str) -> None:
    before = taught(name).snapshot()
    first = [taught(name).score(row) for row in ordinary(name, 20, seed=3)]
    assert [taught(name).score(row) for row in ordinary(name, 20, seed=3)] == first
    assert taught(name).snapshot() == before


@every
def test_a_score_is_known_before_the_row_is_learnt_and_learning_may_change_it(name: str) -> None:
    estimator = taught(name).loaded(taught(name).snapshot())
    rows = ordinary(name, WINDOW, seed=4)
    before = [estimator.score(row) for row in rows[:30]]
    estimator.learn(rows)
    assert before == [taught(name).score(row) for row in rows[:30]]
    assert before != [estimator.score(row) for row in rows[:30]]


@every
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_any_input_gives_a_finite_score_from_zero_up(name: str, data: st.DataObject) -> None:
    row = data.draw(st.lists(anything, min_size=INPUTS[name], max_size=INPUTS[name]))
    score = taught(name).score(row)
    assert score is not None
    assert math.isfinite(score)
    assert score >= 0.0


@every
def test_missing_values_teach_no_poison(name: str) -> None:
    estimator = taught(name).loaded(taught(name).snapshot())
    estimator.learn([[value] * INPUTS[name] for value in (math.nan, math.inf, -math.inf, 1e300)] * 10)
    estimator.learn(ordinary(name, WINDOW, seed=5))
    assert all(math.isfinite(estimator.score(row) or 0.0) for row in ordinary(name, 20, seed=6))


@every
def test_saved_and_loaded_it_has_the_same_scores_and_the_same_future(name: str) -> None:
    copies = [taught(name).loaded(taught(name).snapshot()) for _ in range(2)]
    copies[1] = copies[1].loaded(copies[1].snapshot())
    for estimator in copies:
        estimator.learn(ordinary(name, 300, seed=7))
    assert copies[0].snapshot() == copies[1].snapshot()
    asked = ordinary(name, 20, seed=8)
    assert [copies[0].score(row) for row in asked] == [copies[1].score(row) for row in asked]


@every
def test_the_same_days_in_the_same_order_make_the_same_bits(name: str) -> None:
    one, two = MAKERS[name](), MAKERS[name]()
    for seed in range(3):
        one.learn(ordinary(name, 120, seed))
        two.learn(ordinary(name, 120, seed))
    assert one.snapshot() == two.snapshot()
