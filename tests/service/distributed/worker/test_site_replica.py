"""What all partitions together know: days in order, repeats once, late workers from the newest snapshot."""

from service.distributed.protocol.wire import Frame, FrameHeader, KnowledgeRecord, SumsRecord
from service.distributed.worker.partition_processor import PartitionProcessor
from service.distributed.worker.site_replica import SiteReplica
from service.learning.site_blobs import SITE
from tests.service.factories import DAY, NOON, POLICY, TODAY, event

PARTITIONS = 2


def sums_of(partition: int, day: int, *, after: int = 0, next_day: int = 0) -> SumsRecord:
    """A day that one reader's partition has closed."""
    processor = PartitionProcessor(0, 1, POLICY, SiteReplica(POLICY, 1).site)
    at = NOON + DAY * (day - TODAY)
    processor.take(0, Frame(FrameHeader(1, 0, day, 0, (0,)), [event(at, f"reader{partition}")]))
    processor.take(1, Frame(FrameHeader(1, 0, day + 1, 0), []))
    assert processor.closing is not None
    return SumsRecord(1, partition, next_day or day + 1, after, processor.closing.sums)


def learnt(*days: int) -> SiteReplica:
    """From whole days."""
    replica = SiteReplica(POLICY, PARTITIONS)
    for at, day in enumerate(days):
        for partition in range(PARTITIONS):
            replica.take_sums(sums_of(partition, day, after=days[at - 1] if at else 0))
    return replica


def reported(replica: SiteReplica) -> list[KnowledgeRecord]:
    return list(replica.snapshot())


def test_a_day_is_over_when_every_partition_says_so() -> None:
    replica = SiteReplica(POLICY, PARTITIONS)
    assert replica.ready(0)
    assert not replica.take_sums(sums_of(0, TODAY))
    assert (replica.horizon, replica.ready(TODAY + 1)) == (0, False)
    assert replica.take_sums(sums_of(1, TODAY))
    assert (replica.horizon, replica.ready(TODAY + 1), replica.site.day) == (TODAY + 1, True, TODAY)


def test_repeats_and_partitions_that_are_none_change_nothing() -> None:
    replica = learnt(TODAY)
    whole = {record.name: record.blob for record in replica.snapshot()}
    again = SiteReplica(POLICY, PARTITIONS)
    for partition in (0, 0, 7, -1, 1, 1, 0):
        again.take_sums(sums_of(partition, TODAY))
    assert {record.name: record.blob for record in again.snapshot()} == whole


def test_the_order_of_partitions_does_not_matter() -> None:
    there, back = SiteReplica(POLICY, PARTITIONS), SiteReplica(POLICY, PARTITIONS)
    for partition in (0, 1):
        there.take_sums(sums_of(partition, TODAY))
        back.take_sums(sums_of(1 - partition, TODAY))
    assert reported(there) == reported(back)


def test_a_partition_without_events_that_day_holds_nobody_up() -> None:
    """It closed an earlier day last, and goes on with a later one."""
    replica = SiteReplica(POLICY, PARTITIONS)
    replica.take_sums(sums_of(0, TODAY - 1, next_day=TODAY + 1))
    replica.take_sums(sums_of(1, TODAY - 1))
    assert replica.site.day == TODAY - 1
    replica.take_sums(sums_of(1, TODAY, after=TODAY - 1))
    assert (replica.site.day, replica.ready(TODAY + 1)) == (TODAY, True)


def test_a_worker_that_comes_late_begins_with_the_snapshot() -> None:
    old = learnt(TODAY, TODAY + 1)
    snapshot = reported(old)
    assert snapshot[-1].name == SITE, "the last of them completes it"
    late = SiteReplica(POLICY, PARTITIONS)
    for partition in range(PARTITIONS):  # compaction left the newest sums of each partition
        late.take_sums(sums_of(partition, TODAY + 1, after=TODAY))
    assert not late.ready(TODAY + 2), "the day before is not known to it"
    for record in snapshot:
        late.take_snapshot(record)
    assert (late.site.day, late.ready(TODAY + 2)) == (TODAY + 1, True)
    for replica in (old, late):
        for partition in range(PARTITIONS):
            replica.take_sums(sums_of(partition, TODAY + 2, after=TODAY + 1))
    assert reported(late) == reported(old)


def test_a_snapshot_that_was_not_written_is_told_again() -> None:
    replica = learnt(TODAY)
    records = reported(replica)
    assert reported(replica) == []
    replica.unsaved(records)
    assert reported(replica) == records


def test_outdated_sums_are_told_once_and_the_newest_stay() -> None:
    replica = learnt(TODAY, TODAY + 1)
    assert sorted(replica.outdated()) == [(0, TODAY), (1, TODAY)]
    assert replica.outdated() == []
