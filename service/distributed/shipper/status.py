"""What a shipper tells the others of itself, on the status topic."""

import time
from collections import deque
from collections.abc import Callable

from service.distributed.protocol.wire import VERSION, StatusRecord, encode
from service.records.checkpoints import Checkpoint
from service.records.events import Rejected

SECONDS = 2.0  # between records
NEWEST = 20  # rejected lines of a record


class StatusReporter:
    """One record for the newest checkpoint, not more often than needed."""

    def __init__(self, process: str, send: Callable[[bytes], None]) -> None:
        self._process = process
        self._send = send
        self._newest: Checkpoint | None = None  # not told yet
        self._rejected: deque[Rejected] = deque(maxlen=NEWEST)
        self._sent_at = 0.0

    def take(self, checkpoint: Checkpoint) -> None:
        """A checkpoint that is written."""
        self._newest = checkpoint
        self._rejected.extend(checkpoint.rejected)

    def send(self, *, at_once: bool = False) -> None:
        """Sends a record if there is news and the last one is old enough."""
        if self._newest is None or (time.monotonic() < self._sent_at + SECONDS and not at_once):
            return
        record = StatusRecord(
            v=VERSION,
            process=self._process,
            counters=self._newest.counters,
            last_event_time=self._newest.last_event_time,
            written_at=self._newest.written_at,
            rejected=tuple(self._rejected),
        )
        self._newest = None
        self._rejected.clear()
        self._sent_at = time.monotonic()
        self._send(encode(record))
