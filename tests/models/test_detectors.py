"""The contract of a detector, kept by the half-space trees."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.detectors import WINDOW, Trees
from models.evidence import CAP

NAMES = tuple(f"group{i}" for i in range(9))
anything = st.floats(allow_nan=True, allow_infinity=True)


def ordinary(n: int, seed: int = 1) -> list[list[float]]:
    rng = random.Random(seed)
    return [[min(CAP, rng.expovariate(1.0)) for _ in NAMES] for _ in range(n)]


@pytest.fixture(scope="module")
def taught() -> Trees:
    trees = Trees(NAMES)
    trees.learn(ordinary(WINDOW))
    return trees


def test_no_score_before_the_first_window_is_full() -> None:
    trees = Trees(NAMES)
    assert trees.score([1.0] * 9) is None
    trees.learn(ordinary(WINDOW - 1))
    assert not trees.ready
    assert trees.score([1.0] * 9) is None
    trees.learn(ordinary(1, seed=2))
    assert trees.ready
    assert trees.score([1.0] * 9) is not None


def test_scoring_does_not_teach(taught: Trees) -> None:
    before = taught.snapshot()
    first = [taught.score(g) for g in ordinary(50, seed=3)]
    assert [taught.score(g) for g in ordinary(50, seed=3)] == first
    assert taught.snapshot() == before


def test_the_strange_score_higher_than_the_ordinary(taught: Trees) -> None:
    crowd = sorted(taught.score(g) or 0.0 for g in ordinary(200, seed=4))
    strange = taught.score([12.0, 10.0, 8.0, 9.0, 0.0, 11.0, 0.0, 9.0, 12.0])
    assert strange is not None
    assert strange > crowd[-1]


@settings(deadline=None, max_examples=60)
@given(st.lists(anything, min_size=9, max_size=9))
def test_any_input_gives_a_finite_score_from_zero_up(taught: Trees, groups: list[float]) -> None:
    score = taught.score(groups)
    assert score is not None
    assert math.isfinite(score)
    assert score >= 0.0


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(0.0, CAP), min_size=9, max_size=9))
def test_the_dense_copy_scores_as_river_does_to_the_bit(taught: Trees, groups: list[float]) -> None:
    river = taught._model.score_one(taught._inputs(groups))
    assert taught.score(groups) == math.expm1(-0.5 * math.log(max(1.0 - river, 1e-9)))


def test_missing_and_extreme_inputs_are_clipped(taught: Trees) -> None:
    assert taught.score([math.nan] * 9) == taught.score([-3.0] * 9) == taught.score([0.0] * 9)
    assert taught.score([math.inf] * 9) == taught.score([1e300] * 9) == taught.score([CAP] * 9)


def test_learning_any_input_does_not_poison(taught: Trees) -> None:
    trees = Trees.from_snapshot(taught.snapshot())
    trees.learn([[math.nan] * 9, [math.inf] * 9, [-math.inf] * 9] * 20)
    trees.learn(ordinary(WINDOW, seed=5))
    assert all(math.isfinite(trees.score(g) or 0.0) for g in ordinary(50, seed=6))


@pytest.mark.parametrize("learned", [0, 1, WINDOW // 2, WINDOW, WINDOW + 250])
def test_a_snapshot_has_the_same_scores_and_the_same_future(learned: int) -> None:
    trees = Trees(NAMES)
    trees.learn(ordinary(learned))
    copy = Trees.from_snapshot(trees.snapshot())
    assert copy.snapshot() == trees.snapshot()
    for model in (trees, copy):
        model.learn(ordinary(WINDOW, seed=7))
    asked = ordinary(50, seed=8)
    assert [copy.score(g) for g in asked] == [trees.score(g) for g in asked]
    assert copy.snapshot() == trees.snapshot()


def test_a_snapshot_is_plain_data(taught: Trees) -> None:
    assert taught.snapshot()[:1] == b"{"


def test_the_same_days_make_the_same_trees() -> None:
    one, two = Trees(NAMES), Trees(NAMES)
    one.learn(ordinary(WINDOW))
    for row in ordinary(WINDOW):
        two.learn([row])
    assert one.snapshot() == two.snapshot()


def test_within_a_window_the_order_of_days_does_not_matter() -> None:
    one, two = Trees(NAMES), Trees(NAMES)
    one.learn(ordinary(WINDOW))
    two.learn(reversed(ordinary(WINDOW)))
    assert one.snapshot() == two.snapshot()


def test_a_wrong_number_of_groups_is_refused(taught: Trees) -> None:
    with pytest.raises(ValueError, match="8 groups instead of 9"):
        taught.score([1.0] * 8)
