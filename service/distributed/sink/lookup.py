"""What the workers keep of one account, and what they know together, read from Kafka."""

from contextlib import closing

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from service.config.settings import SiteFolder
from service.distributed.protocol import wire
from service.distributed.protocol.connection import client_options, kafka_of
from service.distributed.protocol.errors import BrokerError
from service.distributed.protocol.partitions import key_in, partition_of_account
from service.distributed.protocol.topics import changelog_of, topics_of
from service.distributed.protocol.wire import KnowledgeRecord
from service.distributed.worker.partition_processor import PartitionLedger

POLL_MS = 1_000
WAIT_MS = 20_000


def saved_state(site: SiteFolder, account: str) -> tuple[bytes | None, tuple[str, ...]]:
    """The account's packed record, None where there is none, and the names its keys refer to.

    Reads all of one partition's changelog. Raises ``BrokerError``.
    """
    kafka = kafka_of(site)
    partition = partition_of_account(account, kafka.partitions)
    ledger_key = key_in(partition, kafka.partitions, "ledger")
    try:
        newest = _newest(site, TopicPartition(changelog_of(kafka), partition), {account.encode(), ledger_key})
    except KafkaError as error:
        raise BrokerError(f"{', '.join(kafka.servers)}: {type(error).__name__}; is Kafka up?") from None
    ledger = newest.get(ledger_key)
    names = msgspec.msgpack.decode(ledger, type=PartitionLedger).names if ledger else ()
    return newest.get(account.encode()), names


def saved_site(site: SiteFolder) -> dict[str, bytes]:
    """Blobs of the newest snapshot of what the site knows, by name. Raises ``BrokerError``."""
    kafka = kafka_of(site)
    try:
        newest = _newest(site, TopicPartition(topics_of(kafka).summaries, 0))
    except KafkaError as error:
        raise BrokerError(f"{', '.join(kafka.servers)}: {type(error).__name__}; is Kafka up?") from None
    records = [wire.decode(v, KnowledgeRecord) for k, v in newest.items() if v and k.startswith(b"site/")]
    return {record.name: record.blob for record in records}


def _newest(
    site: SiteFolder, part: TopicPartition, keys: set[bytes] | None = None
) -> dict[bytes, bytes | None]:
    """The newest value of each of the keys, or of every key."""
    consumer = KafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        **client_options(kafka_of(site), site.folder),
    )
    found: dict[bytes, bytes | None] = {}
    with closing(consumer):
        consumer.assign([part])
        consumer.seek_to_beginning(part)
        end = consumer.end_offsets([part], timeout_ms=WAIT_MS)[part]
        while (consumer.position(part) or 0) < end:
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                found.update((r.key, r.value) for r in records if keys is None or r.key in keys)
    return found
