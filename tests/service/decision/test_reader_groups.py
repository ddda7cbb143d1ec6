"""Groups of readers as the site counts them: the same however the accounts are split."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from service.base.errors import CheckpointError
from service.decision.reader_groups import (
    EVERYONE,
    HEAVY,
    PREFIX,
    GroupCount,
    GroupHistory,
    count,
    groups_of,
    merge_counts,
    read_group_history,
)
from service.kernel.account_record import ACCOUNT
from service.kernel.encoder import KIND_BIT, key32
from service.learning import site_blobs
from service.learning.site_learning import learn_day
from service.learning.site_model import SiteModel
from service.pipeline.shard import Shard
from service.policy.model import Readers
from service.records.events import NetworkKind
from tests.service.factories import FAR, NOON, POLICY, TODAY, event

NOBODY = Readers(frozenset(), frozenset())
NAMES = {key32(name): name for name in ("student", "GB", "JP")}


def state(kind: NetworkKind = NetworkKind.ISP, country: str = "GB", hour: int = 12) -> NDArray[np.void]:
    made = np.zeros(1, ACCOUNT)
    made["category"] = key32("student")
    made["kinds"] = KIND_BIT[kind]
    made["hour_seen"] = 1 << hour // 3
    made["last_time"] = NOON
    made["countries"][0, 0] = (key32(country), NOON, 512, TODAY)
    return made


def test_groups_in_words() -> None:
    assert groups_of(state(NetworkKind.VPN, "JP", hour=2)[0], "a", NAMES, NOBODY) == (
        EVERYONE,
        "user type: student",
        "off-campus country: JP",
        "network kind: vpn",
        "VPN: over a VPN or hosting network",
        "time of day: at night only",
    )


def test_what_is_not_known_is_said() -> None:
    groups = groups_of(np.zeros(1, ACCOUNT)[0], "a", NAMES, NOBODY)
    assert {"user type: unknown", "off-campus country: unknown"} <= set(groups)


def test_parts_merge_to_the_whole() -> None:
    today = np.concatenate([state(), state(country="JP"), state(NetworkKind.CAMPUS)])
    readers = [groups_of(one, account, NAMES, NOBODY) for one, account in zip(today, "abc", strict=True)]
    opened, highest = [True, False, False], [6.0, 5.0, 4.0]

    def near(score: float, groups: Sequence[str]) -> bool:
        return score >= 5.0 and EVERYONE in groups

    whole = count(readers, highest, opened, near)
    assert whole[EVERYONE] == GroupCount(3, 1, 2)
    assert whole["off-campus country: GB"] == GroupCount(2, 1, 1)
    parts = [count([r], [h], [o], near) for r, h, o in zip(readers, highest, opened, strict=True)]
    assert merge_counts(parts) == merge_counts(reversed(parts)) == whole


def test_readers_named_by_policy_stand_apart() -> None:
    readers = Readers(assisted=frozenset({"a"}), heavy=frozenset({"b"}))
    assert "arrangements: assisted readers" in groups_of(state()[0], "a", NAMES, readers)
    assert groups_of(state()[0], "b", NAMES, readers) == (HEAVY,)
    assert "arrangements: others" in groups_of(state()[0], "c", NAMES, readers)


def test_a_day_s_counts_are_kept_by_the_site_and_read_back() -> None:
    site = SiteModel(POLICY)
    share = Shard(POLICY, site)
    events = [event(NOON, "a"), event(NOON + 60, "b", place=FAR, network="n2")]
    share.absorb(events, [0, 1], TODAY)
    learn_day(site, share.summary(TODAY, 0))
    days = read_group_history(site_blobs.drain(site))
    assert list(days) == [TODAY]
    assert days[TODAY][EVERYONE] == GroupCount(2, 0)
    assert days[TODAY]["VPN: over a VPN or hosting network"] == GroupCount(1, 0)


def test_a_ledger_keeps_two_months() -> None:
    ledger = GroupHistory()
    names = [ledger.add_day(day, {EVERYONE: GroupCount(day, 0)}) for day in range(100, 190)]
    kept = {name: ledger.blob(name) for name in names[-62:]}
    assert list(read_group_history(kept)) == list(range(128, 190))


def test_thefts_are_told_as_the_newest_day_tells_them() -> None:
    ledger = GroupHistory()
    for day, thefts in ((100, 3), (101, 1)):
        stolen = [(EVERYONE, "user type: student")] * thefts
        ledger.add_day(day, count([(EVERYONE,)], [0.0], [True], lambda *_: False, stolen))
    assert ledger.whole == {EVERYONE: GroupCount(2, 2, 0, 1), "user type: student": GroupCount(0, 0, 0, 1)}
    again = GroupHistory(read_group_history({name: ledger.blob(name) for name in map(_slot, (100, 101))}))
    assert again.whole == ledger.whole


def _slot(day: int) -> str:
    return f"{PREFIX}{day % 62:02d}"


def test_damaged_counts_are_an_operator_s_error() -> None:
    with pytest.raises(CheckpointError, match="counts of groups"):
        read_group_history({f"{PREFIX}00": b"\xff"})
