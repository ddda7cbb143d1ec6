"""The alerts of a shard: what is remembered of each account's newest episode, and what changed of it."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.decision import reasons
from service.decision.decider import Decided, ScoredMoment
from service.decision.episodes import Decision, Episode
from service.kernel.moments import Moment
from service.learning.feedback import PendingCommands, apply_verdict, in_force
from service.pipeline.account_table import AccountTable
from service.policy.model import Policy
from service.records.events import Alert
from service.records.identities import Link


class PendingSnapshot(NamedTuple):
    """What the picture of an alert is drawn from; drawn once a drain, since most are overtaken."""

    moment: Moment
    table: NDArray[np.float32]
    offset: int


class AlertBook:
    """Episodes of the accounts of one table, and their alerts since the last drain."""

    def __init__(
        self, policy: Policy, accounts: AccountTable, names: Mapping[int, str], counters: Counter[str]
    ) -> None:
        self._policy = policy
        self._accounts = accounts
        self._names = names  # of the keys that pictures show
        self._counters = counters
        self._alerts: dict[str, Alert] = {}
        self._snapshots: dict[str, PendingSnapshot] = {}

    def episode(self, account: str) -> Episode | None:
        """The account's newest episode."""
        return self._accounts.episodes.get(account)

    def record(self, case: ScoredMoment, decided: Decided, offset: int) -> None:
        """Remember what was decided; ``offset`` is the event's local time less UTC, s."""
        if decided.episode is None:
            return
        if decided.decision is Decision.OPENED:
            self._counters["alerts_total"] += 1
            self.refresh(case.account)
        self._accounts.episodes[case.account] = decided.episode
        self._snapshots[case.account] = PendingSnapshot(case.moment, case.table, offset)

    def refresh(self, account: str) -> None:
        """Give the account's alert the picture of its newest moment, and hand it to the next drain."""
        snapshot = self._snapshots.pop(account, None)
        if snapshot is None:
            return
        picture = reasons.picture(snapshot.moment, snapshot.table, self._policy, self._names, snapshot.offset)
        episode = self._accounts.episodes[account]
        alert = msgspec.structs.replace(episode.alert, picture=picture)
        self._accounts.episodes[account] = msgspec.structs.replace(episode, alert=alert)
        self._alerts[alert.alert_id] = alert

    def rename(self, link: Link) -> None:
        """Give alerts that the next drain tells to the account's new pseudonym."""
        for alert in list(self._alerts.values()):
            if alert.account == link.old:
                self._alerts[alert.alert_id] = msgspec.structs.replace(alert, account=link.new)

    def erase(self, account: str) -> None:
        """Forget what the next drain would tell of the account."""
        self._snapshots.pop(account, None)
        self._alerts = {name: alert for name, alert in self._alerts.items() if alert.account != account}

    def apply_verdicts(self, pending: PendingCommands, day: int) -> PendingCommands:
        """Let waiting verdicts take effect at the close of ``day``, and end allowances that are over."""
        episodes = self._accounts.episodes
        allowed = {account for account, episode in episodes.items() if episode.allowances}
        for verdict in pending.waiting:
            account = verdict.account
            if account not in episodes:
                self._counters["verdicts_without_effect_total"] += 1
                continue
            self.refresh(account)
            episodes[account] = episode = apply_verdict(episodes[account], verdict, day)
            self._counters["verdicts_effective_total"] += 1
            allowed.add(account)
            if episode.alert.alert_id == verdict.alert_id:
                self._alerts[verdict.alert_id] = episode.alert
        for account, slot in zip(sorted(allowed), self._accounts.slots(sorted(allowed)), strict=True):
            live = self._accounts.array[slot]
            live["quiet_until"], live["quiet_groups"] = in_force(episodes[account].allowances, day + 1)
            self._accounts.touch([slot])
        return pending.applied()

    def drain(self) -> tuple[Alert, ...]:
        """Alerts that opened or changed since the last call."""
        for account in list(self._snapshots):
            self.refresh(account)
        alerts = tuple(self._alerts.values())
        self._alerts.clear()
        return alerts
