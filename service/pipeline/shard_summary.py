"""What the accounts of a shard come to on a local day, before they are closed."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.decision import reader_groups
from service.kernel.training_rows import Examples, mixed
from service.learning import attack_injection
from service.learning.aggregation import summarise_day
from service.learning.day_summary import DaySummary, InjectedAttacks
from service.learning.feedback import CONFIRMED, PendingCommands, training_example
from service.learning.site_model import SiteModel
from service.learning.usage_counts import usage_counts
from service.pipeline import sampling
from service.pipeline.account_table import AccountTable
from service.policy.model import Policy


class ShardView(NamedTuple):
    """What a summary is made from; nothing of it is changed."""

    policy: Policy
    site: SiteModel
    accounts: AccountTable
    names: Mapping[int, str]  # of categories, countries and the like, by their keys
    restricted: frozenset[str]  # accounts of which nothing is learnt
    pending: PendingCommands

    def active(self) -> NDArray[np.intp]:
        """Slots of the accounts that were active since the last close."""
        return self._slots(self.accounts.array["day_events"])

    def known(self) -> NDArray[np.intp]:
        """Slots of the accounts that were ever active."""
        return self._slots(self.accounts.array["events"])

    def _slots(self, counted: NDArray[np.generic]) -> NDArray[np.intp]:
        found = np.flatnonzero(counted[: len(self.accounts.names)])
        if not self.restricted:
            return found
        return np.array([i for i in found if self.accounts.names[i] not in self.restricted], np.intp)


def shard_summary(view: ShardView, day: int, offset: int) -> DaySummary:
    """Sum up local ``day``; ``offset`` is the site's from UTC, s."""
    policy, site, accounts = view.policy, view.site, view.accounts
    active, known = view.active(), view.known()
    ids, today = accounts.ids[active], accounts.array[active]
    opened = [_opened_on(accounts, accounts.names[i]) == day for i in active]
    summed = summarise_day(day, today, ids, sum(opened), site.table, site.guards, site.home, policy)
    scores = today["day_joined"].tolist()
    return msgspec.structs.replace(
        summed,
        promoted=view.pending.promoted,
        known=len(known),
        injected=_injected_attacks(view, day, offset, known),
        groups=reader_groups.count(
            readers(view, active), scores, opened, site.threshold.near, _stolen(view, day)
        ),
        usage=usage_counts(day, today, site.prevalence, view.names),
        readers=sampling.sampled(accounts, active, day, policy.training.ordinary),
        feedback=_training_examples(view, day),
    )


def readers(view: ShardView, slots: NDArray[np.intp]) -> list[tuple[str, ...]]:
    """The groups of readers that the accounts at ``slots`` belong to today."""
    accounts = view.accounts
    return [
        reader_groups.groups_of(accounts.array[i], accounts.names[i], view.names, view.policy.readers)
        for i in slots
    ]


def _opened_on(accounts: AccountTable, account: str) -> int:
    episode = accounts.episodes.get(account)
    return episode.opened_on if episode else 0


def _stolen(view: ShardView, day: int) -> list[tuple[str, ...]]:
    """The groups of readers of each account whose newest alert is a confirmed theft."""
    return [
        episode.alert.groups
        for account, episode in view.accounts.episodes.items()
        if episode.judged == CONFIRMED
        and episode.teaches
        and day - episode.opened_on < reader_groups.KEPT_DAYS
        and account not in view.restricted
    ]


def _training_examples(view: ShardView, day: int) -> Examples:
    """What analysts found alerts of the last weeks to be."""
    training = view.policy.training
    judged_of = {
        account: episode
        for account, episode in view.accounts.episodes.items()
        if episode.judged
        and day - episode.opened_on < training.verdict_days
        and account not in view.restricted
    }
    keys = mixed(view.accounts.ids[view.accounts.slots(list(judged_of))], day).tolist()
    labelled = [training_example(episode, key) for episode, key in zip(judged_of.values(), keys, strict=True)]
    return Examples.concatenated(labelled).lowest(training.verdicts)


def _injected_attacks(view: ShardView, day: int, offset: int, known: NDArray[np.intp]) -> InjectedAttacks:
    """Thefts from copies of some of these accounts: the merge takes the site's share of them."""
    count, site, accounts = view.policy.training.shadows, view.site, view.accounts
    chosen = known[attack_injection.lowest(accounts.ids[known], day, count, site.known)]
    states, ids = accounts.array[chosen], accounts.ids[chosen]
    return attack_injection.inject_attacks(day, offset, states, ids, site, view.policy)
