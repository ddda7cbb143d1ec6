"""What a shard's accounts come to on a day."""

from service.decision.reader_groups import EVERYONE
from service.learning.site_model import SiteModel
from service.pipeline.shard import Shard
from service.records.commands import Command, CommandKind
from tests.service.factories import POLICY, TODAY, ordinary_day


def shard(*accounts: str) -> Shard:
    made = Shard(POLICY, SiteModel(POLICY))
    for account in accounts:
        events = ordinary_day(account, 0, seed=3)
        made.absorb(events, list(range(len(events))), TODAY)
    return made


def test_active_accounts_are_counted() -> None:
    sums = shard("a", "b", "c").summary(TODAY, 0)
    assert (sums.day, sums.active, sums.known, sums.opened) == (TODAY, 3, 3, 0)
    assert sums.groups[EVERYONE].account_days == 3


def test_of_restricted_accounts_nothing_is_learnt() -> None:
    made = shard("a", "b")
    made.apply(Command(CommandKind.RESTRICT, "b"))
    sums = made.summary(TODAY, 0)
    assert (sums.active, sums.known) == (1, 1)


def test_a_summary_changes_nothing() -> None:
    made = shard("a", "b")
    assert made.summary(TODAY, 0) == made.summary(TODAY, 0)
