"""What every request of this process needs: the database, the detections, the clock.

The database is opened at the first request that needs it, so that pages may start before the ingest
process has made the file, and say so until then.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from sqlalchemy import Connection

from alerts_api.alerts.queries import count_open, newest_number, read_counters, read_progress
from alerts_api.alerts.records import Status, StreamProgress
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import Database, open_database
from service.policy.model import Policy

STALE_SECONDS = 600.0  # without a checkpoint
_REJECTED = "rejected_total:"
_LIVE = 86_400.0  # s: a feed whose newest line is older than this is a replay of old logs


class SinkProgress(Protocol):
    """What reads messages into the database beside the pages: ``service.distributed.sink.sink.Sink``."""

    @property
    def lag(self) -> int:
        """Messages that wait."""

    @property
    def last_message(self) -> float:
        """Wall clock of the newest one, s UTC; 0: none since the start."""


class AppContext:
    """One per app. Safe to use from several threads."""

    def __init__(
        self,
        database: DatabaseLocation,
        *,
        policy: Policy,
        create: bool = False,
        demo: bool = False,
        judges_trained: bool = False,
        intake: SinkProgress | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.detections = policy.detections
        self.daily_cap = policy.daily_cap
        self.alerts_per_day = policy.alerts_per_day
        self.quiet_days = policy.budget.quiet_days
        self.daily_verdict_limit = policy.daily_verdict_limit
        self.demo = demo
        self.judges_trained = judges_trained
        self.intake = intake
        self.clock = clock
        self._place = database
        self._create = create
        self._lock = Lock()
        self._database: Database | None = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._open().reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._open().writing() as connection:
            yield connection

    def database(self) -> Database:
        """Opened at the first call. Raises :class:`StoreError`."""
        return self._open()

    def close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
            self._database = None

    def reference(self, last_event_time: int) -> float:
        """The moment that ages and periods count back from, s UTC: now, or the newest line of old logs."""
        now = self.clock()
        live = not last_event_time or abs(now - last_event_time) < _LIVE
        return now if live else last_event_time

    def status(self, connection: Connection) -> Status:
        feed, counters, now = read_progress(connection), read_counters(connection), self.clock()
        return Status(
            status=stream_status(feed, now),
            last_event_time=feed.last_event_time,
            written_at=feed.written_at,
            lag_seconds=max(0.0, now - feed.last_event_time) if feed.last_event_time else 0.0,
            open_alerts=count_open(connection),
            newest_alert=newest_number(connection),
            lines=counters.get("lines_total", 0),
            events=counters.get("events_total", 0),
            events_without_account=counters.get("events_without_account_total", 0),
            rejected=rejected_reasons(counters),
        )

    def _open(self) -> Database:
        with self._lock:
            if self._database is None:
                # A verdict is waited for until it is on the disk.
                self._database = open_database(
                    self._place, create=self._create, durable=True, busy_seconds=5.0
                )
            return self._database


def stream_status(feed: StreamProgress, now: float) -> str:
    if not feed.written_at:
        return "empty"
    return "stale" if now - feed.written_at > STALE_SECONDS else "ok"


def rejected_reasons(counters: dict[str, int]) -> dict[str, int]:
    """Refused lines by reason, the commonest first."""
    found = {name.removeprefix(_REJECTED): n for name, n in counters.items() if name.startswith(_REJECTED)}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
