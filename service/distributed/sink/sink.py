"""Alerts, kept events and status from Kafka into the pages' store.

Where each partition was read up to is written in the transaction that holds what was read, so the sink can be
killed at any moment: what it had not written it reads again. No consumer group, no offsets at the broker.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from threading import Event
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from service.distributed.protocol.errors import TopicError
from service.distributed.protocol.topics import Topics
from service.distributed.protocol.wire import AsideRecord, encode
from service.distributed.sink.batcher import IncomingMessage, Part, SinkBatcher
from service.records.checkpoints import Store

POLL_MS = 500
MESSAGES = 500  # of one checkpoint
DEAD_LETTER_SECONDS = 20.0  # for putting one message aside
BOOTSTRAP_MS = 5_000
OFFSETS_MS = 20_000

_log = logging.getLogger("journalguard.sink")


class Sink:
    """Reads on from where the store says. ``lag`` and ``last_message`` may be read meanwhile."""

    def __init__(
        self,
        options: Mapping[str, Any],
        topics: Topics,
        open_store: Callable[[], Store],
        *,
        kept_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lag = 0  # offsets that wait in the topics, as far as the broker has told
        self.last_message = 0.0  # wall clock, s UTC; 0: none since the start
        self._options = {**options, "bootstrap_timeout_ms": BOOTSTRAP_MS}
        self._topics = topics
        self._open_store = open_store
        self._kept_days = kept_days
        self._clock = clock

    def run(self, stop: Event) -> None:
        """Until ``stop``. Raises errors of Kafka and of the store; run again it goes on where it was."""
        with ExitStack() as stack:
            store = stack.enter_context(closing(self._open_store()))
            batcher = SinkBatcher(self._topics, store.load(), self._kept_days)
            consumer = stack.enter_context(closing(self._consumer()))
            _assign(consumer, batcher)
            while not stop.is_set():
                messages = self._poll(consumer, batcher)
                positions = _positions(consumer)
                self.lag = _lag(consumer, positions)
                # Marks of transactions alone are worth a checkpoint too: else they would count as unread.
                if messages or not positions.items() <= batcher.positions.items():
                    self._take(store, batcher, messages, positions)

    def _consumer(self) -> KafkaConsumer:
        return KafkaConsumer(
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            max_poll_records=MESSAGES,
            **self._options,
        )

    def _poll(self, consumer: KafkaConsumer, batcher: SinkBatcher) -> list[IncomingMessage]:
        try:
            found = consumer.poll(timeout_ms=POLL_MS)
        except OffsetOutOfRangeError:
            _seek(consumer, batcher, consumer.assignment())  # what we wanted to read was just deleted
            return []
        if found:
            self.last_message = self._clock()
        return [
            IncomingMessage(record.topic, record.partition, record.offset, record.value, record.key or b"")
            for records in found.values()
            for record in records
        ]

    def _take(
        self,
        store: Store,
        batcher: SinkBatcher,
        messages: Sequence[IncomingMessage],
        positions: Mapping[Part, int],
    ) -> None:
        taken = batcher.take(messages, positions)
        if taken.dead_letters:
            self._send_dead_letters(taken.dead_letters)
        store.commit(taken.checkpoint)

    def _send_dead_letters(self, records: Sequence[AsideRecord]) -> None:
        with closing(KafkaProducer(acks="all", allow_auto_create_topics=False, **self._options)) as producer:
            for record in records:
                where = f"{record.topic}/{record.partition} offset {record.offset}: {record.reason}"
                try:
                    producer.send(self._topics.dead_letters, encode(record)).get(timeout=DEAD_LETTER_SECONDS)
                    _log.warning("message-refused %s; put aside in %s", where, self._topics.dead_letters)
                except KafkaError as error:
                    # It still lies where it was; those behind it do not wait.
                    _log.error("message-refused %s; not put aside: %s", where, type(error).__name__)


def _assign(consumer: KafkaConsumer, batcher: SinkBatcher) -> None:
    """Every partition of the topics, each from its place. Raises ``TopicError``."""
    partitions = []
    for topic in batcher.topics:
        found = consumer.partitions_for_topic(topic)
        if not found:
            raise TopicError(f"{topic}: no such topic; `journalguard topics` makes the site's topics")
        partitions += [TopicPartition(topic, number) for number in sorted(found)]
    consumer.assign(partitions)
    _seek(consumer, batcher, partitions)


def _seek(consumer: KafkaConsumer, batcher: SinkBatcher, partitions: Sequence[TopicPartition]) -> None:
    first = consumer.beginning_offsets(partitions, timeout_ms=OFFSETS_MS)
    end = consumer.end_offsets(partitions, timeout_ms=OFFSETS_MS)
    for each in partitions:
        place = batcher.place(each.topic, each.partition, first[each], end[each])
        if place.missed:
            _log.warning(
                "messages-missed %s/%d: %d were deleted by Kafka before they were read; keep them longer",
                *(each.topic, each.partition, place.missed),
            )
        consumer.seek(each, place.offset)


def _positions(consumer: KafkaConsumer) -> dict[Part, int]:
    """Everything before was given to us, or is a mark of a transaction, or of one that was given up."""
    found = {(each.topic, each.partition): consumer.position(each) for each in consumer.assignment()}
    return {part: offset for part, offset in found.items() if offset is not None}


def _lag(consumer: KafkaConsumer, positions: Mapping[Part, int]) -> int:
    """Positions go over the marks of transactions, so nothing unread means 0."""
    ends = {part: consumer.highwater(TopicPartition(*part)) for part in positions}
    return sum(max(0, ends[part] - offset) for part, offset in positions.items() if ends[part] is not None)
