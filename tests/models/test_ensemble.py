"""One score from what the members say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ensemble import EnsembleWeights, MemberScores, ensemble_score

WEIGHTS = EnsembleWeights(evidence=1.0, trees=2.1)
TAIL = st.floats(0.0, 30.0)
SAID = st.none() | TAIL


def test_what_one_member_finds_no_other_can_veto() -> None:
    assert ensemble_score(MemberScores(12.0, 0.0, 0.0), WEIGHTS) == 11.0, "evidence, less its handicap, alone"
    assert ensemble_score(MemberScores(0.0, 12.0, 0.0), WEIGHTS) == 12.0, "classifiers"
    assert ensemble_score(MemberScores(0.0, 0.0, 12.0), WEIGHTS) == pytest.approx(9.9), "trees"


def test_before_the_classifiers_speak_nothing_is_taken_off_the_evidence() -> None:
    assert ensemble_score(MemberScores(6.0, None, None), WEIGHTS) == 6.0
    assert ensemble_score(MemberScores(None, 6.0, None), WEIGHTS) == 6.0


def test_nobody_speaks() -> None:
    assert ensemble_score(MemberScores(None, None, None), WEIGHTS) == 0.0


def test_members_whose_word_does_not_count_are_not_heard() -> None:
    said = MemberScores(6.0, None, 9.0)
    assert said.among({"evidence", "classifiers"}) == MemberScores(6.0, None, None)
    assert said.among(MemberScores._fields) == said


@given(SAID, SAID, SAID, TAIL, st.sampled_from(range(3)))
def test_a_score_never_falls_when_a_member_says_more(
    evidence: float | None, classifiers: float | None, trees: float | None, more: float, at: int
) -> None:
    before = ensemble_score(MemberScores(evidence, classifiers, trees), WEIGHTS)
    louder = [
        tail if tail is None or n != at else tail + more
        for n, tail in enumerate((evidence, classifiers, trees))
    ]
    assert ensemble_score(MemberScores(louder[0], louder[1], louder[2]), WEIGHTS) >= before >= 0.0
