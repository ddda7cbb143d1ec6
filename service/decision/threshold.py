"""The threshold: what a score must reach for an alert, and what is taken off it for the reader's groups.

It follows from what one budget made of the days before, so another budget has a bar of its own. It changes
only at the close of a day.
"""

from collections.abc import Sequence

from models import calibration
from models.calibration import Calibration, Candidate
from service.decision import group_balance
from service.decision.reader_groups import Counts, GroupHistory


class AlertThreshold:
    """Threshold and balance of one budget, in alerts a day."""

    def __init__(self, budget: float) -> None:
        self._budget = budget
        self.restore(Calibration(), GroupHistory())

    def restore(self, calibrated: Calibration, ledger: GroupHistory) -> None:
        """Go on from what was known at the close of a day."""
        self.calibration, self._ledger = calibrated, ledger
        self.excesses = group_balance.group_excess(
            ledger.whole
        )  # group of readers -> what is taken off its scores

    @property
    def value(self) -> float:
        """Score from which on an alert opens, ``-ln share``."""
        return self.calibration.threshold

    def adjusted(self, score: float, groups: Sequence[str]) -> float:
        """A score of a reader of these groups, less what they have too much."""
        return score - group_balance.score_adjustment(self.excesses, groups)

    def near(self, score: float, groups: Sequence[str]) -> bool:
        """Did an account-day of this score come near the threshold, as if nothing had been taken off?"""
        return (
            score + group_balance.score_adjustment(self.excesses, groups) >= self.value - group_balance.NEAR
        )

    def calibrate(self, day: int, active: int, opened: int, candidates: Sequence[Candidate]) -> None:
        """Set the next threshold by a closed day: its active accounts, alerts and highest scores."""
        self.calibration = calibration.close_day(
            self.calibration, day, active, opened, candidates, self._budget
        )

    def count(self, day: int, counts: Counts) -> str:
        """Take in how often each group came near and was raised; gives the name of the ledger's blob."""
        name = self._ledger.add_day(day, counts)
        self.excesses = group_balance.group_excess(self._ledger.whole)
        return name

    def blob(self, name: str) -> bytes:
        """A day's counts, as they are kept."""
        return self._ledger.blob(name)
