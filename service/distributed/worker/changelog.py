"""The table of accounts: a partition's states and ledger in a compacted topic, read back and written on.

A table as Faust means it (a changelog topic, RocksDB, one partition for each of the stream's), but with our
own hand on both ends: Faust's writes to RocksDB before Kafka has the change, cannot keep a paused predecessor
from writing, and reads back one record at a time. Here a checkpoint is one transaction (see
``transactions``), the local copy follows it, and reading back takes batches.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from service.distributed.protocol.partitions import key_in
from service.distributed.worker.cache import Cache, folder_of
from service.distributed.worker.transactions import OutgoingMessage, PartitionWriter

FETCH = 16 * 1024 * 1024  # bytes asked for at once while reading back


class Recovered(NamedTuple):
    """What the table holds."""

    accounts: list[tuple[str, bytes]]
    ledger: bytes | None


class Changelog:
    """One partition of the table."""

    def __init__(
        self,
        topic: str,
        log: str,
        partition: int,
        partitions: int,
        *,
        group: str,
        options: Mapping[str, Any],
        folder: Path,
    ) -> None:
        self._tp = TopicPartition(topic, partition)
        self._log = log
        self._options = options
        self._ledger_key = key_in(partition, partitions, "ledger")
        self._opened_key = key_in(partition, partitions, "opened")
        self._writer = PartitionWriter(options, group, partition)
        self._cache = Cache(folder_of(folder, partition))

    async def open(self) -> Recovered:
        """Fence whoever had the partition, then read what it left. Raises KafkaError."""
        await self._writer.start()
        # A record of our own at the end: when it is read, everything before it was.
        opened = self._message(self._opened_key, b"")
        end = (await self._writer.commit([opened], {}))[self._tp]
        start = self._cache.position(self._log)
        changes = await self._read(start, end)
        self._cache.write(changes, self._log, end)
        found = dict(self._cache.items())
        ledger = found.pop(self._ledger_key, None)
        accounts = [(key.decode(), value) for key, value in found.items() if key[:1] != b"/"]
        return Recovered(accounts, ledger)

    async def _read(self, start: int, end: int) -> dict[bytes, bytes | None]:
        """The last change of every key from ``start`` to ``end``, both included."""
        consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH,
            **self._options,
        )
        await consumer.start()
        try:
            consumer.assign([self._tp])
            consumer.seek(self._tp, start)
            changes: dict[bytes, bytes | None] = {}
            while True:
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    changes.update((record.key, record.value) for record in records)
                    if records[-1].offset >= end:
                        return changes
        finally:
            await consumer.stop()

    async def commit(
        self,
        accounts: Iterable[tuple[str, bytes | None]],
        ledger: bytes,
        messages: Iterable[OutgoingMessage],
        offsets: Mapping[TopicPartition, int],
        *,
        erases: bool = False,
    ) -> None:
        """One checkpoint: states, ledger, what goes to other topics, and the stream's offsets.

        ``erases``: what is deleted goes from this machine's disk too, at once.

        Raises KafkaError; whether it took place is then not known: close, and open another.
        """
        changes: dict[bytes, bytes | None] = {account.encode(): state for account, state in accounts}
        changes[self._ledger_key] = ledger
        table = (self._message(key, value) for key, value in changes.items())
        last = await self._writer.commit([*messages, *table], offsets)
        self._cache.write(changes, self._log, last[self._tp] + 1)
        if erases:
            self._cache.renew()

    def _message(self, key: bytes, value: bytes | None) -> OutgoingMessage:
        return OutgoingMessage(self._tp.topic, self._tp.partition, key, value)

    async def close(self, *, forget: bool = False) -> None:
        """``forget``: leave no copy on this disk."""
        self._cache.close(forget=forget)
        await self._writer.stop()
