"""`rights erase` over real processes and a real broker: nothing is left but what Kafka drops by itself."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from pseudonymiser import holders
from pseudonymiser.holder_key import HolderKey
from service.cli import erasure
from service.config.settings import Settings, SiteFolder
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.partitions import partition_of_account
from service.distributed.protocol.topics import changelog_of, topics_of
from service.distributed.sink.lookup import saved_state
from service.records.identities import Mode
from tests.e2e.sites import access_lines, call
from tests.kafka.end_to_end import LOG_FORMAT, Parts, site_over, wait
from tests.kafka.topic_watch import TopicWatch
from tests.services.kafka import Cluster

THEFT = range(0, 1500, 3)
ASKED = ("--case", "SD-1", "--dpo", "mholmes", "--reader", "-")

pytestmark = pytest.mark.kafka


def add(log: Path, lines: Sequence[str]) -> None:
    with log.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def pseudonym(site: SiteFolder, name: str) -> str:
    result = call(
        "pseudonym", "--site", site.folder, "--kind", "user", "--case", "SD-1", stdin=f"{name}\n".encode()
    )
    return result.stdout.split("\t")[1].strip()


def holding(site: SiteFolder, sought: str) -> list[str]:
    """Files of the site, the workers' copies among them, that hold the pseudonym anywhere."""
    found = []
    for path in site.folder.rglob("*"):
        with suppress(FileNotFoundError):  # the workers' copies are written anew meanwhile
            if path.is_file() and sought.encode() in path.read_bytes():
                found.append(str(path.relative_to(site.folder)))
    return found


def records_of(site: SiteFolder, topic: str, account: str) -> list[bytes | None]:
    """All records that hold the pseudonym in key or value; the account's own are in order."""
    kafka = kafka_of(site)
    consumer = KafkaConsumer(
        bootstrap_servers=list(kafka.servers), group_id=None, isolation_level="read_committed"
    )
    found: list[bytes | None] = []
    try:
        parts = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts, timeout_ms=20_000)
        while any((consumer.position(part) or 0) < end for part, end in ends.items()):
            for records in consumer.poll(timeout_ms=500).values():
                sought = account.encode()
                found += [r.value for r in records if sought in (r.key or b"") + (r.value or b"")]
    finally:
        consumer.close()
    return found


def compact(site: SiteFolder) -> None:
    """What the broker does within a day or two, at once."""
    kafka = kafka_of(site)
    soon = {"segment.ms": "500", "min.cleanable.dirty.ratio": "0.001", "delete.retention.ms": "0"}
    soon["max.compaction.lag.ms"] = "1000"
    admin = KafkaAdminClient(bootstrap_servers=list(kafka.servers))
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, changelog_of(kafka), soon)])
    admin.close()


def roll(site: SiteFolder, account: str) -> None:
    """A record of nobody's, so that the segment with the account's is closed."""
    kafka = kafka_of(site)
    producer = KafkaProducer(bootstrap_servers=list(kafka.servers))
    partition = partition_of_account(account, kafka.partitions)
    producer.send(changelog_of(kafka), key=b"/nobody", value=b"", partition=partition)
    producer.flush()
    producer.close()


def erased_while_the_pages_are_away(
    site: SiteFolder, log: Path, parts: Parts, watch: TopicWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They find the old identity, the erasure and the new identity in their topics, and keep the new one."""
    carol, identities = pseudonym(site, "carol"), topics_of(kafka_of(site)).identities
    parts.kill("pages")
    add(log, access_lines([7300], "carol"))
    wait(lambda: saved_state(site, carol)[0] is not None, parts.reported)
    wait(lambda: len(records_of(site, identities, carol)) == 1, parts.reported)  # sent behind the events
    monkeypatch.setattr(erasure, "PATIENCE", 1)
    result = call("rights", "erase", "--site", site.folder, *ASKED, stdin=b"carol\n")
    assert (result.exit_code, "not complete yet" in result.stderr) == (1, True), result.output
    wait(lambda: saved_state(site, carol)[0] is None, parts.reported)
    add(log, access_lines([7400], "carol"))
    wait(lambda: len(records_of(site, identities, carol)) == 3, parts.reported)
    parts.start("pages")
    wait(lambda: watch.settled(513), parts.reported)
    old, gone, new = records_of(site, identities, carol)
    assert old
    assert new
    assert gone is None
    with closing(sqlite3.connect(site.database)) as connection:
        query = "SELECT sealed FROM identities WHERE pseudonym = ?"
        kept = [msgspec.json.decode(sealed) for (sealed,) in connection.execute(query, [carol])]
    assert kept == [msgspec.json.decode(new)["identity"]]


@pytest.mark.timeout(900)
def test_an_erased_reader_is_gone_and_comes_back_as_a_stranger(
    tmp_path: Path, own_broker: Cluster, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "access.log"
    add(log, access_lines(THEFT, "alice") + access_lines(range(1500, 1600, 10), "bob"))
    settings = Settings(log_format=LOG_FORMAT, timezone="Europe/London", logs=(str(log),))
    site = site_over(tmp_path / "site", own_broker.servers, prefix, settings)
    holders.add_holder(site.keyholders, HolderKey(bytes([7]) * 32, "desk-1").holder, Mode.ONE)
    alice, topics, changelog = (
        pseudonym(site, "alice"),
        topics_of(kafka_of(site)),
        changelog_of(kafka_of(site)),
    )
    parts, watch = Parts(site), TopicWatch(site)
    try:
        parts.start()
        wait(lambda: watch.settled(510), parts.reported)
        assert saved_state(site, alice)[0]
        wait(lambda: any("workers" in path for path in holding(site, alice)), parts.reported)
        result = call("rights", "erase", "--site", site.folder, *ASKED, stdin=b"alice\n")
        assert (result.exit_code, "database: nothing left" in result.stdout) == (0, True), result.output
        assert saved_state(site, alice)[0] is None
        # A worker's copy follows what it has committed.
        wait(lambda: not holding(site, alice), lambda: f"{holding(site, alice)}\n{parts.reported()}")
        assert records_of(site, topics.alerts, alice)[-1] is None, "the tombstone"
        compact(site)

        def compacted() -> bool:
            roll(site, alice)
            return not records_of(site, changelog, alice)

        wait(compacted, parts.reported)
        add(log, access_lines([7200], "alice"))
        wait(lambda: saved_state(site, alice)[0] is not None, parts.reported)
        erased_while_the_pages_are_away(site, log, parts, watch, monkeypatch)
    finally:
        parts.stop()
    result = call("rights", "access", "--site", site.folder, *ASKED, stdin=b"alice\n")
    assert result.exit_code == 0, result.output
    assert "1 document" in (site.folder / "rights/SD-1/copy.html").read_text()
