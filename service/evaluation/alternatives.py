"""Alternatives: what other budgets and other members of the ensemble make of the same scored moments.

What models learn does not depend on the budget, nor on whose word counts in a score. So one pass over the
events serves many trials: each has a desk, a bar and episodes of its own, to the same alerts that a pipeline
of its own would raise.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.calibration import FLOOR, Candidate, highest
from service.decision import reader_groups
from service.decision.decider import Decider, ScoredMoment
from service.decision.episodes import Episode
from service.decision.threshold import AlertThreshold
from service.policy.model import Policy
from service.records.events import Alert


class Alternatives:
    """An observer of the pipeline (see :class:`service.pipeline.shard.ScoreObserver`)."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._all = [_Alternative(policy) for policy in policies]

    @property
    def alerts(self) -> tuple[Collection[Alert], ...]:
        """Of each policy, in their last form."""
        return tuple(one.alerts.values() for one in self._all)

    def on_scored(self, case: ScoredMoment, names: Mapping[int, str]) -> None:
        for one in self._all:
            one.on_scored(case, names)

    def on_day_closed(
        self, day: int, accounts: Sequence[str], ids: NDArray[np.uint64], readers: Sequence[Sequence[str]],
        disturbed: bool,
    ) -> None:  # fmt: skip
        numbers = ids.tolist()
        for one in self._all:
            one.on_day_closed(day, accounts, numbers, readers, disturbed)


class _Alternative:
    """One policy's."""

    def __init__(self, policy: Policy) -> None:
        self._budget = policy.alerts_per_day
        self._threshold = AlertThreshold(self._budget)
        self._decider = Decider(policy, self._threshold)
        self._episodes: dict[str, Episode] = {}
        self._today: dict[str, float] = {}  # highest score by account, as precise as an account's record is
        self.alerts: dict[str, Alert] = {}

    def on_scored(self, case: ScoredMoment, names: Mapping[int, str]) -> None:
        score, _, episode = self._decider.decide(case, self._episodes.get(case.account), names)
        self._today[case.account] = max(self._today.get(case.account, 0.0), float(np.float32(score)))
        if episode is not None:
            self._episodes[case.account] = episode
            self.alerts[episode.alert.alert_id] = episode.alert

    def on_day_closed(
        self, day: int, accounts: Sequence[str], ids: Sequence[int], readers: Sequence[Sequence[str]],
        disturbed: bool,
    ) -> None:  # fmt: skip
        scores = [self._today.get(account, 0.0) for account in accounts]
        opened = [self._opened_on(account, day) for account in accounts]
        counts = reader_groups.count(readers, scores, opened, self._threshold.near)
        if not disturbed:
            high = [Candidate(day, n, s) for n, s in zip(ids, scores, strict=True) if s >= FLOOR]
            self._threshold.calibrate(day, len(accounts), sum(opened), highest(high, self._budget))
        self._threshold.count(day, counts)
        self._today.clear()

    def _opened_on(self, account: str, day: int) -> bool:
        episode = self._episodes.get(account)
        return episode is not None and episode.opened_on == day
