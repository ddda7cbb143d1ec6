"""Reads the summaries topic, all of it and by every worker, into what is known."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from service.distributed import wire
from service.distributed.knowledge import Knowledge
from service.distributed.wire import KnowledgeRecord, SumsRecord, WireError

POLL_MS = 500
PAUSE = 1.0  # s between attempts to reach Kafka

_log = logging.getLogger("journalguard.worker")


class SummariesReader:
    """Goes on for ever; calls ``learnt`` when there was something new."""

    def __init__(
        self, knowledge: Knowledge, topic: str, options: Mapping[str, Any], learnt: Callable[[], None]
    ) -> None:
        self._knowledge = knowledge
        self._tp = TopicPartition(topic, 0)
        self._options = options
        self._learnt = learnt
        self._offset = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._read()
            except KafkaError as error:
                _log.warning("summaries-wait %s; tried again until it works", type(error).__name__)
                await asyncio.sleep(PAUSE)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=16 * 1024 * 1024,
            **self._options,
        )
        await consumer.start()
        try:
            consumer.assign([self._tp])
            consumer.seek(self._tp, self._offset)
            while True:
                found = await consumer.getmany(timeout_ms=POLL_MS)
                for records in found.values():
                    for record in records:
                        self._take(record)
                    self._offset = records[-1].offset + 1
                    self._learnt()
        finally:
            await consumer.stop()

    def _take(self, record: ConsumerRecord) -> None:
        if record.value is None:
            return
        try:
            if record.key.startswith(b"sums/"):
                self._knowledge.take_sums(wire.decode(record.value, SumsRecord))
            elif record.key.startswith(b"site/"):
                self._knowledge.take_snapshot(wire.decode(record.value, KnowledgeRecord))
        except WireError as error:
            _log.warning("message-refused %s offset %d: %s", self._tp.topic, record.offset, error.refusal)
