"""What is taken off the scores of a group that comes near the threshold more often than everyone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decision.group_balance import MOST, NEAR, SIGN, group_excess, score_adjustment
from service.decision.reader_groups import EVERYONE, GroupCount
from service.decision.threshold import AlertThreshold

RESEARCHERS, STUDENTS = "user type: researcher", "user type: student"


def test_a_group_loses_what_it_has_too_much() -> None:
    found = group_excess({
        EVERYONE: GroupCount(100_000, 0, 500),
        RESEARCHERS: GroupCount(20_000, 0, 200),
        STUDENTS: GroupCount(80_000, 0, 300),
    })  # fmt: skip
    assert found == {RESEARCHERS: pytest.approx(math.log(203 / 103))}, "students have less than their share"
    assert score_adjustment(found, (EVERYONE, RESEARCHERS, "VPN: without")) == found[RESEARCHERS]
    assert score_adjustment(found, (EVERYONE, STUDENTS)) == score_adjustment({}, (RESEARCHERS,)) == 0.0


def test_hosting_networks_are_a_sign_and_no_group() -> None:
    assert not group_excess(
        {
            EVERYONE: GroupCount(10_000, 0, 50),
            SIGN: GroupCount(100, 0, 40),
            "VPN: without": GroupCount(9, 0, 9),
        }
    )


def test_of_a_few_days_little_is_believed() -> None:
    few = group_excess({EVERYONE: GroupCount(100_000, 0, 500), RESEARCHERS: GroupCount(100, 0, 1)})
    assert few[RESEARCHERS] < 0.2, "one of a hundred, where everyone has one of two hundred"


def test_before_anything_was_counted_nothing_is_taken_off() -> None:
    assert group_excess({}) == group_excess({EVERYONE: GroupCount(100, 1)}) == {}


@given(of=st.integers(1, 10_000), seen=st.integers(0, 10_000))
def test_what_is_taken_off_is_bounded(of: int, seen: int) -> None:
    found = group_excess(
        {EVERYONE: GroupCount(20_000, 0, 100), RESEARCHERS: GroupCount(of, 0, min(of, seen))}
    )
    assert all(0.0 < more <= MOST for more in found.values())


def test_alerts_that_a_group_has_too_many_of_are_taken_off_more_than_once() -> None:
    found = group_excess({
        EVERYONE: GroupCount(100_000, 100, 1000),
        RESEARCHERS: GroupCount(20_000, 38, 200),
        STUDENTS: GroupCount(80_000, 62, 800),
    })  # fmt: skip
    assert found == {RESEARCHERS: pytest.approx(2.5 * math.log(40 / 22))}, "no more often near, and yet"


def test_guests_of_other_universities_are_believed_to_stand_out_until_their_days_say_otherwise() -> None:
    guests = "network kind: education"
    everyone = GroupCount(100_000, 1_000, 10_000)
    new = group_excess({EVERYONE: everyone, guests: GroupCount(10, 0, 1)})[guests]
    known = group_excess({EVERYONE: everyone, guests: GroupCount(10_000, 100, 1_000)})[guests]
    assert 1.5 < new < MOST
    assert known < 0.06, "they are raised as often as everyone"


def test_thefts_that_were_confirmed_are_no_reason_to_look_away() -> None:
    everyone, students = GroupCount(100_000, 100, 1000, thefts=18), GroupCount(80_000, 62, 800)
    thieves = {EVERYONE: everyone, RESEARCHERS: GroupCount(20_000, 38, 200, thefts=18), STUDENTS: students}
    assert group_excess(thieves).keys() == {RESEARCHERS}
    assert group_excess(thieves)[RESEARCHERS] == pytest.approx(2.5 * math.log((20 + 2) / (82 / 5 + 2)))
    every = {EVERYONE: GroupCount(100_000, 3, 1000, 9), RESEARCHERS: GroupCount(20_000, 1, 200, 9)}
    assert not group_excess(every), (
        "more thefts than alerts: theirs left the window, or moved to other groups"
    )


def test_an_account_day_is_near_by_what_it_scored_before_anything_was_taken_off() -> None:
    threshold = AlertThreshold(3.0)
    edge = threshold.value - NEAR
    assert threshold.near(edge, (STUDENTS,))
    assert not threshold.near(edge - 0.3, (STUDENTS,))
    threshold.excesses = {RESEARCHERS: 0.3}
    assert threshold.near(edge - 0.3, (EVERYONE, RESEARCHERS))
