"""What the sink makes of messages is the same however they are cut, repeated, or lost while unwritten."""

import re
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts_api.stream.store import open_store
from service.decision.reader_groups import EVERYONE, GroupCount, read_group_history
from service.distributed.protocol.topics import Topics
from service.distributed.protocol.wire import (
    VERSION,
    AlertRecord,
    IdentityRecord,
    StatusRecord,
    TraceRecord,
    encode,
)
from service.distributed.sink.batcher import IncomingMessage, Part, SinkBatcher
from service.records.checkpoints import SavedState
from service.records.drift_report import NAME, Cause, DriftReport
from service.records.events import Rejected
from service.records.identities import KeyShare, Mode, SealedIdentity
from tests.alerts_api.examples import NOW, make_alert, make_traces

TOPICS = Topics(*(f"t.{name}.v1" for name in Topics._fields))
DAYS = 28
NOTHING = SavedState((), {}, {}, {}, 0)
TABLES = ("alerts", "alert_marks", "traces", "identities", "positions", "counters", "feed", "shared")
REJECTED = "SELECT reason, source, line, length FROM rejected"  # when they were written hangs on the cuts


class Entry(NamedTuple):
    """An offset of a partition; the mark of a transaction has no value."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes = b""


def alert_message(index: int, growth: int = 0) -> tuple[str, bytes]:
    alert = make_alert(index)
    grown = replace(alert, updated_at=alert.updated_at + growth, events=alert.events + growth)
    return TOPICS.alerts, encode(AlertRecord(VERSION, grown))


def status_message(process: str, growth: int) -> tuple[str, bytes]:
    kind = process.partition("/")[0]
    line = Rejected("no-time", "a.log", growth, 80)
    last = NOW + growth * 86_400
    return TOPICS.status, encode(
        StatusRecord(VERSION, process, {f"{kind}_total": growth}, last, NOW + growth, (line,))
    )


def trace_message(index: int, growth: int) -> tuple[str, bytes]:
    traces = make_traces(make_alert(index), count=2, first=10 * growth)
    return TOPICS.traces, encode(TraceRecord(VERSION, traces))


def identity_message(index: int, growth: int) -> tuple[str, bytes]:
    return TOPICS.identities, sealed(make_alert(index).account, ring=f"{growth:016d}")


def tombstone(topic: str, index: int) -> tuple[str, None, bytes]:
    return topic, None, make_alert(index).account.encode()


def written(
    number: int, index: int, growth: int
) -> tuple[str, bytes | None] | tuple[str, bytes | None, bytes]:
    """The ``growth``-th entry of a log."""
    return (
        alert_message(index, growth),
        trace_message(index, growth),
        status_message(f"shipper/{index}", growth),
        status_message(f"partition/{index}", growth),
        (TOPICS.alerts, b"garbage"),
        (TOPICS.status, b'{"v":9}'),
        (TOPICS.alerts, None),
        (TOPICS.status, None),
        identity_message(index, growth),
        tombstone(TOPICS.alerts, index),
        tombstone(TOPICS.traces, index),
        tombstone(TOPICS.identities, index),
    )[number]


def log_of(drawn: Sequence[tuple[int, int, int]]) -> list[Entry]:
    ends: dict[Part, int] = {}
    log = []
    for growth, (number, index, partition) in enumerate(drawn):
        topic, value, *key = written(number, index, growth)
        offset = ends.get((topic, partition), 0)
        ends[topic, partition] = offset + 1
        log.append(Entry(topic, partition, offset, value, *key))
    return log


def positions_at(log: Sequence[Entry], end: int) -> Mapping[Part, int]:
    every = {(entry.topic, entry.partition): 0 for entry in log}
    return every | {(entry.topic, entry.partition): entry.offset + 1 for entry in log[:end]}


def messages(log: Sequence[Entry]) -> list[IncomingMessage]:
    return [IncomingMessage(*entry) for entry in log if entry.key or entry.value is not None]


def tables(path: Path) -> list[list[object]]:
    """Every row. Of alerts' numbers only the order counts: one erased after it was stored leaves a gap."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alerts SET number = -number")
        numbers = connection.execute("SELECT number FROM alerts ORDER BY number DESC").fetchall()
        connection.executemany(
            "UPDATE alerts SET number = ? WHERE number = ?", enumerate(n for (n,) in numbers)
        )
        queries = [*(f"SELECT * FROM {table}" for table in TABLES), REJECTED]  # noqa: S608 - our own names
        return [sorted(connection.execute(query).fetchall()) for query in queries]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "empty.db"
    open_store(path).close()
    return path


@given(
    drawn=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2), st.integers(0, 1)), max_size=40),
    plan=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4), st.booleans()), max_size=30),
)
@settings(max_examples=60, deadline=None)
def test_any_cut_repetition_and_restart_gives_the_same_tables(
    empty: Path, drawn: list[tuple[int, int, int]], plan: list[tuple[int, int, bool]]
) -> None:
    log = log_of(drawn)
    at_once, in_pieces = empty.with_name("once.db"), empty.with_name("pieces.db")
    for path in (at_once, in_pieces):
        shutil.copy(empty, path)
    with closing(open_store(at_once)) as store:
        batcher = SinkBatcher(TOPICS, store.load(), DAYS)
        store.commit(batcher.take(messages(log), positions_at(log, len(log))).checkpoint)
    with closing(open_store(in_pieces)) as store:
        batcher, done = SinkBatcher(TOPICS, store.load(), DAYS), 0
        for size, again, killed in [*plan, (len(log), 0, False)]:
            end = min(len(log), done + size)
            found = messages(log[max(0, done - again) : end])
            checkpoint = batcher.take(found, positions_at(log, end)).checkpoint
            if killed:
                batcher = SinkBatcher(TOPICS, store.load(), DAYS)
            else:
                store.commit(checkpoint)
                done = end
    assert tables(in_pieces) == tables(at_once)


def test_counters_are_summed_over_processes_of_which_the_newest_counts() -> None:
    batcher = SinkBatcher(TOPICS, NOTHING, DAYS)
    records = [
        StatusRecord(VERSION, "shipper/0", {"lines_total": 5, "rejected_total:no-time": 1}, NOW, 10.0),
        StatusRecord(VERSION, "shipper/1", {"lines_total": 100}, NOW - 50, 30.0),
        StatusRecord(VERSION, "partition/3", {"alerts_total": 2, "messages_missed_total": 9}, NOW + 50, 20.0),
        StatusRecord(VERSION, "shipper/0", {"lines_total": 7, "rejected_total:no-time": 1}, NOW + 9, 12.0),
    ]
    found = [IncomingMessage(TOPICS.status, 0, n, encode(record)) for n, record in enumerate(records)]
    checkpoint, dead_letters = batcher.take(found, {(TOPICS.status, 0): 6})
    assert dead_letters == ()
    assert checkpoint.counters == {"lines_total": 107, "rejected_total:no-time": 1, "alerts_total": 2}
    assert (checkpoint.last_event_time, checkpoint.written_at) == (NOW + 9, 30.0)
    assert checkpoint.forget_before == NOW + 9 - 28 * 86_400
    assert checkpoint.positions == {f"{TOPICS.status}/0": b"6"}


@pytest.mark.parametrize(
    ("first", "end", "offset", "missed"),
    [(0, 90, 40, 0), (40, 40, 40, 0), (55, 90, 55, 15), (0, 39, 0, 0), (3, 9, 3, 0)],
    ids=["goes on", "all read", "deleted unread", "made again", "made again and deleted"],
)
def test_reading_goes_on_where_it_was(first: int, end: int, offset: int, missed: int) -> None:
    saved = replace(NOTHING, positions={f"{TOPICS.traces}/2": b"40"}, counters={"messages_missed_total": 1})
    batcher = SinkBatcher(TOPICS, saved, DAYS)
    assert batcher.place(TOPICS.traces, 2, first, end) == (offset, missed)
    assert batcher.place(TOPICS.traces, 1, 7, 9) == (7, 0)  # never read before: from what there is
    checkpoint, _ = batcher.take([IncomingMessage(TOPICS.traces, 2, offset, trace_message(0, 1)[1])], {})
    assert checkpoint.counters["messages_missed_total"] == 1 + missed
    assert len(checkpoint.changes.traces) == 2
    assert checkpoint.positions == {f"{TOPICS.traces}/2": b"%d" % (offset + 1)}


ALERT = make_alert()
SOUND = encode(AlertRecord(VERSION, ALERT))
STATUS = StatusRecord(VERSION, "shipper/0")


@pytest.mark.parametrize(
    ("topic", "value", "reason"),
    [
        (TOPICS.alerts, b"", "garbage"),
        (TOPICS.alerts, b"\xff\xfe", "garbage"),
        (TOPICS.traces, b'{"v":1,"traces":' + b"[" * 100_000, "garbage"),
        (TOPICS.alerts, encode(STATUS), "wrong-schema"),
        (TOPICS.alerts, encode(AlertRecord(VERSION + 1, ALERT)), "future-version"),
        (TOPICS.alerts, encode(AlertRecord(VERSION, replace(ALERT, events=2**63))), "wrong-schema"),
        (TOPICS.alerts, encode(AlertRecord(VERSION, replace(ALERT, summary="a\0b"))), "wrong-schema"),
        (TOPICS.alerts, encode(AlertRecord(VERSION, replace(ALERT, account="u" * 501))), "wrong-schema"),
        (TOPICS.alerts, re.sub(rb'"score":[0-9.]+', b'"score":1e999', SOUND), "wrong-schema"),
        (TOPICS.status, encode(replace(STATUS, counters={"lines_total": 2**60})), "wrong-schema"),
        (TOPICS.status, encode(replace(STATUS, last_event_time=2**63)), "wrong-schema"),
    ],
)
def test_what_no_store_could_hold_is_put_aside(topic: str, value: bytes, reason: str) -> None:
    batcher = SinkBatcher(TOPICS, NOTHING, DAYS)
    checkpoint, (dead_letters,) = batcher.take([IncomingMessage(topic, 1, 17, value)], {(topic, 1): 19})
    assert (dead_letters.topic, dead_letters.partition, dead_letters.offset, dead_letters.reason) == (
        topic,
        1,
        17,
        reason,
    )
    assert dead_letters.length == len(value)
    assert checkpoint.counters == {f"messages_aside_total:{reason}": 1}
    assert checkpoint.positions == {f"{topic}/1": b"19"}


def test_a_store_that_read_logs_before_is_taken_over() -> None:
    saved = replace(NOTHING, positions={"access:/var/log/ezproxy.log": b'{"offset":3}', "other/1": b"5"})
    batcher = SinkBatcher(TOPICS, saved, DAYS)
    assert batcher.positions == {}


def test_what_moved_is_kept_for_the_pages() -> None:
    reported = DriftReport(20_000, causes=(Cause("bytes", 19_999, 20_000),))
    batcher = SinkBatcher(TOPICS, NOTHING, DAYS)
    value = encode(StatusRecord(VERSION, "site", drift=reported))
    taken = batcher.take([IncomingMessage(TOPICS.status, 0, 0, value)], {})
    shared = taken.checkpoint.changes.shared
    assert msgspec.json.decode(shared[NAME], type=DriftReport) == reported


DAY_OF_GROUPS = msgspec.msgpack.encode((20_000, {EVERYONE: GroupCount(2_000, 3, 12)}))


def test_counts_of_groups_are_kept_for_the_pages() -> None:
    value = encode(StatusRecord(VERSION, "site", groups={"groups/07": DAY_OF_GROUPS}))
    taken = SinkBatcher(TOPICS, NOTHING, DAYS).take([IncomingMessage(TOPICS.status, 0, 0, value)], {})
    shared = taken.checkpoint.changes.shared
    assert read_group_history(shared) == {20_000: {EVERYONE: GroupCount(2_000, 3, 12)}}
    assert b"groups/" not in shared["status"], "it is kept once"


@pytest.mark.parametrize("groups", [{"groups/07": b"garbage"}, {"site": DAY_OF_GROUPS}])
def test_what_are_no_counts_is_put_aside(groups: dict[str, bytes]) -> None:
    value = encode(StatusRecord(VERSION, "site", groups=groups))
    taken = SinkBatcher(TOPICS, NOTHING, DAYS).take([IncomingMessage(TOPICS.status, 0, 0, value)], {})
    assert [record.reason for record in taken.dead_letters] == ["wrong-schema"]
    assert taken.checkpoint.changes.shared == {}


def sealed(pseudonym: str, version: int = 1, ring: str = "0" * 16) -> bytes:
    """A message's value."""
    share = KeyShare(("0" * 16,), b"\x01" * 304)
    identity = SealedIdentity(version, pseudonym, "1", Mode.ONE, ring, (share,))
    return encode(IdentityRecord(VERSION, identity))


def test_a_sealed_identity_goes_to_the_store() -> None:
    message = IncomingMessage(TOPICS.identities, 0, 0, sealed("u1_" + "a" * 24))
    taken = SinkBatcher(TOPICS, NOTHING, DAYS).take([message], {})
    assert [identity.pseudonym for identity in taken.checkpoint.changes.identities] == ["u1_" + "a" * 24]
    assert taken.dead_letters == ()


@given(order=st.permutations(range(5)))
@settings(max_examples=30, deadline=None)
def test_a_reader_erased_while_the_pages_were_away_is_known_by_what_came_after_alone(
    empty: Path, order: list[int]
) -> None:
    """In whatever order a poll gives the partitions: each topic has its own mark of the erasure."""
    account = make_alert(0).account
    before, after = (
        IncomingMessage(TOPICS.identities, 0, n, sealed(account, ring=f"{n}" * 16)) for n in (0, 2)
    )
    mark = IncomingMessage(TOPICS.identities, 0, 1, None, account.encode())
    found = [
        IncomingMessage(TOPICS.alerts, 0, 0, alert_message(0)[1]),
        IncomingMessage(TOPICS.alerts, 0, 1, None, account.encode()),
        before,
        mark,
        after,
    ]
    drawn = iter(sorted(order[:2])), iter(sorted(order[2:]))
    mixed = [0] * 5
    for places, messages_of in zip(drawn, (range(2), range(2, 5)), strict=True):
        for place, message in zip(places, messages_of, strict=True):
            mixed[place] = message
    path = empty.with_name("erased.db")
    shutil.copy(empty, path)
    with closing(open_store(path)) as store:
        batcher = SinkBatcher(TOPICS, store.load(), DAYS)
        for number in mixed:  # the worst case: a checkpoint for each
            store.commit(batcher.take([found[number]], {}).checkpoint)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT ring FROM identities").fetchall() == [("2" * 16,)]
        assert connection.execute("SELECT count(*) FROM alerts").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (sealed("jdoe@example.org"), "wrong-schema"),
        (b'{"v":1,"identity":{"kind":"half-opened"}}', "wrong-schema"),
        (sealed("u1_" + "a" * 24, version=2), "future-version"),
    ],
)
def test_what_is_no_sealed_identity_is_put_aside(value: bytes, reason: str) -> None:
    taken = SinkBatcher(TOPICS, NOTHING, DAYS).take([IncomingMessage(TOPICS.identities, 0, 0, value)], {})
    assert taken.checkpoint.changes.identities == ()
    assert [record.reason for record in taken.dead_letters] == [reason]
