"""The measures as data: complete, in order, and grouped as the kernel reads them."""

import pytest

from service.kernel.account_record import ACCOUNT, layout
from service.kernel.measure_types import MeasureGroup
from service.kernel.measures import BASE_OF, COUNTERS, GROUP_OF, OWN, G, K, M
from service.policy.loading import load_policy
from service.policy.model import AFTER_MEASURES


def test_every_measure_is_told_once_and_in_the_order_of_the_vector() -> None:
    assert len(M) == K == len(GROUP_OF)
    assert [MeasureGroup(g) for g in GROUP_OF] == [m.spec.group for m in M]


def test_every_group_has_a_measure() -> None:
    assert {m.spec.group for m in M} == set(MeasureGroup)
    assert len(MeasureGroup) == G


def test_a_measure_against_own_history_stands_in_its_base_s_group() -> None:
    group = {m: m.spec.group for m in M}
    assert len(OWN) == len(BASE_OF)
    for base, z in OWN:
        assert BASE_OF[z] is base
        assert group[z] == group[base]
        assert z.name == base.name + "_Z"


@pytest.mark.parametrize("measure", list(M), ids=lambda m: m.name)
def test_words_are_fit_for_a_sentence(measure: M) -> None:
    said = measure.spec.said.format(n="14")
    assert "{" not in said
    assert said[0].islower() or said[0].isdigit()
    assert not said.endswith(".")
    assert measure.spec.label[0].isupper()
    assert measure.spec.unit


def test_labels_differ() -> None:
    assert len({m.spec.label for m in M}) == K


def test_the_prior_and_the_detections_know_every_measure() -> None:
    policy = load_policy()
    assert len(policy.prior) == K + len(AFTER_MEASURES)
    assert len(policy.detection_of) == K


def test_every_counter_stands_once_in_the_record() -> None:
    assert len(set(COUNTERS)) == len(COUNTERS)
    assert set(COUNTERS) == {m for m in M if m.spec.counter}
    assert ACCOUNT["counters"].shape == (len(COUNTERS),)


def test_every_measure_is_read_by_a_detection_that_ships() -> None:
    policy = load_policy()
    assert [m.spec.detection for m in M] == list(policy.detection_of)
    assert set(policy.detection_of) == set(policy.detections)


def test_records_of_earlier_versions_begin_as_today_s_do() -> None:
    """New measures go to the end, so an old record is read by its names and its length."""
    assert layout(2).itemsize == 2_037
    assert set(layout(2).names or ()) == set(ACCOUNT.names or ())
