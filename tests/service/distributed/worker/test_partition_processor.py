"""Partitions and workers, without Kafka: however accounts are split and processes die, the same result."""

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.distributed.protocol import wire
from service.distributed.protocol.partitions import partition_of_account
from service.distributed.protocol.wire import (
    FrameHeader,
    KnowledgeRecord,
    MoveRecord,
    SumsRecord,
    WireError,
    WireFault,
)
from service.distributed.shipper.framing import FrameBuilder
from service.distributed.worker.partition_processor import PartitionProcessor
from service.distributed.worker.site_replica import SiteReplica
from service.pipeline.shard import Shard
from service.pipeline.site_pipeline import Pipeline
from service.records.checkpoints import AnalystVerdict, Trace
from service.records.events import AccessEvent, Alert
from service.records.identities import Link
from tests.service.factories import DAY, NOON, POLICY, TODAY, Kept, event, library, run, shifted

STREAM = library(days=6, readers=14)
WHOLE = run(STREAM)


HALF = next(i for i, e in enumerate(STREAM) if e.time >= (TODAY + 3) * DAY + 12 * 3600)
YOUNG = [*STREAM[:HALF], *(shifted(e, account=e.account and f"new-{e.account}") for e in STREAM[HALF:])]


def linked(events: Sequence[AccessEvent], seen: set[str]) -> list[Link]:
    """What ingest tells of events after a rotation: accounts at first sight."""
    new = sorted({e.account for e in events if e.account.startswith("new-")} - seen)
    seen |= set(new)
    return [Link(account.removeprefix("new-"), account) for account in new]


def rotated() -> Kept:
    """One process through a rotation of the keys."""
    pipeline, store, seen = Pipeline(POLICY), Kept(), set[str]()
    for at in range(0, len(YOUNG), 7):
        pipeline.link(linked(YOUNG[at : at + 7], seen))
        pipeline.absorb(YOUNG[at : at + 7])
    store.take(pipeline.drain())
    return store


def shipped(partitions: int, cuts: int = 7, stream: Sequence[AccessEvent] = STREAM) -> dict[int, list[bytes]]:
    """What a shipper sends to each partition."""
    frames: dict[int, list[bytes]] = {p: [] for p in range(partitions)}
    seen: set[str] = set()
    builder = FrameBuilder(0, partitions, lambda p, value: frames[p].append(value), lambda: 0.0, lambda: None)
    for at in range(0, len(stream), cuts):
        if links := linked(stream[at : at + cuts], seen):
            builder.link(links)
        builder.absorb(stream[at : at + cuts])
        builder.drain()
    return frames


@dataclass
class Table:
    """What one partition has saved."""

    accounts: dict[str, bytes] = field(default_factory=dict)
    ledger: bytes | None = None


@dataclass
class Worker:
    """A process: what it knows, how far it has read the summaries, its partitions."""

    replica: SiteReplica
    read: int = 0
    processors: dict[int, PartitionProcessor] = field(default_factory=dict)


class LocalCluster:
    """Frames, tables, the summaries topic and the verdicts, given on a day, which outlive any worker."""

    def __init__(
        self, frames: dict[int, list[bytes]], verdicts: Mapping[int, Sequence[AnalystVerdict]] = {}
    ) -> None:
        self.verdicts = verdicts
        self.frames = frames
        self.tables = {p: Table() for p in frames}
        self.summaries: list[tuple[str, SumsRecord | KnowledgeRecord | None]] = []
        self.alerts: dict[str, Alert] = {}
        self.traces: dict[int, Trace] = {}
        self.moves: dict[int, list[MoveRecord]] = {p: [] for p in frames}

    def worker(self) -> Worker:
        """A new process, which reads what compaction has left."""
        worker = Worker(SiteReplica(POLICY, len(self.frames)), len(self.summaries))
        newest = {key: at for at, (key, _) in enumerate(self.summaries)}
        for at in sorted(newest.values()):
            self._learn(worker, self.summaries[at][1])
        return worker

    def read(self, worker: Worker) -> None:
        for _, record in self.summaries[worker.read :]:
            self._learn(worker, record)
        worker.read = len(self.summaries)

    def _learn(self, worker: Worker, record: SumsRecord | KnowledgeRecord | None) -> None:
        if isinstance(record, SumsRecord):
            worker.replica.take_sums(record)
        elif record is not None:
            worker.replica.take_snapshot(record)

    def own(self, worker: Worker, partition: int) -> None:
        processor = PartitionProcessor(partition, len(self.frames), POLICY, worker.replica.site)
        table = self.tables[partition]
        if table.ledger is not None:
            processor.restore(table.accounts.items(), table.ledger)
        worker.processors[partition] = processor

    def step(self, worker: Worker, partition: int, frames: int) -> bool:
        """Takes some frames where that is allowed; whether anything was done."""
        processor = worker.processors[partition]
        if not worker.replica.ready(processor.needs):
            return False
        processor.begin_next_day()
        for judged in self.verdicts.get(processor.day, ()):
            if partition_of_account(judged.account, len(self.frames)) == partition:
                processor.enqueue_verdicts([judged])
        for move in self.moves[partition] if processor.expected_accounts else ():
            processor.receive_account(move)
        left = self.frames[partition][processor.offset + 1 :][:frames]
        for value in left:
            if not processor.take(processor.offset + 1, wire.decode_frame(value)):
                self.save(worker, partition)
                break
        return bool(left)

    def save(self, worker: Worker, partition: int) -> None:
        """One checkpoint."""
        processor, table = worker.processors[partition], self.tables[partition]
        changes, table.ledger = processor.drain()
        table.accounts.update(changes.accounts)
        for account in changes.gone:
            del table.accounts[account]
        for move in processor.drain_handovers():
            self.moves[partition_of_account(move.link.new, len(self.frames))].append(move)
        self.alerts.update({alert.alert_id: alert for alert in changes.alerts})
        self.traces.update({trace.sequence: trace for trace in changes.traces})
        if (closing := processor.closing) is not None:
            record = SumsRecord(1, partition, closing.next_day, closing.after, closing.sums)
            self.summaries.append((f"sums/{partition}/{closing.day}", record))
        if partition == 0 and (snapshot := list(worker.replica.snapshot())):
            self.summaries += [(f"site/{record.name}", record) for record in snapshot]
            self.summaries += [(f"sums/{p}/{d}", None) for p, d in worker.replica.outdated()]


def done(cluster: LocalCluster, workers: list[Worker]) -> bool:
    return all(
        processor.offset + 1 == len(cluster.frames[p]) and processor.closing is None
        for worker in workers
        for p, processor in worker.processors.items()
    )


def lived_through(
    partitions: int,
    seed: int,
    deaths: float,
    stream: Sequence[AccessEvent] = STREAM,
    verdicts: Mapping[int, Sequence[AnalystVerdict]] = {},
) -> LocalCluster:
    """Two workers take everything; now and then one dies with what it has not saved, or a partition moves."""
    chance = random.Random(seed)
    cluster = LocalCluster(shipped(partitions, stream=stream), verdicts)
    workers = [cluster.worker(), cluster.worker()]
    for partition in range(partitions):
        cluster.own(workers[partition % 2], partition)
    for _ in range(20_000):
        if done(cluster, workers):
            break
        at = chance.randrange(2)
        worker = workers[at]
        if chance.random() < deaths:
            reborn = cluster.worker()
            for partition in worker.processors:
                cluster.own(chance.choice([reborn, workers[1 - at]]), partition)
            workers[at] = reborn
            continue
        cluster.read(worker)
        for partition in list(worker.processors):
            cluster.step(worker, partition, chance.randint(1, 5))
            if chance.random() < 0.3:
                cluster.save(worker, partition)
    for worker in workers:
        cluster.read(worker)
        for partition in worker.processors:
            cluster.save(worker, partition)
    assert done(cluster, workers)
    return cluster


@pytest.mark.parametrize(("partitions", "deaths"), [(1, 0.0), (3, 0.0), (4, 0.1), (7, 0.03)])
def test_the_same_alerts_states_and_traces_as_in_one_process(partitions: int, deaths: float) -> None:
    cluster = lived_through(partitions, 11, deaths)
    assert cluster.alerts == {alert.alert_id: alert for alert in WHOLE.alerts}
    assert list(dict(sorted(cluster.traces.items())).values()) == list(WHOLE.traces)
    states = {a: s for table in cluster.tables.values() for a, s in table.accounts.items()}
    assert states == dict(WHOLE.accounts)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_whatever_dies_whenever(seed: int, partitions: int) -> None:
    cluster = lived_through(partitions, seed, 0.08)
    assert cluster.alerts == {alert.alert_id: alert for alert in WHOLE.alerts}
    assert {a: s for t in cluster.tables.values() for a, s in t.accounts.items()} == dict(WHOLE.accounts)


@pytest.mark.parametrize(("partitions", "deaths"), [(1, 0.0), (4, 0.08)])
def test_verdicts_do_the_same_as_in_one_process(partitions: int, deaths: float) -> None:
    first, second = sorted(WHOLE.alerts, key=lambda alert: alert.opened_at)[:2]
    said = [
        AnalystVerdict(1, first.alert_id, first.account, "expected", 30),
        AnalystVerdict(2, second.alert_id, second.account, "confirmed"),
    ]
    given = {alert.opened_at // DAY: [j] for alert, j in zip((first, second), said, strict=True)}
    pipeline = Pipeline(POLICY)
    for day, events in itertools.groupby(STREAM, key=lambda e: e.time // DAY):
        some = list(events)
        pipeline.absorb(some[:1])
        pipeline.enqueue_verdicts(given.get(day, ()))
        pipeline.absorb(some[1:])
    whole = pipeline.drain()
    cluster = lived_through(partitions, 5, deaths, verdicts=given)
    assert cluster.alerts == {alert.alert_id: alert for alert in whole.alerts}
    assert cluster.alerts[first.alert_id].quiet is not None
    states = {a: s for table in cluster.tables.values() for a, s in table.accounts.items()}
    assert states == dict(whole.accounts)


@pytest.mark.parametrize(("partitions", "deaths"), [(1, 0.0), (3, 0.0), (4, 0.08), (7, 0.03)])
def test_rotated_keys_move_states_between_partitions(partitions: int, deaths: float) -> None:
    expected = rotated()
    assert any(name.startswith("new-") for name in expected.accounts)
    cluster = lived_through(partitions, 11, deaths, YOUNG)
    assert {a: s for t in cluster.tables.values() for a, s in t.accounts.items()} == expected.accounts
    assert {a.alert_id: a.score for a in cluster.alerts.values()} == {
        a.alert_id: a.score for a in expected.alerts.values()
    }


def test_a_state_that_does_not_come_is_given_up() -> None:
    processor = PartitionProcessor(0, 2, POLICY, SiteReplica(POLICY, 2).site)
    names = [f"reader{i}" for i in range(20)]
    here = next(n for n in names if partition_of_account(n, 2) == 0)
    there = next(n for n in names if partition_of_account(n, 2) == 1)
    frame = wire.Frame(FrameHeader(1, 0, TODAY, 0, coming=(Link(there, here),)), [])
    assert not processor.take(0, frame)
    assert processor.expected_accounts == (Link(there, here),)
    processor.abandon_expected()
    assert processor.take(0, frame)
    assert not processor.expected_accounts


def test_the_stream_is_worth_it() -> None:
    assert len(WHOLE.alerts) >= 2
    assert len({(e.time + e.offset) // DAY for e in STREAM}) >= 5


def test_repeated_frames_count_once() -> None:
    processor = PartitionProcessor(0, 1, POLICY, SiteReplica(POLICY, 1).site)
    events = [event(NOON + i, document=i) for i in range(4)]
    processor.take(0, wire.Frame(FrameHeader(1, 0, TODAY, 0, (0, 1, 2)), events[:3]))
    processor.take(1, wire.Frame(FrameHeader(1, 0, TODAY, 0, (1, 2, 3)), events[1:]))  # the shipper's repeat
    processor.take(1, wire.Frame(FrameHeader(1, 0, TODAY, 0, (9,)), events[:1]))  # Kafka's
    assert processor.counters["events_absorbed_total"] == 4
    assert processor.counters["events_repeated_total"] == 2


def test_numbers_are_each_shipper_s_own() -> None:
    processor = PartitionProcessor(0, 1, POLICY, SiteReplica(POLICY, 1).site)
    processor.take(0, wire.Frame(FrameHeader(1, 1, TODAY, 0, ((1 << 48) + 5,)), [event()]))
    processor.take(1, wire.Frame(FrameHeader(1, 0, TODAY, 0, (2,)), [event(NOON + 1, document=1)]))
    assert processor.counters["events_absorbed_total"] == 2


def test_a_frame_of_another_partition_is_refused_and_passed() -> None:
    processor = PartitionProcessor(0, 2, POLICY, SiteReplica(POLICY, 2).site)
    names = [f"reader{i}" for i in range(8)]
    mixed = [event(NOON + i, name) for i, name in enumerate(names)]
    with pytest.raises(WireError) as refused:
        processor.take(3, wire.Frame(FrameHeader(1, 0, TODAY, 0, tuple(range(8))), mixed))
    assert refused.value.refusal is WireFault.WRONG_PARTITION
    assert processor.offset == 3
    assert not processor.drain()[0].accounts


def test_a_day_is_learnt_when_all_partitions_are_past_it() -> None:
    replica = SiteReplica(POLICY, 2)
    processors = [PartitionProcessor(p, 2, POLICY, replica.site) for p in range(2)]
    for day in (TODAY, TODAY + 1):
        for processor in processors:
            processor.take(processor.offset + 1, wire.Frame(FrameHeader(1, 0, day, 0), []))
    records = []
    for processor in processors:
        assert processor.closing is not None
        records.append(SumsRecord(1, processor.partition, TODAY + 1, 0, processor.closing.sums))
    assert not replica.take_sums(records[0])
    assert not replica.ready(TODAY + 1)
    assert not replica.take_sums(records[0])  # a repeat
    assert replica.take_sums(records[1])
    assert replica.ready(TODAY + 1)
    assert replica.site.day == TODAY


def test_sums_that_compaction_left_of_a_day_are_not_taken_for_the_whole_day() -> None:
    """One partition is a day further, so its older sums are gone; the snapshot says what the day came to."""
    first = SiteReplica(POLICY, 2)
    sums = Shard(POLICY, first.site).summary(TODAY, 0)
    active = [msgspec.structs.replace(sums, active=n) for n in (5, 7)]
    parts = [SumsRecord(1, p, TODAY + 1, 0, active[p]) for p in range(2)]
    for part in parts:
        first.take_sums(part)
    late = SiteReplica(POLICY, 2)
    late.take_sums(parts[1])
    late.take_sums(SumsRecord(1, 0, TODAY + 2, TODAY, msgspec.structs.replace(sums, day=TODAY + 1)))
    assert late.site.day == 0
    for record in first.snapshot():
        late.take_snapshot(record)
    assert late.site.threshold.calibration == first.site.threshold.calibration
