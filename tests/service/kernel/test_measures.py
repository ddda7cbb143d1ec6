"""The measures as data: complete, in order, and grouped as the kernel reads them."""

import pytest

from service.kernel.measures import BASE_OF, GROUP_OF, MEASURES, OWN, G, K, M, Measure, MeasureGroup
from service.policy.loading import load_policy
from service.policy.model import AFTER_MEASURES


def test_every_measure_is_told_once_and_in_the_order_of_the_vector() -> None:
    assert [m.index for m in MEASURES] == list(M)
    assert len(MEASURES) == K == len(GROUP_OF)
    assert [MeasureGroup(g) for g in GROUP_OF] == [m.group for m in MEASURES]


def test_every_group_has_a_measure() -> None:
    assert {m.group for m in MEASURES} == set(MeasureGroup)
    assert len(MeasureGroup) == G


def test_a_measure_against_own_history_stands_in_its_base_s_group() -> None:
    group = {m.index: m.group for m in MEASURES}
    assert len(OWN) == len(BASE_OF)
    for base, z in OWN:
        assert BASE_OF[z] is base
        assert group[z] == group[base]
        assert z.name == base.name + "_Z"


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.index.name)
def test_words_are_fit_for_a_sentence(measure: Measure) -> None:
    said = measure.said.format(n="14")
    assert "{" not in said
    assert said[0].islower() or said[0].isdigit()
    assert not said.endswith(".")
    assert measure.label[0].isupper()
    assert measure.unit


def test_labels_differ() -> None:
    assert len({m.label for m in MEASURES}) == K


def test_the_prior_and_the_detections_know_every_measure() -> None:
    policy = load_policy()
    assert len(policy.prior) == K + len(AFTER_MEASURES)
    assert len(policy.detection_of) == K
