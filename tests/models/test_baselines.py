"""Histograms of account-days -> tables of surprise."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.baselines import (
    PRIOR_DAYS,
    PRIOR_SHARES,
    SLOPE,
    TAIL_CAP,
    count,
    moments,
    part_tables,
    prior_survival,
    table,
)
from models.evidence import CAP
from models.scale import BINS, BINS_PER_E

PRIOR = prior_survival((1.0, 6.0, 15.0, 35.0))[None, :]
NOTHING = np.zeros((1, BINS), np.uint32)
quantiles = st.lists(st.floats(0, 1e5), min_size=4, max_size=4).map(sorted)


def positions(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.minimum(BINS_PER_E * np.log1p(values), BINS - 1.001)


def sample(n: int, scale: float = 10.0, seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).exponential(scale, n)


def at(row: NDArray[np.float32], value: float) -> float:
    return float(np.interp(BINS_PER_E * np.log1p(value), np.arange(BINS), row))


@given(quantiles)
def test_a_prior_starts_at_one_and_only_falls(four: list[float]) -> None:
    survival = prior_survival(four)
    assert survival.shape == (BINS,)
    assert survival[0] == 1.0
    assert (np.diff(survival) <= 0).all()
    assert np.isfinite(survival).all()
    assert (survival > 0).all()


def test_a_prior_passes_through_its_quantiles() -> None:
    for value, share in zip((1.0, 6.0, 15.0, 35.0), PRIOR_SHARES, strict=True):
        assert at(-np.log(PRIOR[0]), value) == pytest.approx(-np.log(share), abs=0.15)


def test_four_zeros_mean_that_it_never_happens() -> None:
    never = prior_survival((0.0, 0.0, 0.0, 0.0))
    assert never[0] == 1.0
    assert never[1] < PRIOR_SHARES[-1]


def test_a_histogram_counts_every_account_day_once() -> None:
    counts = count(np.array([[0.0, 3.7], [0.2, 254.9], [9.0, 3.0]]))
    assert counts.shape == (2, BINS)
    assert counts.dtype == np.uint32
    assert counts.sum(axis=1).tolist() == [3, 3]
    assert counts[0, [0, 9]].tolist() == [2, 1]
    assert counts[1, [3, 254]].tolist() == [2, 1]


def test_positions_out_of_range_are_counted_at_the_ends() -> None:
    counts = count(np.array([[-3.0], [1e9]]))
    assert counts[0, 0] == counts[0, BINS - 1] == 1


def test_no_account_day_gives_an_empty_histogram() -> None:
    assert not count(np.zeros((0, 5))).any()
    assert count(np.zeros((0, 5))).shape == (5, BINS)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 254), max_size=80), st.integers(0, 80))
def test_parts_counted_apart_merge_by_addition(days: list[float], cut: int) -> None:
    rows = np.array(days).reshape(-1, 1)
    whole = count(rows)
    parts = count(rows[:cut]) + count(rows[cut:])
    assert np.array_equal(whole, parts)
    assert np.array_equal(table(whole, PRIOR), table(parts, PRIOR))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=BINS, max_size=BINS) | st.just([0] * BINS), quantiles)
def test_a_table_is_zero_at_zero_and_only_rises(counts: list[int], four: list[float]) -> None:
    made = table(np.array([counts], np.uint32), prior_survival(four)[None, :])
    assert made.shape == (1, BINS)
    assert made[0, 0] == 0.0
    assert (np.diff(made[0]) >= -1e-6).all()
    assert np.isfinite(made).all()
    assert made.max() <= CAP


def test_without_days_the_prior_speaks() -> None:
    made = table(NOTHING, PRIOR)[0]
    for value, share in ((1.0, 0.5), (6.0, 0.1), (15.0, 0.01)):
        assert at(made, value) == pytest.approx(-np.log(share), abs=0.3)


def test_the_prior_fades_as_days_come_in() -> None:
    """Readers here read ten times the prior: what it finds rare is ordinary after some days."""
    surprises = [
        at(table(count(positions(sample(n, 60.0))[:, None]), PRIOR)[0], 35.0) for n in (0, 100, 1000, 20_000)
    ]
    assert surprises == sorted(surprises, reverse=True)
    assert surprises[0] > 6
    assert surprises[-1] == pytest.approx(35 / 60, abs=0.1)


def test_the_body_is_the_share_itself() -> None:
    values = sample(50_000)
    made = table(count(positions(values)[:, None]), PRIOR)[0]
    for value in (5.0, 12.0, 25.0):
        assert at(made, value) == pytest.approx(-np.log((values >= value).mean()), abs=0.15)


def test_beyond_the_last_counts_the_tail_goes_on_in_a_straight_line() -> None:
    values = sample(5000)
    made = table(count(positions(values)[:, None]), PRIOR, cap=TAIL_CAP)[0].astype(float)
    start = int(positions(np.sort(values))[-10]) + 1
    rising = made[start:][made[start:] < TAIL_CAP]
    steps = np.diff(rising)
    assert steps == pytest.approx(np.full(len(steps), steps[0]), rel=0.01)
    assert SLOPE[0] <= steps[0] <= SLOPE[1]


def test_a_single_monster_does_not_flatten_the_tail_for_all() -> None:
    values = sample(5000)
    with_one = np.append(values, 30_000.0)
    usual, shaken = (table(count(positions(v)[:, None]), PRIOR)[0] for v in (values, with_one))
    assert at(shaken, 120.0) > 0.7 * at(usual, 120.0)


def test_a_cap_holds() -> None:
    assert table(NOTHING, PRIOR, cap=3.0).max() == 3.0


def test_moments_of_many_days() -> None:
    values = sample(100_000)
    mean, var = moments(count(positions(values)[:, None]), PRIOR)
    assert mean[0] == pytest.approx(np.log1p(values).mean(), abs=0.03)
    assert var[0] == pytest.approx(np.log1p(values).var(), rel=0.05)


@given(quantiles)
def test_moments_of_a_prior_alone_are_usable(four: list[float]) -> None:
    mean, var = moments(NOTHING, prior_survival(four)[None, :])
    assert np.isfinite(mean).all()
    assert (var >= -1e-9).all()


def test_the_prior_fades_with_the_days_that_come() -> None:
    many = np.zeros((1, BINS), np.uint32)
    many[0, 100] = int(PRIOR_DAYS)
    made = table(many, PRIOR)[0]
    assert made[50] == pytest.approx(-np.log((2 + PRIOR[0, 50]) / 3), abs=0.01)


# Kinds of measure, as they come: each with its shape drawn at random.
def whole_numbers(rng: np.random.Generator, n: int, size: float) -> NDArray[np.float64]:
    return rng.poisson(size * rng.gamma(1.0, 1.0, n)).astype(float)


def atoms(rng: np.random.Generator, n: int, size: float) -> NDArray[np.float64]:
    return np.where(rng.random(n) < 0.9, 0.0, np.round(rng.exponential(size, n), 1) + 0.693)


def saturated(rng: np.random.Generator, n: int, size: float) -> NDArray[np.float64]:
    return np.minimum(whole_numbers(rng, n, size), 16.0)


def heavy(rng: np.random.Generator, n: int, size: float) -> NDArray[np.float64]:
    return size * rng.pareto(1.5, n)


def mixture(rng: np.random.Generator, n: int, size: float) -> NDArray[np.float64]:
    return np.where(rng.random(n) < 0.97, rng.exponential(size, n), rng.exponential(20 * size, n))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([whole_numbers, atoms, saturated, heavy, mixture]),
    st.floats(0.3, 40.0),
    st.integers(0, 2**32 - 1),
    quantiles,
)
def test_what_is_told_as_one_in_so_many_comes_so_often(
    kind: Callable[..., NDArray[np.float64]], size: float, seed: int, four: list[float]
) -> None:
    """Whatever was believed before: by the table of one fortnight, over the account-days of another."""
    rng = np.random.default_rng(seed)
    made = table(count(positions(kind(rng, 60_000, size))[:, None]), prior_survival(four)[None, :], TAIL_CAP)
    bins = positions(kind(rng, 60_000, size)).astype(int)
    told = made[0][bins]
    for one_in in (10, 100, 1000):
        reached = told[told >= np.log(one_in)]  # where no value stands at 1 in N itself: the next rarer one
        expected = len(told) * np.exp(-reached.min()) if len(reached) else 0.0
        if expected >= 60:
            assert expected / 1.5 <= len(reached) <= 1.5 * expected


def test_a_counter_that_is_full_says_at_least() -> None:
    values = np.minimum(np.random.default_rng(1).exponential(5.0, 20_000) // 1, 16.0)
    made = table(count(positions(values)[:, None]), PRIOR, TAIL_CAP)[0]
    told = made[int(BINS_PER_E * np.log1p(16.0))]
    assert told == pytest.approx(-np.log((values == 16.0).mean()), abs=0.05)


def test_a_part_of_which_nothing_is_known_is_as_the_whole() -> None:
    whole = table(count(positions(sample(20_000))[:, None]), PRIOR, TAIL_CAP)
    assert part_tables(NOTHING, whole, TAIL_CAP) == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize(("days", "times"), [(150, 13.0), (600, 4.0), (5_000, 2.0)])
def test_a_small_part_that_is_unusual_is_not_above_a_score_much_more_often(days: int, times: float) -> None:
    """Its days are twice as large as everyone's: by the whole's table far too many would be above."""
    crowd = count(positions(sample(100_000))[:, None])
    whole = table(crowd, PRIOR, TAIL_CAP)
    part = part_tables(count(positions(sample(days, 20.0, seed=2))[:, None]), whole, TAIL_CAP)
    later = sample(100_000, 20.0, seed=3)
    for score in (5.0, 7.0):
        allowed = 100_000 * np.exp(-score)
        above = [
            sum(np.interp(positions(later), np.arange(BINS), row) >= score) for row in (whole[0], part[0])
        ]
        assert above[0] > 2 * above[1] > 0
        assert above[1] < times * allowed


@given(st.integers(0, 400), st.integers(0, 2**32 - 1))
def test_a_part_s_table_only_rises(days: int, seed: int) -> None:
    whole = table(count(positions(sample(5_000))[:, None]), PRIOR, TAIL_CAP)
    found = part_tables(count(positions(sample(days, seed=seed))[:, None]), whole, TAIL_CAP)[0]
    assert (np.diff(found) >= -1e-5).all()
    assert found[0] == 0.0
    assert found.max() <= TAIL_CAP
