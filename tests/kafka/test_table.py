"""A partition's table over a real broker: what a checkpoint wrote is there again, and only one may write."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from kafka import KafkaProducer

from service.config.settings import Settings, SiteFolder
from service.distributed.protocol.connection import aiokafka_options, kafka_of
from service.distributed.protocol.topics import changelog_of, identity_of, topics_of
from service.distributed.protocol.wire import VERSION, SumsRecord, VerdictRecord, encode
from service.distributed.worker.changelog import Changelog, Recovered
from service.distributed.worker.site_replica import SiteReplica
from service.distributed.worker.topic_reader import TopicReader, VerdictReader, summaries_into
from service.distributed.worker.transactions import OutgoingMessage
from tests.kafka.end_to_end import LOG_FORMAT, PARTITIONS, site_over
from tests.kafka.topic_watch import TopicWatch
from tests.service.distributed.worker.test_site_replica import sums_of
from tests.service.factories import POLICY, TODAY
from tests.services.kafka import Cluster

pytestmark = pytest.mark.kafka

HERE = 2  # the partition


@pytest.fixture
def site(tmp_path: Path, broker: Cluster, prefix: str) -> SiteFolder:
    settings = Settings(log_format=LOG_FORMAT, timezone="UTC", logs=("access.log",))
    return site_over(tmp_path / "site", broker.servers, prefix, settings)


def table_of(site: SiteFolder, worker: str = "w1") -> Changelog:
    kafka = kafka_of(site)
    return Changelog(
        changelog_of(kafka),
        identity_of(site),
        HERE,
        PARTITIONS,
        group=kafka.group,
        options=aiokafka_options(kafka, site.folder),
        folder=site.folder / worker,
    )


async def opened(table: Changelog) -> Recovered:
    """What it holds; closed again."""
    try:
        return await table.open()
    finally:
        await table.close()


def test_a_checkpoint_is_there_again_on_this_disk_and_on_another(site: SiteFolder) -> None:
    topics = topics_of(kafka_of(site))
    stream = TopicPartition(topics.access, HERE)

    async def lived() -> list[Recovered]:
        table = table_of(site)
        assert await table.open() == Recovered([], None)
        alert = OutgoingMessage(topics.alerts, HERE, b"reader1", b"an alert")
        await table.commit([("reader1", b"one"), ("reader2", b"two")], b"ledger-1", [alert], {stream: 5})
        await table.commit([("reader1", b"newer"), ("reader2", None)], b"ledger-2", [], {stream: 9})
        await table.close()
        again = [await opened(table_of(site, worker)) for worker in ("w1", "w2")]
        shutil.rmtree(site.folder / "w1")
        return [*again, await opened(table_of(site))]

    assert asyncio.run(lived()) == [Recovered([("reader1", b"newer")], b"ledger-2")] * 3
    assert TopicWatch(site).committed(HERE) == 9


def test_a_worker_that_lost_the_partition_can_write_nothing_more(site: SiteFolder) -> None:
    topics = topics_of(kafka_of(site))
    stream = TopicPartition(topics.access, HERE)

    async def lived() -> Recovered:
        slept, owner = table_of(site, "w1"), table_of(site, "w2")
        await slept.open()
        await slept.commit([("reader1", b"old")], b"ledger-1", [], {stream: 3})
        await owner.open()
        await owner.commit([("reader1", b"new")], b"ledger-2", [], {stream: 4})
        stale = OutgoingMessage(topics.alerts, HERE, b"reader1", b"stale")
        with pytest.raises(KafkaError):
            await slept.commit([("reader1", b"stale")], b"ledger-0", [stale], {stream: 2})
        for table in (slept, owner):
            with suppress(KafkaError):
                await table.close()
        return await opened(table_of(site, "w3"))

    assert asyncio.run(lived()) == Recovered([("reader1", b"new")], b"ledger-2")
    assert TopicWatch(site).committed(HERE) == 4
    assert TopicWatch(site).alert_values() == []


def test_the_summaries_are_read_whatever_lies_among_them(site: SiteFolder) -> None:
    kafka = kafka_of(site)
    topic = topics_of(kafka).summaries
    wanted = SiteReplica(POLICY, PARTITIONS)
    records: list[SumsRecord] = [sums_of(partition, TODAY) for partition in range(PARTITIONS)]
    with_poison = [b"\xff", *map(encode, records), b'{"v":2}', None]
    producer = KafkaProducer(bootstrap_servers=list(kafka.servers))
    for value in with_poison:
        producer.send(topic, key=b"sums/0/1", value=value)
    producer.close()
    for record in records:
        wanted.take_sums(record)

    async def read() -> SiteReplica:
        replica, learnt = SiteReplica(POLICY, PARTITIONS), asyncio.Event()
        options = aiokafka_options(kafka, site.folder)
        summaries = TopicReader(topic, 1, options, summaries_into(replica), learnt.set)
        reader = asyncio.create_task(summaries.run())
        while not replica.ready(TODAY + 1):
            await learnt.wait()
            learnt.clear()
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
        return replica

    assert list(asyncio.run(read()).snapshot()) == list(wanted.snapshot())


def test_every_worker_reads_all_verdicts_by_partition_and_in_order(site: SiteFolder) -> None:
    kafka = kafka_of(site)
    topic = topics_of(kafka).verdicts
    producer = KafkaProducer(bootstrap_servers=list(kafka.servers))
    for number in range(1, 13):
        record = VerdictRecord(VERSION, number, f"JG-{number}", "u1", "expected", 0.0, 90)
        producer.send(topic, partition=number % 3, value=encode(record))
    producer.send(topic, partition=0, value=b"garbage")
    producer.close()

    async def read() -> VerdictReader:
        verdicts, learnt = VerdictReader(), asyncio.Event()
        options = aiokafka_options(kafka, site.folder)
        reader = asyncio.create_task(TopicReader(topic, PARTITIONS, options, verdicts.take, learnt.set).run())
        while sum(len(verdicts.after(p, 0)) for p in range(PARTITIONS)) < 12:
            await learnt.wait()
            learnt.clear()
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
        return verdicts

    verdicts = asyncio.run(read())
    assert [v.verdict_id for v in verdicts.after(1, 0)] == [1, 4, 7, 10]
    assert [v.verdict_id for v in verdicts.after(1, 4)] == [7, 10]
    assert verdicts.after(2, 0)[0].quiet_days == 90
