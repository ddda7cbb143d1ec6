"""The close of a day: parts close as the whole does, whoever learns in between."""

import msgspec

from service.learning.aggregation import merge
from service.learning.site_learning import learn_day
from service.learning.site_model import SiteModel
from service.pipeline.day_close import DayClose, begin_day, end_day
from service.pipeline.shard import Shard
from tests.service.factories import POLICY, TODAY, ordinary_day

ACCOUNTS = [f"reader{n:02d}" for n in range(12)]


def shard_of(site: SiteModel, accounts: list[str]) -> Shard:
    shard = Shard(POLICY, site)
    for account in accounts:
        events = ordinary_day(account, 0, seed=1)
        shard.absorb(events, list(range(len(events))), TODAY)
    return shard


def states(*shards: Shard) -> dict[str, bytes]:
    return {name: blob for shard in shards for name, blob in shard.drain().accounts}


def test_two_parts_close_as_one_does() -> None:
    one, two = SiteModel(POLICY), SiteModel(POLICY)
    whole = shard_of(one, ACCOUNTS)
    parts = [shard_of(two, ACCOUNTS[:5]), shard_of(two, ACCOUNTS[5:])]
    closing = end_day(whole, one, TODAY, TODAY + 1, 0)
    learn_day(one, closing.sums)
    begin_day(whole, closing)
    closings = [end_day(part, two, TODAY, TODAY + 1, 0) for part in parts]
    learn_day(two, merge([each.sums for each in closings], POLICY))
    for part, each in zip(parts, closings, strict=True):
        begin_day(part, each)
    assert one.table.tobytes() == two.table.tobytes()
    assert states(whole) == states(*parts)


def test_accounts_close_by_the_guards_of_the_day_that_is_over() -> None:
    """A restart between the two halves reads them back as they were."""
    site = SiteModel(POLICY)
    shard = shard_of(site, ACCOUNTS)
    guards = site.guards.copy()
    closing = end_day(shard, site, TODAY, TODAY + 1, 0)
    learn_day(site, closing.sums)
    saved = msgspec.msgpack.decode(msgspec.msgpack.encode(closing), type=DayClose)
    assert saved == closing
    assert saved.guards == guards.astype("<f8").tobytes()
    assert (saved.after, saved.next_day) == (0, TODAY + 1)
