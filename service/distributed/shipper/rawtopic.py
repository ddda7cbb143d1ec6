"""Lines of a topic that another program fills: text, or Filebeat's JSON.

Names and addresses pass through such a topic in clear. Who may read it, and for how long it is kept, is for
its owner to settle; the shipper reads it by position and commits nothing to Kafka.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from pseudonymiser.logfile import Batch
from service.config.tables import KafkaSettings
from service.distributed.protocol.connection import client_options
from service.distributed.protocol.errors import TopicError

HELD = 4_000  # messages of a partition that may wait here
FETCH = 2_000  # messages of one poll
POLL_MS = 20  # to wait for messages while none is held

_log = logging.getLogger("journalguard.ship")


class _Beat(msgspec.Struct):
    """Filebeat's record, as far as it matters."""

    message: str


class _Place(msgspec.Struct, frozen=True):
    """Position of a partition: the next message to read."""

    offset: int


class _Message(NamedTuple):
    offset: int
    lines: list[bytes]


def lines_of(value: bytes | None) -> list[bytes]:
    """The lines of a message, at least one: the text itself, or ``message`` of a JSON object."""
    text = value or b""
    if text.startswith(b"{"):
        with suppress(msgspec.DecodeError, UnicodeError):  # a line that merely begins so
            text = msgspec.json.decode(text, type=_Beat).message.encode()
    return [line.removesuffix(b"\r") for line in text.removesuffix(b"\n").split(b"\n")]


class _Partition:
    """One source: the messages of one partition, in order."""

    audit = False

    def __init__(self, topic: str, partition: int, fetch: Callable[[], None]) -> None:
        self.key = f"topic:{topic}:{partition}"
        self.place = TopicPartition(topic, partition)
        self.held: deque[_Message] = deque()
        self.fetched = 0  # offset behind the last message held or given
        self._read = 0  # offset behind the last message given
        self._name = f"{topic}-{partition}"
        self._fetch = fetch

    def start(self, offset: int) -> None:
        """Begins at a message."""
        self.fetched = self._read = offset

    def take(self, offset: int, value: bytes | None) -> None:
        """One more message."""
        self.held.append(_Message(offset, lines_of(value)))
        self.fetched = offset + 1

    def begin(self) -> bytes:
        """The position before the next ``read``."""
        return msgspec.json.encode(_Place(self._read))

    def read(self, limit: int) -> Batch | None:
        """Some ``limit`` lines of whole messages; ``None`` while there are none."""
        if not self.held:
            self._fetch()
        lines: list[bytes] = []
        first = self.held[0].offset + 1 if self.held else 0
        while self.held and len(lines) < limit:
            message = self.held.popleft()
            lines += message.lines
            self._read = message.offset + 1
        return Batch(self._name, first, lines, self.begin()) if lines else None


class RawTopic:
    """Every partition of a topic as a source of its own."""

    def __init__(
        self, kafka: KafkaSettings, folder: Path, topic: str, positions: Mapping[str, bytes]
    ) -> None:
        self._options = client_options(kafka, folder) | {
            "group_id": None,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "max_poll_records": FETCH,
            "bootstrap_timeout_ms": 5_000,
        }
        self._topic = topic
        self._positions = positions
        self._partitions: dict[int, _Partition] = {}
        self._consumer: Any = None
        self._trouble = ""

    def sources(self) -> Sequence[_Partition]:
        """The partitions there are, also those that came since the last call.

        Raises ``TopicError`` where there was no such topic from the beginning.
        """
        try:
            if self._consumer is None:
                self._consumer = KafkaConsumer(**self._options)
            there = self._consumer.partitions_for_topic(self._topic)
            if there - self._partitions.keys():
                self._assign(there)
        except KafkaError as error:
            self._report(error)
            return list(self._partitions.values())
        if not self._partitions:
            raise TopicError(f"{self._topic}: there is no such topic, or this user may not read it")
        return list(self._partitions.values())

    def close(self) -> None:
        """Ends the connection."""
        if self._consumer is not None:
            self._consumer.close(autocommit=False)

    def acknowledged(self, positions: Mapping[str, bytes]) -> None:
        """The topic is somebody else's; nothing is done to it."""

    def ended(self, positions: Mapping[str, bytes]) -> bool:  # noqa: ARG002 - a topic never ends
        """A topic has no end."""
        return False

    def lag_bytes(self, positions: Mapping[str, bytes]) -> float:  # noqa: ARG002 - Kafka counts in messages
        """Not known: Kafka tells the lag of a topic in messages, and while it is away not even that."""
        return nan

    def _assign(self, there: set[int]) -> None:
        """Reads all partitions, each from where it is."""
        new = [
            _Partition(self._topic, number, self._fetch) for number in sorted(there - self._partitions.keys())
        ]
        oldest = self._consumer.beginning_offsets([partition.place for partition in new])
        for partition in new:
            partition.start(self._first(partition.key, oldest[partition.place]))
            self._partitions[partition.place.partition] = partition
        self._consumer.assign([partition.place for partition in self._partitions.values()])
        for partition in self._partitions.values():
            self._consumer.seek(partition.place, partition.fetched)

    def _first(self, key: str, oldest: int) -> int:
        saved = self._positions.get(key)
        if saved is None:
            return oldest
        wanted = msgspec.json.decode(saved, type=_Place).offset
        if wanted < oldest:
            _log.warning(
                "lines-gone %s: %d messages were deleted before they were read", key, oldest - wanted
            )
        return max(wanted, oldest)

    def _fetch(self) -> None:
        """Takes what has come, of partitions that do not hold too much already."""
        full = [partition.place for partition in self._partitions.values() if len(partition.held) >= HELD]
        wait = 0 if any(partition.held for partition in self._partitions.values()) else POLL_MS
        try:
            self._consumer.resume(*self._consumer.paused())
            self._consumer.pause(*full)
            polled = self._consumer.poll(timeout_ms=wait)
        except KafkaError as error:
            self._report(error)
            return
        for place, records in polled.items():
            for record in records:
                self._partitions[place.partition].take(record.offset, record.value)
        if polled:
            self._trouble = ""

    def _report(self, error: KafkaError) -> None:
        if str(error) != self._trouble:
            _log.warning("topic-unreadable %s: %s; tried again until it works", self._topic, error)
        self._trouble = str(error)
