"""Groups pooled, compared and tested."""

from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluation.groups import BEYOND_CHANCE, POOLED, compare
from models.evaluation.records import Cell


def cell(group: str, days: int, false: int, dimension: str = "user type") -> Cell:
    return Cell(dimension, group, days, false, false)


def everyone(*cells: Cell) -> Cell:
    return Cell("", "everyone", sum(c.account_days for c in cells), 0, sum(c.false_alarms for c in cells))


def test_a_group_with_twice_the_rate_is_the_worst() -> None:
    cells = (cell("student", 8000, 80), cell("staff", 2000, 40))
    burdens = compare(cells, everyone(*cells), 10)
    assert burdens.worst is not None
    assert burdens.worst.group == "staff"
    assert burdens.worst.against_all.ratio == round(40 / 120 / 0.2, 3)
    assert burdens.worst.corrected_p < 0.01
    assert burdens.dimensions[0].p is not None
    assert burdens.dimensions[0].p < 0.01


def test_small_groups_are_pooled_within_their_dimension() -> None:
    cells = (cell("student", 9000, 90), cell("nhs", 100, 9), cell("alumni", 8, 1))
    burdens = compare(cells, everyone(*cells), 10)
    pooled = burdens.groups[-1]
    assert (pooled.group, pooled.members, pooled.account_days) == (POOLED, ("nhs", "alumni"), 108)
    assert burdens.worst == pooled  # ten false alarms where one is to be expected: not by chance


def test_a_small_group_is_the_worst_if_chance_does_not_explain_it() -> None:
    cells = (cell("student", 9000, 90), cell("staff", 5000, 45), cell("nhs", 600, 20))
    worst = compare(cells, everyone(*cells), 10).worst
    assert worst is not None
    assert (worst.group, worst.members) == ("nhs", ())
    assert worst.corrected_p < BEYOND_CHANCE


def test_a_ratio_that_chance_alone_gives_is_not_the_worst() -> None:
    cells = (cell("GB", 8000, 80), cell("CH", 600, 12), cell("JP", 700, 7), cell("NL", 700, 1))
    burdens = compare(cells, everyone(*cells), 10)
    assert [g.group for g in burdens.groups] == ["GB", "JP", "NL", "CH"]  # each is told,
    assert burdens.worst is not None
    assert burdens.worst.group == "GB"  # but 20 alarms to be expected of three together judge nobody


def test_small_groups_are_judged_together() -> None:
    cells = (cell("GB", 8000, 80), *(cell(name, 700, 14) for name in ("CH", "JP", "NL", "US")))
    worst = compare(cells, everyone(*cells), 10).worst
    assert worst is not None
    assert (worst.group, sorted(worst.members)) == (POOLED, ["CH", "JP", "NL", "US"])
    assert worst.against_all.ratio == round(56 / 136 / (2800 / 10800), 3)


def test_a_single_small_group_stands_by_itself_if_it_may_be_told() -> None:
    cells = (cell("student", 9000, 90), cell("nhs", 100, 2))
    assert [g.group for g in compare(cells, everyone(*cells), 10).groups] == ["student", "nhs"]
    cells = (cell("student", 9000, 90), cell("nhs", 9, 2))
    assert [g.group for g in compare(cells, everyone(*cells), 10).groups] == ["student", POOLED]


def test_overlapping_groups_are_not_tested_together() -> None:
    cells = (cell("campus", 6000, 60, "network kind"), cell("mobile", 6000, 60, "network kind"))
    burdens = compare(cells, Cell("", "everyone", 10_000, 0, 100), 10)
    assert burdens.dimensions[0].p is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 60)), min_size=1, max_size=8))
def test_nothing_is_lost_by_pooling_and_no_small_group_is_told(counts: list[tuple[int, int]]) -> None:
    cells = tuple(cell(f"g{n}", days, false) for n, (days, false) in enumerate(counts))
    burdens = compare(cells, everyone(*cells), 10)
    assert sum(g.account_days for g in burdens.groups) == sum(days for days, _ in counts)
    assert sum(g.false_alarms for g in burdens.groups) == sum(false for _, false in counts)
    assert all(g.account_days >= 10 for g in burdens.groups if g.group != POOLED)
