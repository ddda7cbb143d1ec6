"""No clear name and no address in any byte that the processes behind the shipper keep, and no guess fits one.

A topic of raw lines (``ship --from-topic``) is the exception: whoever fills one sends names through it.
"""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.record import MemoryRecords
from psycopg import sql

from service.config.settings import Settings
from service.distributed.worker.cache import Cache
from tests.e2e.test_canaries import CANARIES, FORMAT, access_log, audit_log, sightings
from tests.e2e.test_intruder import DIRECTORY, guesses
from tests.kafka.end_to_end import Parts, site_over, wait
from tests.kafka.topic_watch import TopicWatch
from tests.services.kafka import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(900)]

PSEUDONYM = b"u1_"  # a search that does not even find these looks at nothing


def test_no_name_and_no_address_in_any_byte(
    tmp_path: Path, own_broker: Cluster, prefix: str, postgres_url: str
) -> None:
    log, audit = tmp_path / "access.log", tmp_path / "audit.txt"
    log.write_text("".join(f"{line}\n" for line in access_log()))
    audit.write_text("".join(f"{line}\n" for line in audit_log()))
    settings = Settings(
        log_format=FORMAT,
        timezone="Europe/London",
        logs=(str(log),),
        audit_logs=(str(audit),),
        proxy_hosts=("ezproxy.example.ac.uk",),
    )
    before = {folder for folder in own_broker.data().iterdir() if not folder.name.startswith("__")}

    def ours(paths: Iterable[Path]) -> list[Path]:
        """Without topics that other tests left, which nobody fills any more."""
        return [path for path in paths if path.parent not in before]

    site = site_over(tmp_path / "site", own_broker.servers, prefix, settings, database=postgres_url)
    parts, watch = Parts(site), TopicWatch(site)
    parts.start()
    try:
        wait(lambda: watch.settled(len(access_log()) + len(audit_log())), parts.reported)
        for worker in ("w1", "w2"):
            parts.kill(worker)  # one that ends by itself takes its copies along
    finally:
        parts.stop()
    assert watch.shown(), "an alert, so that there is something to tell"

    topics: dict[str, bytes] = {}
    for segment in ours(own_broker.data().glob("*/*.log")):
        topic = segment.parent.name.rpartition("-")[0]
        topics[topic] = topics.get(topic, b"") + b"\n".join(decoded(segment.read_bytes()))
    assert {"__consumer_offsets", "__transaction_state"} < topics.keys()
    for name in ("access.v1", "alerts.v1", "traces.v1", "accounts-changelog"):
        assert any(topic.endswith(name) and PSEUDONYM in said for topic, said in topics.items()), name
    states = b"\n".join(kept(site.folder / "workers"))
    rows = b"\n".join(dumped(postgres_url))
    assert PSEUDONYM in states
    assert PSEUDONYM in rows
    outs = b"".join(path.read_bytes() for path in site.folder.glob("*.out"))
    assert {name: sightings(said) for name, said in topics.items() if sightings(said)} == {}
    backup = subprocess.run(
        ["pg_dump", "--dbname", postgres_url.replace("+psycopg", "")], check=True, capture_output=True
    ).stdout
    assert PSEUDONYM in backup
    assert [sightings(each) for each in (states, rows, outs, backup)] == [[], [], [], []]
    everything = b"\n".join([*topics.values(), states, rows, outs, backup])
    names = (CANARIES["name"], *DIRECTORY)
    assert not [name for name in names if any(guess in everything for guess in guesses(name))]

    files = [*ours(own_broker.data().parent.rglob("*")), *site.folder.rglob("*")]
    seen = {str(path): sightings(path.read_bytes()) for path in files if path.is_file()}
    assert {path: found for path, found in seen.items() if found} == {}
    assert len(seen) > 100


def decoded(segment: bytes) -> Iterator[bytes]:
    """Keys, values and headers of every record in a segment's bytes, also of transactions given up."""
    batches = MemoryRecords(segment)
    while (batch := batches.next_batch()) is not None:
        for record in batch:
            yield from (record.key or b"", record.value or b"")
            yield from (part for key, value in record.headers for part in (key.encode(), value or b""))


def kept(folder: Path) -> Iterator[bytes]:
    """Keys and values of the workers' RocksDB."""
    for partition in folder.glob("*/accounts/*"):
        with closing(Cache(partition)) as cache:
            for pair in cache.items():
                yield from pair


def dumped(url: str) -> Iterator[bytes]:
    """Every value of every table, what is binary as it is."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))):
                yield from (value if isinstance(value, bytes) else str(value).encode() for value in row)


def test_the_search_would_find_one_in_compressed_records(own_broker: Cluster, prefix: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=own_broker.servers)
    admin.create_topics({prefix: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    with closing(KafkaProducer(bootstrap_servers=own_broker.servers, compression_type="zstd")) as producer:
        producer.send(prefix, 100 * CANARIES["name"].encode()).get(timeout=30)
    (segment,) = own_broker.data().glob(f"{prefix}-0/*.log")
    assert sightings(b"\n".join(decoded(segment.read_bytes()))) == ["name"]
