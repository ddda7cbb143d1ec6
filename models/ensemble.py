"""Joining: what the members say of a moment, as one score.

A member's tail is ``-ln`` of the share of account-days that look as unusual to it. The largest counts, so no
member can say no to what another found: what evidence alone shows is caught one unit later, whatever was
taught. A mean of the two was measured: on libraries by other hands it lost a tenth of what was found.
"""

from collections.abc import Collection
from typing import NamedTuple

import msgspec


class MemberScores(NamedTuple):
    """The members' tails of one moment, by the members' names; None for one that does not speak."""

    evidence: float | None
    classifiers: float | None
    trees: float | None

    def among(self, members: Collection[str]) -> "MemberScores":
        """Of these members alone."""
        tails = (tail if name in members else None for name, tail in zip(self._fields, self, strict=True))
        return MemberScores(*tails)


class EnsembleWeights(msgspec.Struct, frozen=True):
    """How the members compete, in units of ``-ln`` of a share."""

    evidence: float  # off its tail, beside the classifiers'
    trees: float  # off their tail


def ensemble_score(scores: MemberScores, weights: EnsembleWeights) -> float:
    """A moment's score, at least 0.

    >>> ensemble_score(MemberScores(6.0, 6.0, None), EnsembleWeights(evidence=1.0, trees=2.1))
    6.0
    >>> ensemble_score(MemberScores(9.0, 0.0, None), EnsembleWeights(evidence=1.0, trees=2.1))
    8.0
    """
    evidence, classifiers, trees = scores
    alone = [0.0]
    if evidence is not None:
        alone.append(evidence - (weights.evidence if classifiers is not None else 0.0))
    if classifiers is not None:
        alone.append(classifiers)
    if trees is not None:
        alone.append(trees - weights.trees)
    return max(alone)
