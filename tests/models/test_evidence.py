"""Measures -> surprises -> groups -> evidence."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.evidence import CAP, ORDINARY, OVERLAP, VOLUME_GROUPS, position, surprise, weigh
from models.scale import BINS, BINS_PER_E

LINE = np.arange(BINS, dtype=np.float32) / 16  # surprise grows by 1/16 a bin


def values(*surprises: float) -> NDArray[np.float64]:
    """Measures that stand where ``LINE`` has these surprises."""
    return np.array([math.expm1(16 * s / BINS_PER_E) for s in surprises])


anything = st.floats(allow_nan=True, allow_infinity=True)


def test_zero_and_less_and_nan_stand_at_the_start() -> None:
    assert position(0.0) == position(-5.0) == position(math.nan) == 0.0


def test_positions_are_logarithmic() -> None:
    assert position(math.e - 1) == pytest.approx(BINS_PER_E)
    assert position(1e9) == position(math.inf) < BINS - 1


@given(anything, anything)
def test_positions_are_in_range_and_keep_the_order(a: float, b: float) -> None:
    assert 0.0 <= position(a) < BINS - 1
    if a <= b:
        assert position(a) <= position(b)


def test_a_table_is_read_by_whole_bins() -> None:
    """A whole number stands anywhere in its bin: it is as rare as all that reach the bin."""
    assert surprise(LINE, 16.0) == surprise(LINE, 16.9) == pytest.approx(1.0)
    assert surprise(LINE, BINS - 1.001) == pytest.approx((BINS - 2) / 16, rel=1e-6)


def test_a_group_says_its_strongest_and_only_beyond_the_ordinary() -> None:
    table = np.stack([LINE] * 4)
    groups = np.full(6, 99.0)
    evidence = weigh(values(5, 3, 1, 0), table, np.array([3, 3, 4, 5]), groups)
    assert groups.tolist() == pytest.approx([0, 0, 0, 5.0, 1.0, 0.0])
    assert evidence == pytest.approx(5.0 - ORDINARY)


def test_an_hour_a_day_and_a_week_of_the_same_reading_are_not_counted_three_times() -> None:
    table = np.stack([LINE] * 4)
    assert VOLUME_GROUPS == 3
    evidence = weigh(values(6, 5, 4, 7), table, np.array([1, 0, 2, 3]), np.zeros(4))
    assert evidence == pytest.approx(4 + OVERLAP * (3 + 2) + 5)
    alone = weigh(values(6, 0, 0, 0), table, np.array([1, 0, 2, 3]), np.zeros(4))
    assert alone == pytest.approx(4)


@given(st.lists(anything, min_size=6, max_size=6))
def test_evidence_is_finite_whatever_is_measured(measures: list[float]) -> None:
    table = np.stack([np.minimum(LINE, CAP)] * 6)
    groups = np.zeros(5)
    evidence = weigh(np.array(measures), table, np.array([0, 1, 2, 3, 4, 4]), groups)
    assert np.isfinite(groups).all()
    assert 0.0 <= evidence <= np.maximum(0.0, groups - ORDINARY).sum() + 1e-9


@given(st.integers(0, 5), st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_of_a_measure_is_never_less_evidence(k: int, less: float, more: float) -> None:
    table, group_of = np.stack([LINE] * 6), np.array([0, 1, 2, 3, 4, 4])
    low, high = np.full(6, 3.0), np.full(6, 3.0)
    low[k], high[k] = min(less, more), max(less, more)
    assert weigh(low, table, group_of, np.zeros(5)) <= weigh(high, table, group_of, np.zeros(5)) + 1e-9
