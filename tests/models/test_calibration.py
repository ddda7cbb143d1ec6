"""The budget of alerts a day is kept, with resting accounts and through changes."""

import math
import random
import statistics
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calibration import (
    CLIP,
    FLOOR,
    FORTNIGHT,
    KEPT_PER_ALERT,
    REST_DAYS,
    WINDOW_DAYS,
    Calibration,
    Candidate,
    close_day,
    probability,
)

ACCOUNTS = 600


def day_scores(
    day: int, rng: random.Random, scale: float = 1.0, habitual: int = 0, accounts: int = ACCOUNTS
) -> list[Candidate]:
    """Exponential scores of a day's accounts; ``habitual`` ones are always high (a reviewer, a miner)."""
    scores = [scale * rng.expovariate(1.0) for _ in range(accounts)]
    for account in range(habitual):
        scores[account] += 4.0
    return [Candidate(day, a, s) for a, s in enumerate(scores)]


def live(
    days: int,
    budget: float,
    seed: int,
    scale: float = 1.0,
    habitual: int = 0,
    load: Callable[[int], float] = lambda day: 1.0,
) -> list[int]:
    """Alerts opened each day by the threshold then in force, accounts resting after one."""
    rng, state, last, opened_on = random.Random(seed), Calibration(), dict[int, int](), []
    for day in range(days):
        scores = day_scores(day, rng, scale, habitual, round(ACCOUNTS * load(day)))
        opened = 0
        for c in scores:
            if c.score >= state.threshold:
                opened += day - last.get(c.account, -999) > REST_DAYS
                last[c.account] = day
        opened_on.append(opened)
        raised = [c for c in scores if c.score >= FLOOR]
        state = close_day(state, day, ACCOUNTS, opened, raised, budget)
    return opened_on


@pytest.mark.parametrize("budget", [1.0, 3.0, 10.0])
@pytest.mark.parametrize("habitual", [0, 20])
def test_alerts_a_day_come_within_30_percent_of_the_budget_after_two_weeks(
    budget: float, habitual: int
) -> None:
    later = [n for seed in range(3) for n in live(60, budget, seed, habitual=habitual)[14:]]
    assert statistics.mean(later) == pytest.approx(budget, rel=0.3)


def test_scores_that_run_too_high_are_brought_back() -> None:
    """Tails that overstate by half do not fill the queue."""
    later = [n for seed in range(3) for n in live(60, 3.0, seed, scale=1.5)[14:]]
    assert statistics.mean(later) == pytest.approx(3.0, rel=0.3)


def test_the_first_days_are_near_the_budget_when_scores_are_what_they_say() -> None:
    first = [statistics.mean(live(WINDOW_DAYS, 3.0, seed)[1:]) for seed in range(4)]
    assert statistics.mean(first) == pytest.approx(3.0, rel=0.4)


def test_a_quiet_site_is_not_filled_with_noise() -> None:
    state = Calibration()
    for day in range(30):
        state = close_day(state, day, 40, 0, [Candidate(day, 1, FLOOR + 0.01)], 50.0)
    assert state.threshold >= FLOOR


def test_the_feedback_is_clipped() -> None:
    silent, flooded = Calibration(), Calibration()
    for day in range(100):
        unusual = [Candidate(day, 60 * day + i, 8.0 + i / 100) for i in range(60)]
        silent = close_day(silent, day, ACCOUNTS, 0, unusual, 3.0)
        flooded = close_day(flooded, day, ACCOUNTS, 500, [], 3.0)
    assert silent.feedback == CLIP
    assert silent.threshold > FLOOR
    assert flooded.feedback == -CLIP


def test_the_feedback_does_not_wind_up_at_the_floor() -> None:
    calibration = Calibration()
    for day in range(100):
        calibration = close_day(calibration, day, ACCOUNTS, 0, [], 3.0)
    assert calibration.threshold == pytest.approx(FLOOR, abs=0.01)
    assert calibration.feedback < CLIP


def test_more_budget_is_a_lower_threshold() -> None:
    thresholds = []
    for budget in (1.0, 3.0, 10.0, 30.0):
        rng, state = random.Random(1), Calibration()
        for day in range(10):
            state = close_day(state, day, ACCOUNTS, round(budget), day_scores(day, rng), budget)
        thresholds.append(state.threshold)
    assert thresholds == sorted(thresholds, reverse=True)


def test_only_the_window_is_remembered() -> None:
    rng, state = random.Random(1), Calibration()
    for day in range(40):
        state = close_day(state, day, ACCOUNTS, 3, day_scores(day, rng), 3.0)
    assert {d[0] for d in state.days} == set(range(40 - FORTNIGHT, 40))
    assert {c.day for c in state.candidates} == set(range(40 - WINDOW_DAYS, 40))
    assert len(state.candidates) <= WINDOW_DAYS * KEPT_PER_ALERT * 3.0


def test_days_without_readers_leave_a_usable_threshold() -> None:
    state = close_day(Calibration(), 5, 0, 0, [], 3.0)
    state = close_day(state, 400, 0, 0, [], 3.0)
    assert math.isfinite(state.threshold)
    assert state.threshold >= FLOOR


candidates = st.lists(
    st.builds(Candidate, day=st.just(0), account=st.integers(0, 50), score=st.floats(FLOOR, 40)), max_size=60
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(candidates, st.integers(0, 500)), max_size=20), st.floats(0.1, 100), st.randoms())
def test_any_days_in_any_order_of_accounts(
    days: list[tuple[list[Candidate], int]], budget: float, shuffle: random.Random
) -> None:
    one = two = Calibration()
    for day, (found, opened) in enumerate(days):
        of_today = list({c.account: Candidate(day, c.account, c.score) for c in found}.values())
        one = close_day(one, day, 50, opened, of_today, budget)
        shuffle.shuffle(of_today)
        two = close_day(two, day, 50, opened, of_today, budget)
    assert one == two
    assert math.isfinite(one.threshold)
    assert one.threshold >= FLOOR
    assert abs(one.feedback) <= CLIP


def test_probability_by_hand() -> None:
    assert probability(0.0, 0.5) == pytest.approx(0.7 / 1.7)
    assert probability(6.0, 1e-4) == pytest.approx(0.0275, abs=0.001)


@given(st.floats(0, 30), st.floats(0, 30), st.floats(1e-6, 0.5))
def test_probability_is_one_and_rises_with_the_score(a: float, b: float, prior: float) -> None:
    low, high = probability(min(a, b), prior), probability(max(a, b), prior)
    assert 0.0 < low <= high <= 1.0


@pytest.mark.parametrize("season", [1.0, 1.6, 0.4])
def test_any_fortnight_keeps_near_the_budget_also_when_the_load_changes(season: float) -> None:
    """Ten days of exams or vacation in the middle."""
    for seed in range(3):
        opened_on = live(60, 3.0, seed, load=lambda day: season if 25 <= day < 35 else 1.0)
        fortnights = [sum(opened_on[d : d + 14]) / 14 for d in range(14, 47)]
        assert statistics.mean(fortnights) == pytest.approx(3.0, rel=0.2)
        assert all(n == pytest.approx(3.0, rel=0.45) for n in fortnights)


def steady(opened: list[int]) -> Calibration:
    """What a site has learnt that opened so many alerts a day, its scores being the same every day."""
    rng, state = random.Random(1), Calibration()
    scores = [c for c in day_scores(0, rng) if c.score >= FLOOR]
    for day, count in enumerate(opened):
        of_day = [Candidate(day, 1000 * day + c.account, c.score) for c in scores]
        state = msgspec.structs.replace(close_day(state, day, ACCOUNTS, count, of_day, 3.0), feedback=0.0)
    return state


def test_a_fortnight_near_its_budget_needs_no_other_threshold() -> None:
    usual = steady([3] * 20).threshold
    assert steady([3] * 18 + [2, 4]).threshold == usual
    assert steady([3] * 18 + [8, 3]).threshold > usual
    assert steady([3] * 18 + [0, 0]).threshold < usual


def test_what_a_busy_day_had_too_many_is_spread_over_the_days_after_it() -> None:
    usual, after = steady([3] * 20), steady([3] * 19 + [12])
    assert after.threshold < usual.threshold + math.log(2.5)  # no day goes blind for it
    assert steady([3] * 7 + [12] + [3] * 13).threshold == usual.threshold  # and it is over when the day is


def test_a_thousand_thieves_at_once_do_not_lift_the_threshold_for_the_next() -> None:
    rng, calm, flooded = random.Random(1), Calibration(), Calibration()
    for day in range(40):
        scores = [c for c in day_scores(day, rng) if c.score >= FLOOR]
        thieves = [Candidate(day, 10_000 + n, 12.0) for n in range(1000 if day == 30 else 0)]
        calm = close_day(calm, day, ACCOUNTS, 3, scores, 3.0)
        flooded = close_day(flooded, day, ACCOUNTS + len(thieves), 3 + len(thieves), [*scores, *thieves], 3.0)
        if day >= 30:
            assert flooded.threshold < calm.threshold + 1.5
    assert flooded.threshold < calm.threshold + 1.0
