"""Joining: what the members say of a moment, as one score.

A member's tail is ``-ln`` of the share of account-days that look as unusual to it. A theft is mostly unusual
to all of them, a harmless day only to one, so where evidence and classifiers both speak their mean is the
score. What one member says alone counts too, less a handicap, so that a kind of theft that nobody thought of
is still caught by the evidence. The largest counts.
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
    alone: float  # off what one member says, where evidence and classifiers both speak
    agreement: float  # on top of the mean of two tails, which is rarer than it says


def ensemble_score(scores: MemberScores, weights: EnsembleWeights) -> float:
    """A moment's score, at least 0.

    >>> weights = EnsembleWeights(evidence=1.4, trees=2.1, alone=2.0, agreement=0.5)
    >>> ensemble_score(MemberScores(6.0, 6.0, None), weights)
    6.5
    >>> ensemble_score(MemberScores(9.0, 0.0, None), weights)
    5.6
    """
    evidence, classifiers, trees = scores
    alone = [0.0]
    if evidence is not None:
        alone.append(evidence - (weights.evidence if classifiers is not None else 0.0))
    if classifiers is not None:
        alone.append(classifiers)
    if trees is not None:
        alone.append(trees - weights.trees)
    if evidence is None or classifiers is None:
        return max(alone)
    return max(0.0, max(alone) - weights.alone, (evidence + classifiers) / 2 + weights.agreement)
