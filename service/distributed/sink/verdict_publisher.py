"""What analysts said, from the pages' store to the workers: every verdict at least once, in order.

The last one that Kafka acknowledged is remembered in the store; after a crash some are sent again, with the
same ``verdict_id``. Notes and names of analysts stay where they are.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from threading import Event
from typing import Any, Protocol

from kafka import KafkaProducer

from service.distributed.protocol.wire import VerdictRecord, encode

POLL = 0.5  # s between looks for new verdicts
BATCH = 100
ACKNOWLEDGED_SECONDS = 30.0
BOOTSTRAP_MS = 5_000

_log = logging.getLogger("journalguard.verdicts")


class VerdictOutbox(Protocol):
    """The verdicts that wait. ``alerts_api.stream.outbox`` implements it over SQL."""

    def waiting(self, limit: int) -> Sequence[VerdictRecord]:
        """The oldest that were not sent, in order."""

    def sent(self, verdict_id: int) -> None:
        """All up to this one were."""

    def close(self) -> None: ...


class VerdictPublisher:
    """Sends what waits, until told to stop."""

    def __init__(
        self, options: Mapping[str, Any], topic: str, open_outbox: Callable[[], VerdictOutbox]
    ) -> None:
        self._options = options
        self._topic = topic
        self._open_outbox = open_outbox

    def run(self, stop: Event) -> None:
        """Until ``stop``. Raises errors of Kafka and of the store; run again it goes on where it was."""
        with closing(self._open_outbox()) as outbox, closing(self._producer()) as producer:
            while not stop.is_set():
                if not self._send(outbox, producer, stop):
                    stop.wait(POLL)

    def _producer(self) -> KafkaProducer:
        return KafkaProducer(
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
            **self._options,
        )

    def _send(self, outbox: VerdictOutbox, producer: KafkaProducer, stop: Event) -> int:
        """How many were sent. One at a time: analysts are slow, and so none overtakes another."""
        count = 0
        for record in outbox.waiting(BATCH):
            if stop.is_set():
                break
            sending = producer.send(self._topic, key=record.account.encode(), value=encode(record))
            sending.get(timeout=ACKNOWLEDGED_SECONDS)
            outbox.sent(record.verdict_id)
            count += 1
        if count:
            _log.info("verdicts-sent %d", count)
        return count
