"""What a shard remembers of its alerts: pictures once a drain, verdicts at the close of a day."""

from collections import Counter

from service.learning.feedback import PendingCommands
from service.learning.site_model import SiteModel
from service.pipeline.account_table import AccountTable
from service.pipeline.alert_book import AlertBook
from service.pipeline.shard import Shard
from service.records.checkpoints import AnalystVerdict
from service.records.commands import Command, CommandKind
from service.records.events import Alert
from service.records.identities import Link
from tests.service.factories import POLICY, TODAY, theft


def raised(account: str = "stolen") -> tuple[Shard, Alert]:
    """A shard in which an alert of the account is open, and the alert."""
    shard = Shard(POLICY, SiteModel(POLICY))
    events = theft(account, 0, documents=200)
    shard.absorb(events, list(range(len(events))), TODAY)
    (alert,) = shard.drain().alerts
    return shard, alert


def test_an_alert_is_told_once_a_drain_with_its_newest_picture() -> None:
    shard, alert = raised()
    assert alert.account == "stolen"
    assert alert.picture is not None
    assert shard.counters["alerts_total"] == 1
    assert shard.drain().alerts == ()


def test_a_verdict_without_an_alert_is_counted() -> None:
    counters: Counter[str] = Counter()
    book = AlertBook(POLICY, AccountTable(), {}, counters)
    verdict = AnalystVerdict(1, "JG-1", "nobody", "expected")
    left = book.apply_verdicts(PendingCommands().enqueue([verdict]), TODAY)
    assert counters["verdicts_without_effect_total"] == 1
    assert not left.waiting


def test_a_renamed_account_keeps_the_alerts_that_wait() -> None:
    shard = Shard(POLICY, SiteModel(POLICY))
    events = theft("old", 0, documents=200)
    shard.absorb(events, list(range(len(events))), TODAY)
    shard.link(Link("old", "new"))
    assert [alert.account for alert in shard.drain().alerts] == ["new"]


def test_of_an_erased_account_nothing_is_told() -> None:
    shard = Shard(POLICY, SiteModel(POLICY))
    events = theft("stolen", 0, documents=200)
    shard.absorb(events, list(range(len(events))), TODAY)
    shard.apply(Command(CommandKind.FORGET, "stolen"))
    changes = shard.drain()
    assert changes.alerts == ()
    assert changes.erased == ("stolen",)
