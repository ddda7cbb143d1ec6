"""Rarity calibration: what came against what was stated."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.baselines import TAIL_CAP, count, prior_survival, table
from models.evaluation.rarity import ONE_IN, calibrations, poisson_limits, pooled, tally, tally_scores
from models.scale import BINS, BINS_PER_E

PRIOR = prior_survival((1.0, 6.0, 15.0, 35.0))[None, :]
ANY = np.array([BINS - 1])


def counted(values: NDArray[np.float64]) -> NDArray[np.uint32]:
    return count(np.minimum(BINS_PER_E * np.log1p(values), BINS - 1.001)[:, None])


def sample(seed: int, scale: float = 10.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).exponential(scale, 100_000)


def test_what_is_as_before_comes_as_stated() -> None:
    stated = table(counted(sample(1)), PRIOR, TAIL_CAP)
    (one,) = calibrations(["DOCS_1H"], tally(counted(sample(2)), stated, ANY))
    assert one.name == "DOCS_1H"
    assert [s.one_in for s in one.stated] == list(ONE_IN)
    for s in one.stated[:3]:
        assert s.expected == pytest.approx(100_000 / s.one_in, rel=0.5)
        assert s.times == pytest.approx(1.0, abs=0.3)
        assert s.low < s.came < s.high


def test_readers_who_read_twice_as_much_come_more_often_than_stated() -> None:
    stated = table(counted(sample(1)), PRIOR, TAIL_CAP)
    (one,) = calibrations(["DOCS_1H"], tally(counted(sample(2, 20.0)), stated, ANY))
    assert one.stated[2].times > 5
    assert one.stated[2].low / one.stated[2].expected > 1.5


def test_beyond_a_counter_that_is_full_nothing_is_expected() -> None:
    values = np.minimum(sample(1), 16.0) // 1
    stated = table(counted(values), PRIOR, TAIL_CAP)
    full = np.array([int(BINS_PER_E * np.log1p(16.0))])
    rare = tally(counted(values), stated, full)[0, 2]
    assert rare.tolist() == [0, 0], "1 in 1,000 is beyond the 16 places"


def test_scores_are_judged_only_where_enough_of_them_are_kept() -> None:
    told = tally_scores([7.0, 7.0, 5.0], account_days=2_000, complete=120)[0]
    assert told[:, 1].tolist() == [0, 20, 2, 0.2]
    assert told[:, 0].tolist() == [0, 3, 2, 0]


def test_libraries_are_pooled_by_name() -> None:
    stated = table(counted(sample(1)), PRIOR, TAIL_CAP)
    one = calibrations(["A"], tally(counted(sample(2)), stated, ANY))
    (both,) = pooled([one, one])
    assert both.stated[0].came == 2 * one[0].stated[0].came
    assert pooled([]) == ()


@pytest.mark.parametrize(("count_", "low", "high"), [(0, 0.0, 3.69), (10, 4.80, 18.39), (100, 81.36, 121.63)])
def test_limits_of_a_count(count_: int, low: float, high: float) -> None:
    """Exact ones (Garwood 1936), to the error of the approximation."""
    assert poisson_limits(count_) == pytest.approx((low, high), rel=0.02, abs=0.1)
