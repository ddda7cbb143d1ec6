"""Reads what every worker must know whole: the summaries topic, and the analysts' verdicts."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from service.base.retry import Pauses, retrying_async
from service.distributed.protocol import wire
from service.distributed.protocol.wire import KnowledgeRecord, SumsRecord, VerdictRecord, WireError
from service.distributed.worker.site_replica import SiteReplica
from service.records.checkpoints import AnalystVerdict

POLL_MS = 500
PAUSE = 1.0  # s between attempts to reach Kafka

_log = logging.getLogger("journalguard.worker")


class TopicReader:
    """Reads a topic from its beginning, for ever; calls ``learnt`` when there was something new."""

    def __init__(
        self,
        topic: str,
        partitions: int,
        options: Mapping[str, Any],
        take: Callable[[ConsumerRecord], None],
        learnt: Callable[[], None],
    ) -> None:
        self._tps = [TopicPartition(topic, partition) for partition in range(partitions)]
        self._options = options
        self._take = take
        self._learnt = learnt
        self._offsets = dict.fromkeys(self._tps, 0)

    async def run(self) -> None:
        """Until cancelled."""
        pauses = Pauses(PAUSE, PAUSE)
        await retrying_async(KafkaError, pauses, self._tell_waiting, asyncio.sleep)(self._read)

    def _tell_waiting(self, error: BaseException, _: float) -> None:
        topic = self._tps[0].topic
        _log.warning("%s-waits %s; tried again until it works", topic, type(error).__name__)

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
            consumer.assign(self._tps)
            for tp, offset in self._offsets.items():
                consumer.seek(tp, offset)
            while True:
                found = await consumer.getmany(timeout_ms=POLL_MS)
                for tp, records in found.items():
                    for record in records:
                        self._try(record)
                    self._offsets[tp] = records[-1].offset + 1
                if found:
                    self._learnt()
        finally:
            await consumer.stop()

    def _try(self, record: ConsumerRecord) -> None:
        if record.value is None:
            return
        try:
            self._take(record)
        except WireError as error:
            _log.warning("message-refused %s offset %d: %s", record.topic, record.offset, error.refusal)


def summaries_into(replica: SiteReplica) -> Callable[[ConsumerRecord], None]:
    """What is done with a record of the summaries topic."""

    def take(record: ConsumerRecord) -> None:
        if record.key.startswith(b"sums/"):
            replica.take_sums(wire.decode(record.value, SumsRecord))
        elif record.key.startswith(b"site/"):
            replica.take_snapshot(wire.decode(record.value, KnowledgeRecord))

    return take


class VerdictReader:
    """The verdicts that Kafka still has, a few a day, by partition and in order."""

    def __init__(self) -> None:
        self._of: dict[int, list[AnalystVerdict]] = {}

    def take(self, record: ConsumerRecord) -> None:
        """What is done with a record of the verdicts topic."""
        self._of.setdefault(record.partition, []).append(wire.decode(record.value, VerdictRecord).to_verdict)

    def after(self, partition: int, verdict_id: int) -> Sequence[AnalystVerdict]:
        """Those of a partition's accounts with later ids."""
        return [verdict for verdict in self._of.get(partition, ()) if verdict.verdict_id > verdict_id]
