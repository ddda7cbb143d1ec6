"""Messages that a worker cannot use: counted, put aside with their coordinates, and nothing is skewed."""

import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer

from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.partitions import partition_of_account
from service.distributed.protocol.topics import topics_of
from service.distributed.protocol.wire import (
    VERSION,
    AsideRecord,
    FrameHeader,
    WireFault,
    decode,
    encode_frame,
)
from service.records.events import AccessEvent
from tests.kafka.end_to_end import PARTITIONS, Parts, fed, site_over, undisturbed, wait, world_of
from tests.kafka.topic_watch import TopicWatch
from tests.service.factories import event
from tests.services.kafka import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]

HEADER = FrameHeader(VERSION, 0, 20_700, 0, (1,))
FRAME = encode_frame(HEADER, [event()])
POISON = [
    (WireFault.GARBAGE, b"\xff\xfe\x00garbage"),
    (WireFault.GARBAGE, None),
    (WireFault.GARBAGE, FRAME[:-20]),
    (WireFault.GARBAGE, b'{"v": 1, "more": ' + b"[" * 100_000),
    (WireFault.WRONG_SCHEMA, b'{"alert_id": "JG-1"}'),
    (WireFault.WRONG_SCHEMA, FRAME.replace(b'"status":200', b'"status":"200"')),
    (WireFault.WRONG_SCHEMA, FRAME + FRAME.splitlines()[1]),
    (WireFault.WRONG_SCHEMA, encode_frame(HEADER, [msgspec.structs.replace(event(), time=2**70)])),
    (WireFault.FUTURE_VERSION, b'{"v": 2, "events": "packed"}\n\x00\x01'),
    (WireFault.WRONG_ORDER, encode_frame(msgspec.structs.replace(HEADER, numbers=(2, 2)), [event()] * 2)),
]


def astray(events: list[AccessEvent], partition: int) -> bytes:
    """A sound frame of an account that belongs to another partition."""
    other = next(e for e in events if partition_of_account(e.account, PARTITIONS) != partition)
    return encode_frame(msgspec.structs.replace(HEADER, numbers=(1 << 40,)), [other])


def test_poison_is_counted_and_put_aside_and_skews_nothing(
    tmp_path: Path, broker: Cluster, prefix: str
) -> None:
    log = tmp_path / "logs/access.log"
    log.parent.mkdir()
    log.touch()
    settings = world_of(tmp_path / "world", log, seed=4, accounts=150, days=5)
    site = site_over(tmp_path / "site", broker.servers, prefix, settings)
    whole = tmp_path / "world/access.log"
    wanted = undisturbed(site, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    events = list(fed(site, [line.rstrip(b"\n") for line in lines[:1_000]]).values())
    topic = topics_of(kafka_of(site)).access
    rng = random.Random(4)
    parts, watch = Parts(site), TopicWatch(site)
    producer = KafkaProducer(bootstrap_servers=broker.servers, acks="all")
    sent: set[tuple[str, int, int, WireFault, int]] = set()

    def poison() -> None:
        """One of each kind, on any partition."""
        at = rng.randrange(PARTITIONS)
        for refusal, value in [*POISON, (WireFault.WRONG_PARTITION, astray(events, at))]:
            partition = at if refusal is WireFault.WRONG_PARTITION else rng.randrange(PARTITIONS)
            placed = producer.send(topic, value, key=b"poison", partition=partition).get(timeout=30)
            sent.add((topic, partition, placed.offset, refusal, len(value or b"")))

    try:
        poison()  # before anything else
        parts.start()
        for at in range(0, len(lines), len(lines) // 3):
            with log.open("ab") as file:
                file.write(b"".join(lines[at : at + len(lines) // 3]))
            poison()
        wait(lambda: watch.settled(len(lines)), lambda: f"{parts.reported()}\n{watch.reported()}")
        for reason, count in Counter(refusal for *_, refusal, _ in sent).items():
            line = f'journalguard_worker_refused_total{{reason="{reason}"}}'
            assert parts.metric("w1", line) + parts.metric("w2", line) == count
        assert parts.living() == {"ship", "w1", "w2", "pages"}
    finally:
        parts.stop()
        producer.close()
    watch.prove(wanted)
    dead_letters = [decode(value, AsideRecord) for value in watch.dead_letters_of()]
    assert len(dead_letters) == len(sent)
    assert {(r.topic, r.partition, r.offset, WireFault(r.reason), r.length) for r in dead_letters} == sent
