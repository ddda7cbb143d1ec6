"""What lies in a site's topics, as workers see it and as it is."""

from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition

from service.config.settings import SiteFolder
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.topics import topics_of
from service.distributed.protocol.wire import decode_frame
from service.records.events import AccessEvent


class Arrived(NamedTuple):
    """The access topic as workers see it."""

    events: dict[int, AccessEvent]  # by number
    repeats: int


def arrived(site: SiteFolder) -> Arrived:
    """Drops what is not newer than the newest number of its partition, as workers do."""
    events: dict[int, AccessEvent] = {}
    newest: dict[int, int] = {}
    repeats = 0
    for partition, _, value in raw(site, topics_of(kafka_of(site)).access):
        header, frame = decode_frame(value)
        for number, event in zip(header.numbers, frame, strict=True):
            if number <= newest.get(partition, -1):
                assert events[number] == event, "a number stands for one event"
                repeats += 1
                continue
            newest[partition] = number
            events[number] = event
    return Arrived(events, repeats)


def raw(site: SiteFolder, topic: str) -> list[tuple[int, bytes, bytes]]:
    """Partition, key and value of every message, headers after the value, in order."""
    consumer = KafkaConsumer(bootstrap_servers=list(kafka_of(site).servers), enable_auto_commit=False)
    parts = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(parts)
    consumer.seek_to_beginning(*parts)
    ends = consumer.end_offsets(parts)
    found = []
    while any(consumer.position(part) < ends[part] for part in parts):
        for records in consumer.poll(timeout_ms=200).values():
            found += [
                (r.partition, r.key or b"", r.value + b"".join(h[0].encode() + h[1] for h in r.headers))
                for r in records
            ]
    consumer.close()
    return found
