"""Times that fit, and those that do not."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.lateness import AGREE, AHEAD, LATE, LatenessFilter

NOW = 1_700_000_000


def test_the_first_line_is_taken_as_it_is() -> None:
    assert LatenessFilter().rejection(NOW) == ""


def test_a_little_disorder_is_normal() -> None:
    order = LatenessFilter(newest=NOW, support=AGREE)
    assert order.rejection(NOW - LATE) == ""
    assert order.newest == NOW
    assert order.rejection(NOW - LATE - 1) == "time_too_late"


def test_one_stray_line_ahead_does_not_move_the_log() -> None:
    order = LatenessFilter(newest=NOW)
    assert order.rejection(NOW + AHEAD + 1) == "time_ahead"
    assert order.newest == NOW
    assert order.rejection(NOW + AHEAD) == ""


def test_many_lines_ahead_that_agree_are_a_new_era() -> None:
    order, later = LatenessFilter(newest=NOW), NOW + 2 * AHEAD
    refusals = [order.rejection(later + second) for second in range(AGREE)]
    assert refusals == ["time_ahead"] * (AGREE - 1) + [""]
    assert order.newest == later + AGREE - 1


def test_lines_ahead_that_do_not_agree_or_are_not_in_a_row_are_no_era() -> None:
    order, later = LatenessFilter(newest=NOW), NOW + 2 * AHEAD
    assert all(order.rejection(later + day * 2 * 86_400) for day in range(AGREE + 5))
    for _ in range(AGREE):
        assert order.rejection(later) == "time_ahead"
        assert order.rejection(NOW) == ""


def test_a_stray_first_line_gives_way_to_the_log() -> None:
    order = LatenessFilter()
    assert order.rejection(NOW + 100 * AHEAD) == ""
    refusals = [order.rejection(NOW + second) for second in range(AGREE)]
    assert refusals == ["time_too_late"] * (AGREE - 1) + [""]
    assert order.newest == NOW + AGREE - 1


def test_a_stray_line_some_days_ahead_costs_few_lines() -> None:
    order = LatenessFilter(newest=NOW, support=AGREE)
    assert order.rejection(NOW + AHEAD) == ""
    refusals = [order.rejection(NOW + second) for second in range(3 * AGREE)]
    assert refusals.count("time_too_late") == AGREE - 1
    assert refusals[-1] == ""


def test_a_block_of_old_lines_never_turns_a_settled_log_back() -> None:
    order = LatenessFilter(newest=NOW, support=AGREE)
    assert all(order.rejection(NOW - 5 * LATE + second) == "time_too_late" for second in range(5 * AGREE))


@settings(deadline=None)
@given(st.lists(st.integers(1, 4_000_000_000), max_size=60))
def test_the_newest_time_of_a_settled_log_never_goes_back(times: list[int]) -> None:
    order, newest = LatenessFilter(newest=1, support=AGREE), 1
    for time in times:
        settled = order.support >= AGREE
        accepted = not order.rejection(time)
        assert order.newest >= newest or not settled
        assert not accepted or order.newest - LATE <= time <= order.newest
        newest = order.newest
