"""One partition's writer: all that a checkpoint says is written in one Kafka transaction, or not at all.

The transactional id is the partition's. A worker that takes a partition over begins by fencing whoever had
it: a predecessor that only slept (a paused machine, a broker that was away) can write nothing more, so a
stale state never lands behind a newer one. Readers of the topics use ``read_committed``.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition

LARGEST = 8 * 1024 * 1024  # bytes of one record at most, as the topics allow
BATCH = 512 * 1024


class OutgoingMessage(NamedTuple):
    """One record to be written; ``value`` None deletes the key when the topic is compacted."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None


class Sent(NamedTuple):
    """A batch on its way."""

    tp: TopicPartition
    delivered: Any  # awaitable: where it went
    records: int


class PartitionWriter:
    """A transactional producer. Any error means: open a new one and look what is there."""

    def __init__(self, options: Mapping[str, Any], group: str, partition: int) -> None:
        self._group = group
        self._producer = AIOKafkaProducer(
            transactional_id=f"{group}-{partition}",
            transaction_timeout_ms=60_000,
            max_batch_size=BATCH,
            max_request_size=LARGEST,
            compression_type="zstd",
            linger_ms=0,
            **options,
        )

    async def start(self) -> None:
        """Fence the predecessor. Raises KafkaError."""
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def commit(
        self, messages: Iterable[OutgoingMessage], offsets: Mapping[TopicPartition, int]
    ) -> Mapping[TopicPartition, int]:
        """Write messages and consumer offsets together; the offset of the last record of each partition.

        Raises KafkaError; whether the transaction took place is then not known.
        """
        batches: dict[TopicPartition, Any] = {}
        sent: list[Sent] = []
        async with self._producer.transaction():
            for message in messages:
                tp = TopicPartition(message.topic, message.partition)
                if tp in batches and not _append(batches[tp], message):
                    sent.append(await self._send(tp, batches.pop(tp)))
                if tp not in batches:
                    batches[tp] = self._producer.create_batch()
                    _append(batches[tp], message)
            sent += [await self._send(tp, batch) for tp, batch in batches.items()]
            last = {tp: first + count - 1 for tp, first, count in await _delivered(sent)}
            if offsets:
                await self._producer.send_offsets_to_transaction(dict(offsets), self._group)
        return last

    async def _send(self, tp: TopicPartition, batch: Any) -> Sent:
        records = batch.record_count()
        return Sent(tp, await self._producer.send_batch(batch, tp.topic, partition=tp.partition), records)


async def _delivered(sent: Sequence[Sent]) -> list[tuple[TopicPartition, int, int]]:
    """Partition, offset of the first record and number of records of each batch. Raises KafkaError."""
    # All are waited for, also after an error, so that none is left without someone to hear of it.
    results: list[Any] = await asyncio.gather(*(batch.delivered for batch in sent), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [
        (batch.tp, int(result.offset), batch.records) for batch, result in zip(sent, results, strict=True)
    ]


def _append(batch: Any, message: OutgoingMessage) -> bool:
    return batch.append(key=message.key, value=message.value, timestamp=None) is not None
