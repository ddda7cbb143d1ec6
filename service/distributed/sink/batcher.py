"""What the sink makes of messages: the next checkpoint of the pages' store, and what becomes a dead letter.

No input and no output. Offsets have holes, since transactions leave marks in the topics that no reader sees;
so where to go on is told by the consumer, and is not the last message's offset and one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from service.base.errors import CheckpointError
from service.decision.reader_groups import read_group_history
from service.distributed.protocol.topics import Topics
from service.distributed.protocol.wire import (
    STATUS,
    VERSION,
    AlertRecord,
    AsideRecord,
    IdentityRecord,
    MoveRecord,
    StatusRecord,
    TraceRecord,
    WireError,
    WireFault,
    decode,
)
from service.records import drift_report, identities
from service.records.checkpoints import Changes, Checkpoint, SavedState, Trace
from service.records.events import Alert, Rejected
from service.records.identities import Link, SealedIdentity

DEAD_LETTERS = "messages_aside_total:"  # and the reason
MISSED = "messages_missed_total"
OURS = "messages_"  # counters of no other process begin so
SHIPPER = "shipper/"  # processes that know the newest event
DAY = 86_400
LONGEST_KEY = 500  # characters; PostgreSQL's indexes take 2,704 bytes
_WHOLE = 1 << 63
_COUNT = 1 << 53  # of one process, so that sums stay whole numbers of the store
_NUL = b"\\u0000"  # the character that PostgreSQL's texts cannot hold, as JSON writes it

Part = tuple[str, int]  # topic, partition


class IncomingMessage(NamedTuple):
    """One message as it lies in Kafka."""

    topic: str
    partition: int
    offset: int
    value: bytes | None  # None: all of this key is erased
    key: bytes = b""


class SinkBatch(NamedTuple):
    """What some messages come to."""

    checkpoint: Checkpoint
    dead_letters: tuple[AsideRecord, ...]


class ReadPosition(NamedTuple):
    """Where to read a partition from."""

    offset: int
    missed: int  # offsets that Kafka deleted before they were read


class _Batch:
    """What the messages of one checkpoint hold."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.traces: list[Trace] = []
        self.status: list[StatusRecord] = []
        self.links: list[Link] = []
        self.identities: list[SealedIdentity] = []
        self.dead_letters: list[AsideRecord] = []
        self.erased: dict[str, None] = {}
        self.untraced: dict[str, None] = {}
        self.unnamed: dict[str, None] = {}

    def erase(self, account: str) -> None:
        """What came before of the account's alerts goes, here and in the store."""
        self.alerts = [alert for alert in self.alerts if alert.account != account]
        self.erased[account] = None

    def untrace(self, account: str) -> None:
        """The same of its kept events, whose topic has an order of its own."""
        self.traces = [trace for trace in self.traces if trace.event.account != account]
        self.untraced[account] = None

    def unname(self, account: str) -> None:
        """The same of its sealed identity."""
        self.identities = [identity for identity in self.identities if identity.pseudonym != account]
        self.unnamed[account] = None

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        return tuple(line for record in self.status for line in record.rejected)


class SinkBatcher:
    """Goes on from what the store holds. A message that was taken is not taken again."""

    def __init__(self, topics: Topics, saved: SavedState, kept_days: int) -> None:
        self._topics = topics
        self._kept_days = kept_days
        self._positions = dict(_offsets(saved.positions, self.topics))
        self._processes = _processes(saved.shared.get(STATUS))
        self._counters = Counter(saved.counters)

    @property
    def topics(self) -> tuple[str, ...]:
        """Those that must be read."""
        topics = self._topics
        return topics.alerts, topics.traces, topics.status, topics.moves, topics.identities

    @property
    def positions(self) -> Mapping[Part, int]:
        """The next offset of every partition that was begun."""
        return self._positions

    def place(self, topic: str, partition: int, first: int, end: int) -> ReadPosition:
        """Where to read on in a partition that holds the offsets from ``first`` up to ``end``.

        What was missed is counted in the next checkpoint: all offsets, also those that no reader sees.
        """
        wanted = self._positions.get((topic, partition), first)
        if first <= wanted <= end:
            return ReadPosition(wanted, 0)
        # Past the end: the topic was deleted and made again. Nothing of it was read then.
        missed = max(0, first - wanted)
        self._counters[MISSED] += missed
        self._positions[topic, partition] = first
        return ReadPosition(first, missed)

    def take(self, messages: Sequence[IncomingMessage], positions: Mapping[Part, int]) -> SinkBatch:
        """The checkpoint that holds ``messages``, which are all there is before ``positions``."""
        batch = _Batch()
        for message in messages:
            part = message.topic, message.partition
            if message.offset >= self._positions.get(part, 0):
                self._read(message, batch)
                self._positions[part] = message.offset + 1
        self._positions.update(positions)
        for record in batch.status:
            if not record.groups:
                self._counters.update(_risen(self._processes.get(record.process), record))
                self._processes[record.process] = msgspec.structs.replace(record, rejected=(), drift=None)
        self._counters.update(f"{DEAD_LETTERS}{record.reason}" for record in batch.dead_letters)
        return SinkBatch(self._checkpoint(batch), tuple(batch.dead_letters))

    def _read(self, message: IncomingMessage, batch: _Batch) -> None:
        value = message.value
        try:
            if value is None:
                self._erase(message, batch)
                return
            if _NUL in value:
                raise WireError(WireFault.WRONG_SCHEMA)
            if message.topic == self._topics.alerts:
                batch.alerts.append(_checked_alert(decode(value, AlertRecord)))
            elif message.topic == self._topics.traces:
                batch.traces += _checked_traces(decode(value, TraceRecord))
            elif message.topic == self._topics.moves:
                batch.links.append(_checked_link(decode(value, MoveRecord)))
            elif message.topic == self._topics.identities:
                batch.identities.append(_checked_identity(decode(value, IdentityRecord)))
            else:
                batch.status.append(_checked_status(decode(value, StatusRecord)))
        except WireError as error:
            batch.dead_letters.append(
                AsideRecord(VERSION, *message[:3], error.refusal.value, length=len(value or b""))
            )

    def _erase(self, message: IncomingMessage, batch: _Batch) -> None:
        try:
            account = message.key.decode("ascii")
        except UnicodeDecodeError:
            raise WireError(WireFault.GARBAGE) from None
        if message.topic == self._topics.alerts:
            batch.erase(account)
        elif message.topic == self._topics.traces:
            batch.untrace(account)
        elif message.topic == self._topics.identities:
            batch.unname(account)

    def _checkpoint(self, batch: _Batch) -> Checkpoint:
        processes = self._processes.values()
        shippers = [record for record in processes if record.process.startswith(SHIPPER)]
        last_event = max((record.last_event_time for record in shippers), default=0)
        shared = {STATUS: msgspec.json.encode(list(processes))} if batch.status else {}
        for record in batch.status:
            if record.drift is not None:
                shared[drift_report.NAME] = msgspec.json.encode(record.drift)
            shared.update(record.groups)
        return Checkpoint(
            changes=Changes(
                shared=shared,
                alerts=tuple(batch.alerts),
                traces=tuple(batch.traces),
                erased=tuple(batch.erased),
                untraced=tuple(batch.untraced),
                unnamed=tuple(batch.unnamed),
                links=tuple(batch.links),
                identities=tuple(batch.identities),
            ),
            positions={f"{topic}/{n}": b"%d" % offset for (topic, n), offset in self._positions.items()},
            counters=dict(self._counters),
            rejected=batch.rejected,
            last_event_time=last_event,
            forget_before=max(0, last_event - DAY * self._kept_days),
            written_at=max((record.written_at for record in processes), default=0.0),
        )


def _risen(before: StatusRecord | None, now: StatusRecord) -> Counter[str]:
    """By how much a process counted on, so that sums over processes never fall.

    One that says less than before has lost its state, or has an older one: it goes on from what it says now.
    Shippers and partitions count different things: every name is summed.
    """
    known = before.counters if before is not None else {}
    return Counter(
        {
            name: max(0, value - known.get(name, 0))
            for name, value in now.counters.items()
            if not name.startswith(OURS)
        }
    )


def _checked_alert(record: AlertRecord) -> Alert:
    """The alert. Raises ``WireError`` for what a store could not hold; so do the two below."""
    alert, places = record.alert, record.alert.picture.places
    _check_numbers(_WHOLE, (alert.opened_at, alert.updated_at, alert.events, alert.documents))
    names = (count.name for count in (*places, *alert.picture.platforms, *alert.picture.networks))
    _check_keys((alert.alert_id, alert.account, *alert.detections, *names))
    return alert


def _checked_traces(record: TraceRecord) -> tuple[Trace, ...]:
    _check_numbers(_WHOLE, (n for trace in record.traces for n in (trace.sequence, trace.event.time)))
    _check_keys(trace.event.account for trace in record.traces)
    return record.traces


def _checked_link(record: MoveRecord) -> Link:
    _check_keys((record.link.old, record.link.new))
    return record.link


def _checked_identity(record: IdentityRecord) -> SealedIdentity:
    if record.identity.v != identities.VERSION:
        raise WireError(WireFault.FUTURE_VERSION)
    _check_keys((record.identity.ring,))
    return record.identity


def _checked_status(record: StatusRecord) -> StatusRecord:
    places = (n for line in record.rejected for n in (line.line, line.length))
    _check_numbers(_WHOLE, (record.last_event_time, *places))
    _check_numbers(_COUNT, record.counters.values())
    _check_groups(record.groups)
    _check_keys((*record.counters, *(key for line in record.rejected for key in (line.source, line.reason))))
    return record


def _check_groups(blobs: Mapping[str, bytes]) -> None:
    try:
        readable = len(read_group_history(blobs)) == len(
            blobs
        )  # no other's blob is among them, and no day twice
    except CheckpointError:
        readable = False
    if not readable:
        raise WireError(WireFault.WRONG_SCHEMA)


def _check_numbers(limit: int, numbers: Iterable[int]) -> None:
    if not all(-limit < number < limit for number in numbers):
        raise WireError(WireFault.WRONG_SCHEMA)


def _check_keys(keys: Iterable[str]) -> None:
    if any(len(key) > LONGEST_KEY for key in keys):
        raise WireError(WireFault.WRONG_SCHEMA)


def _processes(blob: bytes | None) -> dict[str, StatusRecord]:
    records = [] if blob is None else msgspec.json.decode(blob, type=list[StatusRecord])
    return {record.process: record for record in records}


def _offsets(positions: Mapping[str, bytes], topics: Sequence[str]) -> Iterator[tuple[Part, int]]:
    """Those of our topics: the store may have been a single process's before, which read logs."""
    for source, position in positions.items():
        topic, _, partition = source.rpartition("/")
        if topic in topics:
            yield (topic, int(partition)), msgspec.json.decode(position, type=int)
