"""Messages to Kafka in order, each held until it is acknowledged.

Readers drop what they have seen by its number, so repeating a message is harmless and overtaking is not: of
each partition one message is on its way at a time, and the next follows its acknowledgement. What fails for
good, or breaks the connection's state, is sent again over a new connection, in the same order, for as long as
it takes. Memory is bounded here, since kafka-python's own buffer is not.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Condition, Event
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from service.config.tables import KafkaSettings
from service.distributed.protocol.connection import client_options
from service.distributed.protocol.errors import BrokerError

BUFFER = 32 << 20  # bytes that may wait for acknowledgement, before compression
LARGEST = 8 << 20  # bytes of a message before compression; a full frame has some 200 KB
STOP_SECONDS = 5.0  # that may pass from the wish to end until what waits is given up
SILENCE = 5.0  # s without any acknowledgement until that is told
TICK = 0.1  # s between looks while waiting
RETRY = 1.0  # s between attempts to connect
CONNECT_MS = 5_000
REQUEST_MS = 10_000  # until an unanswered request is sent again

Connect = Callable[[], Any]  # a KafkaProducer; raises KafkaError

_log = logging.getLogger("journalguard.ship")


class PendingMessage(NamedTuple):
    """Of one partition; without one it is the key's."""

    topic: str
    partition: int | None
    value: bytes | None  # None, of a key: what came before of it is to be forgotten
    key: bytes | None

    @property
    def size(self) -> int:
        """Bytes, of which there is always one."""
        return len(self.value or b"") + len(self.key or b"")


def connector(kafka: KafkaSettings, folder: Path, topics: Sequence[str]) -> Connect:
    """Makes connections to the site's brokers that know ``topics``."""
    options = client_options(kafka, folder) | {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "zstd",
        "linger_ms": 0,  # one message a partition is on its way: there is nothing to wait for
        "allow_auto_create_topics": False,
        "delivery_timeout_ms": float("inf"),
        "request_timeout_ms": REQUEST_MS,
        "bootstrap_timeout_ms": CONNECT_MS,
        "max_block_ms": CONNECT_MS,
        "reconnect_backoff_max_ms": 1_000,
        "max_request_size": LARGEST,
        "metrics_enabled": False,
    }

    def connect() -> Any:
        client = KafkaProducer(**options)
        try:
            for topic in topics:
                client.partitions_for(topic)
        except KafkaError:
            _discard(client)
            raise
        return client

    return connect


class Producer:
    """Takes messages, blocks while too many wait, never gives one up before ``stop``.

    ``send``, ``flush`` and ``tick`` belong to one thread, and raise ``BrokerError`` only where they have to
    wait after ``stop`` was set. Nothing is sent before the first ``tick`` that finds the brokers.
    """

    def __init__(self, connect: Connect, stop: Event, *, most: int = BUFFER) -> None:
        self._connect = connect
        self._stop = stop
        self._most = most
        self._changed = Condition()  # over everything below
        self._queues: dict[tuple[str, int | None], deque[PendingMessage]] = {}
        self._waiting = 0  # bytes
        self._client: Any = None
        self._generation = 0  # of the client; what an earlier one says does not count
        self._broken = True
        self._again_at = 0.0  # when to connect, by the monotonic clock
        self._progress_at = time.monotonic()
        self._reported: set[str] = set()  # kinds of trouble that were told since the last acknowledgement

    @property
    def buffered_bytes(self) -> int:
        """Not yet acknowledged."""
        return self._waiting

    def send(self, topic: str, partition: int | None, value: bytes | None, key: bytes | None = None) -> None:
        """Takes a message for a partition, after those taken before."""
        message = PendingMessage(topic, partition, value, key)
        if self._waiting and self._waiting + message.size > self._most:
            self._wait(lambda: self._waiting + message.size <= self._most or not self._waiting)
        with self._changed:
            queue = self._queues.setdefault((topic, partition), deque())
            queue.append(message)
            if not self._waiting:
                self._progress_at = time.monotonic()
            self._waiting += message.size
            if len(queue) == 1:
                self._give(queue)

    def flush(self) -> None:
        """Waits until everything is acknowledged."""
        self._wait(lambda: not self._waiting)

    def tick(self) -> None:
        """Renews a broken connection and tells what is wrong, once; to be called now and then."""
        if self._broken and time.monotonic() >= self._again_at:
            self._renew()
        silent = self._waiting and time.monotonic() - self._progress_at > SILENCE
        if silent and not self._reported:
            self._report("silence", f"nothing is acknowledged for {SILENCE:g} s")

    def close(self) -> None:
        """Ends the connection; what still waits is forgotten."""
        if self._client is not None:
            _discard(self._client)
            self._client = None

    def _wait(self, done: Callable[[], bool]) -> None:
        gives_up = float("inf")
        while True:
            self.tick()
            with self._changed:
                if done() or (self._changed.wait(TICK) and done()):
                    return
            if self._stop.is_set():
                gives_up = min(gives_up, time.monotonic() + STOP_SECONDS)
            if time.monotonic() > gives_up:
                raise BrokerError(f"{self._waiting:,} bytes are not acknowledged by Kafka")

    def _renew(self) -> None:
        """A new connection, over which every partition begins again with its oldest message."""
        self._again_at = time.monotonic() + RETRY
        self.close()
        try:
            client = self._connect()
        except KafkaError as error:
            self._report("connect", f"cannot connect: {error}")
            self._again_at = time.monotonic() + RETRY
            return
        with self._changed:
            self._client, self._broken = client, False
            self._generation += 1
            for queue in self._queues.values():
                if queue:
                    self._give(queue)

    def _give(self, queue: deque[PendingMessage]) -> None:
        """Sends the oldest message of a partition; under the lock."""
        if self._broken:
            return
        message = queue[0]
        try:
            future = self._client.send(
                message.topic, message.value, key=message.key, partition=message.partition
            )
        except (KafkaError, ValueError) as error:  # ValueError: the topic has no such partition any more
            self._failed(self._generation, error)
            return
        future.add_callback(partial(self._acknowledged, self._generation, queue))
        future.add_errback(partial(self._failed, self._generation))

    def _acknowledged(self, generation: int, queue: deque[PendingMessage], _: object) -> None:
        """In the client's thread."""
        with self._changed:
            if generation != self._generation:
                return
            self._waiting -= queue.popleft().size
            self._progress_at = time.monotonic()
            if self._reported:
                _log.info("broker-back messages are acknowledged again")
                self._reported.clear()
            if queue:
                self._give(queue)
            self._changed.notify()

    def _failed(self, generation: int, error: BaseException) -> None:
        """In the client's thread, or under the lock."""
        with self._changed:
            if generation == self._generation:
                self._broken = True
                self._report(type(error).__name__, f"{type(error).__name__}: {error}")
                self._changed.notify()

    def _report(self, kind: str, trouble: str) -> None:
        if kind not in self._reported:
            _log.warning("broker-waits %s; tried again until it works, the logs keep the lines", trouble)
        self._reported.add(kind)


def _discard(client: Any) -> None:
    """Closes a connection that may be in any state."""
    with suppress(KafkaError):
        client.close(timeout=1)
    # `close` stops at what cannot be sent and leaves its thread sending; this ends it.
    client._sender.force_close()  # noqa: SLF001 - it has no public way
