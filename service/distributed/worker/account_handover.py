"""States that come from other partitions after a rotation of the keys: read only while awaited."""

import logging
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from service.distributed.protocol import wire
from service.distributed.protocol.wire import MoveRecord, WireError

POLL_MS = 500

_log = logging.getLogger("journalguard.worker")


class HandoverReader:
    """One partition of the moves, from its beginning on."""

    def __init__(self, topic: str, partition: int, options: Mapping[str, Any]) -> None:
        self._tp = TopicPartition(topic, partition)
        self._options = options
        self._consumer: AIOKafkaConsumer | None = None

    async def read(self) -> list[MoveRecord]:
        """What came since the last call; waits for it for half a second. Raises KafkaError."""
        if self._consumer is None:
            self._consumer = await self._open()
        found = (await self._consumer.getmany(timeout_ms=POLL_MS)).get(self._tp, [])
        return [record for each in found for record in self._decoded(each.offset, each.value)]

    async def close(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None

    async def _open(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **self._options,
        )
        await consumer.start()
        consumer.assign([self._tp])
        await consumer.seek_to_beginning(self._tp)
        return consumer

    def _decoded(self, offset: int, value: bytes) -> list[MoveRecord]:
        try:
            return [wire.decode(value, MoveRecord)]
        except WireError as error:
            _log.warning("message-refused %s offset %d: %s", self._tp.topic, offset, error.refusal)
            return []
