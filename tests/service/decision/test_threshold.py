"""Threshold and group adjustment of one budget."""

from service.decision.reader_groups import EVERYONE, GroupCount
from service.decision.threshold import AlertThreshold


def test_a_new_threshold_adjusts_nobody() -> None:
    threshold = AlertThreshold(3.0)
    assert threshold.adjusted(5.0, (EVERYONE, "user type: student")) == 5.0
    assert threshold.near(threshold.value, (EVERYONE,))
    assert not threshold.near(0.0, (EVERYONE,))


def test_a_day_s_counts_are_kept_under_the_name_that_is_told() -> None:
    threshold = AlertThreshold(3.0)
    name = threshold.count(20_000, {EVERYONE: GroupCount(10, 1)})
    assert threshold.blob(name)


def test_a_group_raised_too_often_is_believed_less() -> None:
    threshold = AlertThreshold(3.0)
    group = "user type: researcher"
    threshold.count(20_000, {EVERYONE: GroupCount(100_000, 0, 500), group: GroupCount(20_000, 0, 200)})
    assert threshold.adjusted(6.0, (EVERYONE, group)) < threshold.adjusted(6.0, (EVERYONE,)) == 6.0
