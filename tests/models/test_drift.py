"""ADWIN over daily figures: weekends are no drift, a step is found within a week with its first day."""

import numpy as np
import pytest

from models.drift import KEPT, Series, observe

WEEKEND = (5, 6)


def figures(seed: int, step: float, *, since: int = 50, until: int = 200, days: int = 90) -> list[float]:
    noise = np.random.default_rng(seed).normal(0, 0.04, days)
    week = [-0.5 if d % 7 in WEEKEND else 0.0 for d in range(days)]
    return [1.0 + week[d] + (step if since <= d < until else 0.0) + float(noise[d]) for d in range(days)]


def changes(values: list[float]) -> list[tuple[int, int, int]]:
    """(day found, since, direction) of every change."""
    series, found = Series(), []
    for day, value in enumerate(values):
        series = observe(series, day, value)
        if series.change is not None and series.change.found == day:
            found.append((day, series.change.since, series.change.direction))
    return found


def test_a_steady_figure_with_its_weekends_does_not_move() -> None:
    moved = [seed for seed in range(40) if changes(figures(seed, 0.0))]
    assert len(moved) <= 2


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("step", [0.47, -0.4])
def test_a_step_is_found_with_its_day_and_direction(seed: int, step: float) -> None:
    first = changes(figures(seed, step))[0]
    assert 50 <= first[0] <= 57
    assert abs(first[1] - 50) <= 1
    assert first[2] == np.sign(step)


def test_the_way_back_is_found_too() -> None:
    found = changes(figures(1, 0.47, until=71))
    assert [direction for _, _, direction in found] == [1, -1]
    assert abs(found[1][1] - 71) <= 1


def test_what_is_kept_is_bounded() -> None:
    series = Series()
    for day in range(3 * KEPT):
        series = observe(series, day, 1.0)
    assert len(series.days) == len(series.values) == KEPT
    assert series.change is None
