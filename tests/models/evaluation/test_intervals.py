"""Intervals against published examples, and what must hold for any numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from models.evaluation.changes import proportion_change, rate_change
from models.evaluation.figures import burden
from models.evaluation.intervals import UNBOUNDED, holm, proportion, quartiles, ratio
from models.evaluation.records import Cell

COUNTS = st.integers(0, 500)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_wilson_as_scipy_has_it(hits: int, misses: int) -> None:
    n = hits + misses
    found = proportion(hits, n)
    if not n:
        assert (found.low, found.high) == (0.0, 1.0)
        return
    theirs = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert found.low == pytest.approx(theirs.low, abs=1e-4)
    assert found.high == pytest.approx(theirs.high, abs=1e-4)


def test_newcombe_s_example() -> None:
    """56 of 70 against 48 of 80: Newcombe 1998, table II, method 10: 0.0524 to 0.3339."""
    change = proportion_change("x", proportion(48, 80), proportion(56, 70))
    assert change.low == pytest.approx(0.0524, abs=2e-4)
    assert change.high == pytest.approx(0.3339, abs=2e-4)
    assert change.beyond


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(1, 1000), st.integers(0, 50), st.integers(0, 1000))
def test_a_ratio_lies_within_its_interval(count: int, exposure: int, rest: int, others: int) -> None:
    found = ratio(count, exposure, count + rest, exposure + others)
    assert found.low <= found.ratio + 1e-3
    assert found.ratio <= found.high + 1e-3
    assert 0 <= found.p <= 1


def test_equal_rates_have_no_difference() -> None:
    found = ratio(10, 1000, 40, 4000)
    assert (found.ratio, found.p) == (1.0, 1.0)


def test_without_exposure_nothing_is_known() -> None:
    assert ratio(0, 0, 5, 100).high == UNBOUNDED


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_and_keeps_the_order(p: list[float]) -> None:
    corrected = holm(p)
    assert all(after >= before - 1e-6 for before, after in zip(p, corrected, strict=True))
    ordered = [after for _, after in sorted(zip(p, corrected, strict=True))]
    assert ordered == sorted(ordered)


def test_quartiles_of_nothing() -> None:
    assert quartiles([]).n == 0


def test_rates_ten_times_as_high_are_beyond_chance() -> None:
    few, many = burden(Cell("", "", 10_000, 4, 4)), burden(Cell("", "", 10_000, 40, 40))
    assert rate_change("x", few, many).beyond
    assert not rate_change("x", few, few).beyond
