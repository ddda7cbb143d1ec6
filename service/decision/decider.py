"""The decider: what a policy makes of one scored moment: a score, a decision, an alert that opens or grows.

Knows no account but the one that is laid before it; episodes are kept by whoever asks.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.calibration import FLOOR
from models.ensemble import MemberScores, ensemble_score
from service.decision import episodes, reasons
from service.decision.episodes import Decision, Episode
from service.decision.reader_groups import groups_of
from service.decision.threshold import AlertThreshold
from service.kernel.blatant import SCORE, blatant
from service.kernel.moments import Moment, as_examples
from service.kernel.training_rows import READER
from service.policy.model import Policy
from service.records.events import Reason


class ScoredMoment(NamedTuple):
    """A moment of an account and what the models say of it."""

    account: str
    time: int  # s UTC
    sequence: int  # of the event in the stream
    day: int  # of the site
    moment: Moment
    member_scores: MemberScores
    classified: float  # how much it looks like theft to the classifiers alone
    table: NDArray[np.float32]  # (K, BINS) of surprises, by which it was measured
    model: str  # version of the models behind the scores
    home: int  # key of the site's country


class Decided(NamedTuple):
    """What one policy makes of a scored moment."""

    score: float
    decision: Decision
    episode: Episode | None  # the account's from now on; None: as before


class Decider:
    """Decides for one policy, by one threshold."""

    def __init__(self, policy: Policy, threshold: AlertThreshold) -> None:
        self._policy = policy
        self._threshold = threshold
        self._members = frozenset(policy.budget.members)
        self._weights = policy.budget.weights

    def decide(self, case: ScoredMoment, before: Episode | None, names: Mapping[int, str]) -> Decided:
        """Score the moment and say what to do.

        Args:
            case: the moment and what the models say of it.
            before: the account's newest episode, if it has one.
            names: names of categories and countries by their keys.
        """
        plain = blatant(case.moment.state, case.home, case.day)
        score, groups = self._score(case, names, plain)
        decision, episode = self._alert(case, score, groups, before, plain)
        return Decided(score, decision, episode)

    def _score(
        self, case: ScoredMoment, names: Mapping[int, str], plain: bool
    ) -> tuple[float, tuple[str, ...]]:
        """The members' tails as one score, and the groups of readers that it was adjusted for."""
        score = ensemble_score(case.member_scores.among(self._members), self._weights)
        if score < FLOOR and not plain:  # nothing is made of it
            return score, ()
        groups = groups_of(case.moment.state, case.account, names, self._policy.readers)
        score = self._threshold.adjusted(score, groups)
        return max(score, SCORE, self._threshold.value) if plain else score, groups

    def _alert(
        self,
        case: ScoredMoment,
        score: float,
        groups: tuple[str, ...],
        before: Episode | None,
        plain: bool,
    ) -> tuple[Decision, Episode | None]:
        threshold = self._threshold.value
        if before is None and score < threshold:
            return Decision.NO_ALERT, None
        moment, found = case.moment, tuple[Reason, ...]()
        if episodes.needs_new_reasons(before, case.time, score):
            found = reasons.reasons(moment.state, moment.measures, case.table, self._policy)
        detections = tuple(reason.detection for reason in found)
        decision = episodes.decide(before, case.time, score, threshold, detections, plain)
        if decision is Decision.NO_ALERT:
            return decision, None
        if decision is Decision.OPENED or before is None:
            before = episodes.open_episode(
                case.account, case.time, case.sequence, case.day, moment.state, groups, before
            )
        seen = as_examples(0, moment.states, np.array([moment.measures]), case.home, READER)
        return decision, episodes.extend_episode(
            before, case.time, moment.state, seen, score, threshold, found, self._policy, case.model
        )
