"""One partition's task: opens its table, takes frames as they come, saves at checkpoints.

A checkpoint is one transaction, so there are two outcomes only, and whenever it is not plain which one it
was, the task opens its table anew, reads what is there and takes the frames since then again from memory.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from service.base.retry import Pauses, retrying_async
from service.config.tables import KafkaSettings
from service.decision import reader_groups
from service.distributed.protocol import wire
from service.distributed.protocol.partitions import partition_of_account
from service.distributed.protocol.topics import Topics, changelog_of
from service.distributed.protocol.wire import (
    AlertRecord,
    AsideRecord,
    StatusRecord,
    SumsRecord,
    TraceRecord,
    WireError,
)
from service.distributed.worker.account_handover import HandoverReader
from service.distributed.worker.changelog import Changelog
from service.distributed.worker.partition_processor import PartitionProcessor
from service.distributed.worker.site_replica import SiteReplica
from service.distributed.worker.topic_reader import VerdictReader
from service.distributed.worker.transactions import OutgoingMessage
from service.pipeline.shard import ShardChanges
from service.policy.model import Policy
from service.records import drift_report
from service.records.drift_report import DriftReport
from service.runtime.telemetry import WorkerMetrics

SITE = "site"  # process of the status record that tells what moved
FRAMES, EVENTS = 20, 2_000  # taken before others get their turn
HIGH, LOW = 400, 100  # frames waiting at which fetching of the partition pauses and goes on
STATUS_SECONDS = 2.0
FENCED_PAUSE = 5.0  # s; long enough to learn that the partition has a new owner
MOVE_SECONDS = 60.0  # that an account's state from another partition is waited for
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # s between attempts to reach Kafka

_log = logging.getLogger("journalguard.worker")


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What all partitions of a worker share."""

    kafka: KafkaSettings
    topics: Topics
    policy: Policy
    states_days: int  # as in service.pipeline.shard.Share
    replica: SiteReplica
    verdicts: VerdictReader
    options: dict[str, Any]  # of aiokafka's clients
    log: str  # identity of the changelog topic
    folder: Path
    checkpoint_seconds: float
    checkpoint_events: int
    fetching: Callable[[int, bool], None]  # (partition, go on?)
    metrics: WorkerMetrics
    beginning: Callable[[int], Awaitable[int]]  # partition -> offset of the oldest frame that Kafka still has


class PartitionTask:
    """A partition while it is this worker's."""

    def __init__(self, around: WorkerContext, partition: int) -> None:
        self.partition = partition
        self._around = around
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._held: deque[tuple[int, bytes]] = deque()  # taken since the last checkpoint
        self._wake = asyncio.Event()
        self._pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE)
        self._paused = False
        self._stopping = False
        self._placed = False  # has the first message in order come?
        self._dead_letters: list[AsideRecord] = []
        self._saved_at = self._reported_at = time.monotonic()
        self._events = 0  # since the last checkpoint
        self._times: list[int] = []  # of these events, s UTC
        self._alerts = 0  # opened before the last checkpoint
        self._saved_offset = -1
        self._handovers = HandoverReader(around.topics.moves, partition, around.options)
        self._awaiting_since = 0.0

    def push(self, offset: int, value: bytes) -> None:
        """The next message of the partition, as it was read."""
        self._waiting.append((offset, value))
        if len(self._waiting) >= HIGH and not self._paused:
            self._paused = True
            self._around.fetching(self.partition, False)
        self._wake.set()

    def wake(self) -> None:
        """Something is known that was not before."""
        self._wake.set()

    def stop(self) -> None:
        """Save what was taken, then end."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Goes on until ``stop``, or until cancelled."""
        attempts = retrying_async(KafkaError, self._pauses, self._tell_waiting, self._pause)
        while not self._stopping:
            await attempts(self._attempt)

    async def _attempt(self) -> None:
        if self._stopping:
            return
        table = self._table()
        try:
            await self._open(table)
            self._pauses.begin_again()
            await self._work(table)
        except ProducerFenced:
            _log.warning("partition-taken-over: another worker has it now")
            await self._pause(FENCED_PAUSE)
        finally:
            await table.close(forget=self._stopping)
            await self._handovers.close()

    def _tell_waiting(self, error: BaseException, pause: float) -> None:
        trouble = type(error).__name__
        _log.warning("checkpoint-waits %s; tried again in %g s, nothing is lost", trouble, pause)

    def _table(self) -> Changelog:
        around = self._around
        return Changelog(
            changelog_of(around.kafka),
            around.log,
            self.partition,
            around.kafka.partitions,
            group=around.kafka.group,
            options=around.options,
            folder=around.folder,
        )

    async def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            await self._wait(left)

    async def _open(self, table: Changelog) -> None:
        began = time.monotonic()
        found = await table.open()
        around = self._around
        site = around.replica.site
        self._processor = PartitionProcessor(
            self.partition, around.kafka.partitions, around.policy, site, around.states_days
        )
        if found.ledger is not None:
            self._processor.restore(found.accounts, found.ledger)
        self._waiting.extendleft(reversed(self._held))
        self._held.clear()
        self._times.clear()
        self._dead_letters.clear()
        self._placed = False
        self._awaiting_since = 0.0  # while Kafka was away nothing could come
        self._saved_offset = self._processor.offset
        self._alerts = self._processor.counters.get("alerts_total", 0)
        self._saved_at = time.monotonic()
        around.metrics.accounts.labels(str(self.partition)).set(len(found.accounts))
        _log.info(
            "partition-open accounts=%d offset=%d seconds=%.1f",
            len(found.accounts),
            self._processor.offset,
            time.monotonic() - began,
        )

    async def _work(self, table: Changelog) -> None:
        while True:
            known = self._around.replica.ready(self._processor.needs)
            if known:
                self._processor.begin_next_day()
            self._processor.enqueue_verdicts(
                self._around.verdicts.after(self.partition, self._processor.newest_verdict)
            )
            if self._waiting and not self._placed:
                await self._find_place()
            took = known and self._placed and self._take()
            if (took and self._processor.closing is not None) or self._due():
                await self._commit(table)
            if self._stopping:
                return
            if self._processor.expected_accounts:
                await self._await_handovers()
            elif took:
                await asyncio.sleep(0)
            else:
                await self._wait(self._around.checkpoint_seconds)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return
        self._wake.clear()

    def _take(self) -> bool:
        """Takes some of the waiting frames; true if there were any."""
        taken, most = 0, self._events + EVENTS
        while self._waiting and taken < FRAMES and self._events < most and self._processor.closing is None:
            taken += 1
            if not self._take_one(*self._waiting[0]):
                break  # a day begins: the frame is wanted again
            self._held.append(self._waiting.popleft())
        if self._paused and len(self._waiting) <= LOW:
            self._paused = False
            self._around.fetching(self.partition, True)
        return taken > 0

    async def _await_handovers(self) -> None:
        """Looks for the states that the next frame needs."""
        self._awaiting_since = self._awaiting_since or time.monotonic()
        records = await self._handovers.read()
        for record in records:
            self._processor.receive_account(record)
        if time.monotonic() - self._awaiting_since > MOVE_SECONDS:
            count = len(self._processor.expected_accounts)
            _log.warning(
                "accounts-left-behind %d accounts begin anew: their states did not come",
                count,
            )
            self._processor.abandon_expected()
        if records or not self._processor.expected_accounts:
            self._awaiting_since = 0.0

    async def _find_place(self) -> None:
        """Drops what was fetched ahead for an earlier assignment.

        The first messages may be such leftovers, with offsets beyond the place from which Kafka then delivers
        in order; taking one would leave a gap.
        """
        place = max(self._processor.offset + 1, await self._around.beginning(self.partition))
        while self._waiting and self._waiting[0][0] != place:
            self._waiting.popleft()
        self._placed = bool(self._waiting)

    def _take_one(self, offset: int, value: bytes) -> bool:
        try:
            frame = wire.decode_frame(value)
            done = self._processor.take(offset, frame)
            self._events += len(frame.events)
            if done:
                self._times += [event.time for event in frame.events]
            self._around.metrics.events.inc(len(frame.events) if done else 0)
            self._around.metrics.frames.inc(done)
        except WireError as error:
            self._processor.skip(offset)
            topic = self._around.topics.access
            self._dead_letters.append(
                AsideRecord(wire.VERSION, topic, self.partition, offset, error.refusal.value, len(value))
            )
            return True
        return done

    def _due(self) -> bool:
        if self._processor.offset == self._saved_offset:
            return False
        return (
            self._stopping
            or time.monotonic() - self._saved_at >= self._around.checkpoint_seconds
            or self._events >= self._around.checkpoint_events
            or self._processor.counters.get("alerts_total", 0) > self._alerts
            or self._processor.has_handovers
        )

    async def _commit(self, table: Changelog) -> None:
        changes, ledger = self._processor.drain()
        offset = self._processor.offset
        replica = self._around.replica
        snapshot = list(replica.snapshot()) if self.partition == 0 else []
        messages = [*self._messages(changes), *self._site_messages(snapshot)]
        stream = TopicPartition(self._around.topics.access, self.partition)
        try:
            with self._around.metrics.checkpoints.time():
                table_changes = [*changes.accounts, *((account, None) for account in changes.gone)]
                end, erases = {stream: offset + 1}, bool(changes.erased)
                await table.commit(table_changes, ledger, messages, end, erases=erases)
        except BaseException:
            replica.unsaved(snapshot)
            raise
        self._report_status(offset)
        self._held.clear()
        self._dead_letters.clear()
        self._saved_at, self._saved_offset, self._events = time.monotonic(), offset, 0
        self._alerts = self._processor.counters.get("alerts_total", 0)

    def _report_status(self, offset: int) -> None:
        metrics, label = self._around.metrics, str(self.partition)
        metrics.delays.decided(self._times, time.time())
        self._times.clear()
        for dead_letters in self._dead_letters:
            metrics.refused.labels(dead_letters.reason).inc()
        metrics.alerts.inc(self._processor.counters.get("alerts_total", 0) - self._alerts)
        metrics.day.labels(label).set(self._processor.day)
        metrics.waiting.labels(label).set(len(self._waiting))
        metrics.committed.labels(label).set(offset + 1)

    def _messages(self, changes: ShardChanges) -> Iterator[OutgoingMessage]:
        """What a checkpoint says to others."""
        topics, here, v = self._around.topics, self.partition, wire.VERSION
        for account in changes.erased:  # as tombstones: the pages' store erases at this place of each topic
            yield OutgoingMessage(topics.alerts, here, account.encode(), None)
            yield OutgoingMessage(topics.traces, here, account.encode(), None)
        for alert in changes.alerts:
            yield OutgoingMessage(
                topics.alerts, here, alert.account.encode(), wire.encode(AlertRecord(v, alert))
            )
        for trace in changes.traces:
            key = trace.event.account.encode()
            yield OutgoingMessage(topics.traces, here, key, wire.encode(TraceRecord(v, (trace,))))
        for move in self._processor.drain_handovers():
            to = partition_of_account(move.link.new, self._around.kafka.partitions)
            yield OutgoingMessage(topics.moves, to, move.link.new.encode(), wire.encode(move))
        for dead_letters in self._dead_letters:
            yield OutgoingMessage(topics.dead_letters, 0, f"{here}".encode(), wire.encode(dead_letters))
        closing = self._processor.closing
        if closing is not None:
            record = SumsRecord(v, here, closing.next_day, closing.after, closing.sums)
            yield OutgoingMessage(topics.summaries, 0, sums_key(here, closing.day), wire.encode(record))
        if time.monotonic() - self._reported_at >= STATUS_SECONDS:
            self._reported_at = time.monotonic()
            process = f"partition/{here}"
            status = StatusRecord(
                v, process, self._processor.counters, self._processor.last_event_time, written_at=time.time()
            )
            yield OutgoingMessage(topics.status, 0, process.encode(), wire.encode(status))

    def _site_messages(self, snapshot: list[wire.KnowledgeRecord]) -> Iterator[OutgoingMessage]:
        """What the site has learnt; told by the owner of the first partition, alike by whoever it is."""
        topic = self._around.topics.summaries
        for record in snapshot:
            yield OutgoingMessage(topic, 0, f"site/{record.name}".encode(), wire.encode(record))
            for status in _public_part(record):
                yield OutgoingMessage(
                    self._around.topics.status, 0, status.process.encode(), wire.encode(status)
                )
        if snapshot:
            for partition, day in self._around.replica.outdated():
                yield OutgoingMessage(topic, 0, sums_key(partition, day), None)


def _public_part(record: wire.KnowledgeRecord) -> Iterator[StatusRecord]:
    """What the pages are told of a part of the knowledge; each has a key, so that none replaces another."""
    if record.name == drift_report.NAME:
        yield StatusRecord(wire.VERSION, SITE, drift=msgspec.json.decode(record.blob, type=DriftReport))
    elif record.name.startswith(reader_groups.PREFIX):
        yield StatusRecord(wire.VERSION, f"{SITE}/{record.name}", groups={record.name: record.blob})


def sums_key(partition: int, day: int) -> bytes:
    """Key of a partition's sums of a day."""
    return f"sums/{partition}/{day}".encode()
