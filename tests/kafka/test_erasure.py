"""`rights erase` over real processes and a real broker: nothing is left but what Kafka drops by itself."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from service.distributed.connection import kafka_of
from service.distributed.lookup import saved_state
from service.distributed.partitions import partition_of_account
from service.distributed.topics import changelog_of, topics_of
from service.settings import Settings, Site
from tests.beds.kafka import Cluster
from tests.e2e.sites import access_lines, call
from tests.kafka.watch import Watch
from tests.kafka.whole import LOG_FORMAT, Parts, site_over, wait

THEFT = range(0, 1500, 3)
ASKED = ("--case", "SD-1", "--dpo", "mholmes", "--reader", "-")

pytestmark = pytest.mark.kafka


def add(log: Path, lines: Sequence[str]) -> None:
    with log.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def pseudonym(site: Site, name: str) -> str:
    result = call("pseudonym", "--site", site.folder, "--kind", "user", stdin=f"{name}\n".encode())
    return result.stdout.split("\t")[1].strip()


def holding(site: Site, sought: str) -> list[str]:
    """Files of the site, the workers' copies among them, that hold the pseudonym anywhere."""
    found = []
    for path in site.folder.rglob("*"):
        with suppress(FileNotFoundError):  # the workers' copies are written anew meanwhile
            if path.is_file() and sought.encode() in path.read_bytes():
                found.append(str(path.relative_to(site.folder)))
    return found


def records_of(site: Site, topic: str, account: str) -> list[bytes | None]:
    """All records of the account's partition that hold the pseudonym in key or value."""
    kafka = kafka_of(site)
    part = TopicPartition(topic, partition_of_account(account, kafka.partitions))
    consumer = KafkaConsumer(
        bootstrap_servers=list(kafka.servers), group_id=None, isolation_level="read_committed"
    )
    found: list[bytes | None] = []
    try:
        consumer.assign([part])
        consumer.seek_to_beginning(part)
        end = consumer.end_offsets([part], timeout_ms=20_000)[part]
        while (consumer.position(part) or 0) < end:
            for records in consumer.poll(timeout_ms=500).values():
                sought = account.encode()
                found += [r.value for r in records if sought in (r.key or b"") + (r.value or b"")]
    finally:
        consumer.close()
    return found


def compact(site: Site) -> None:
    """What the broker does within a day or two, at once."""
    kafka = kafka_of(site)
    soon = {"segment.ms": "500", "min.cleanable.dirty.ratio": "0.001", "delete.retention.ms": "0"}
    soon["max.compaction.lag.ms"] = "1000"
    admin = KafkaAdminClient(bootstrap_servers=list(kafka.servers))
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, changelog_of(kafka), soon)])
    admin.close()


def roll(site: Site, account: str) -> None:
    """A record of nobody's, so that the segment with the account's is closed."""
    kafka = kafka_of(site)
    producer = KafkaProducer(bootstrap_servers=list(kafka.servers))
    partition = partition_of_account(account, kafka.partitions)
    producer.send(changelog_of(kafka), key=b"/nobody", value=b"", partition=partition)
    producer.flush()
    producer.close()


@pytest.mark.timeout(900)
def test_an_erased_reader_is_gone_and_comes_back_as_a_stranger(
    tmp_path: Path, own_broker: Cluster, prefix: str
) -> None:
    log = tmp_path / "access.log"
    add(log, access_lines(THEFT, "alice") + access_lines(range(1500, 1600, 10), "bob"))
    settings = Settings(log_format=LOG_FORMAT, timezone="Europe/London", logs=(str(log),))
    site = site_over(tmp_path / "site", own_broker.servers, prefix, settings)
    alice, topics, changelog = (
        pseudonym(site, "alice"),
        topics_of(kafka_of(site)),
        changelog_of(kafka_of(site)),
    )
    parts, watch = Parts(site), Watch(site)
    try:
        parts.start()
        wait(lambda: watch.settled(510), parts.told)
        assert saved_state(site, alice)[0]
        assert any("workers" in path for path in holding(site, alice))
        result = call("rights", "erase", "--site", site.folder, *ASKED, stdin=b"alice\n")
        assert (result.exit_code, "database: nothing left" in result.stdout) == (0, True), result.output
        assert saved_state(site, alice)[0] is None
        # A worker's copy follows what it has committed.
        wait(lambda: not holding(site, alice), lambda: f"{holding(site, alice)}\n{parts.told()}")
        assert records_of(site, topics.alerts, alice)[-1] is None, "the tombstone"
        compact(site)

        def compacted() -> bool:
            roll(site, alice)
            return not records_of(site, changelog, alice)

        wait(compacted, parts.told)
        add(log, access_lines([7200], "alice"))
        wait(lambda: saved_state(site, alice)[0] is not None, parts.told)
    finally:
        parts.stop()
    result = call("rights", "access", "--site", site.folder, *ASKED, stdin=b"alice\n")
    assert result.exit_code == 0, result.output
    assert "1 document" in (site.folder / "rights/SD-1/copy.html").read_text()
