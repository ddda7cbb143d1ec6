"""One process over one store: lines in, alerts out, everything saved together.

``Runner`` is the way from lines to an outcome, also for replay. ``FollowLoop`` keeps it going over growing
logs: read, feed, checkpoint; nothing is lost or repeated whenever it is killed, because where the logs were
read up to is saved in the same transaction as what was learnt from them.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Event
from typing import Protocol, TypeVar

import msgspec

from pseudonymiser.ingest import Ingest
from pseudonymiser.logfile import Batch
from service.base.retry import Pauses, retrying
from service.records.checkpoints import Changes, Checkpoint, SavedState, Store
from service.records.commands import Command, CommandKind
from service.records.events import AccessEvent, Rejected
from service.records.identities import Link
from service.runtime.merge import LineSource, Merge, SourceBatch

INGEST = "ingest"  # name of the ingest room's state among the shared blobs
POLL = 0.25  # s between looks at logs that had nothing new
HEARTBEAT = 30.0  # s after which a checkpoint is written even if no line came
ABSORB = 2_000  # events given to the pipeline at once
QUARANTINE = 200  # newest rejected lines of a checkpoint
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # s between attempts to save

T = TypeVar("T")

_log = logging.getLogger("journalguard.run")


class Stages(Protocol):
    """What events go into: a ``site_pipeline.Pipeline``, or the way to the process that has one."""

    def link(self, links: Iterable[Link]) -> None: ...

    def absorb(self, events: Sequence[AccessEvent]) -> None: ...

    def apply(self, commands: Sequence[Command]) -> None: ...

    def drain(self) -> Changes: ...

    def restore(self, accounts: Iterable[tuple[str, bytes]], shared: Mapping[str, bytes]) -> None: ...

    @property
    def counters(self) -> Mapping[str, int]: ...


class Runner:
    """Lines -> events -> states and alerts, with counters. Any split into batches gives the same outcome."""

    def __init__(self, ingest: Ingest, pipeline: Stages, *, absorb: int = ABSORB) -> None:
        self._ingest = ingest
        self._pipeline = pipeline
        self._enough = absorb  # events that are given to the pipeline at once
        self._counters: Counter[str] = Counter(lines_total=0, events_total=0, events_without_account_total=0)
        self._events: list[AccessEvent] = []
        self._rejected: deque[Rejected] = deque(maxlen=QUARANTINE)
        self._saved_ingest = b""
        self.urgent = False  # orders were taken that are not saved yet

    def restore(self, saved: SavedState) -> None:
        """Goes on from a checkpoint."""
        shared = dict(saved.shared)
        self._counters.update(saved.counters)
        if (state := shared.pop(INGEST, None)) is not None:
            self._ingest.restore(state)
        self._pipeline.restore(saved.accounts, shared)

    def feed(self, batch: Batch, *, audit: bool) -> list[int]:
        """Takes lines; returns the event times of the accepted ones, s UTC."""
        outcomes = self._ingest.feed(
            batch.lines, source=batch.source, first_line=batch.first_line, audit=audit
        )
        events = [outcome for outcome in outcomes if isinstance(outcome, AccessEvent)]
        if len(events) < len(outcomes):
            self._count_rejected([outcome for outcome in outcomes if isinstance(outcome, Rejected)])
        self._counters["lines_total"] += len(outcomes)
        self._counters["events_total"] += len(events)
        self._counters["events_without_account_total"] += sum(not event.account for event in events)
        self._events += events
        if len(self._events) >= self._enough:
            self._absorb()
        return [event.time for event in events]

    def apply(self, commands: Sequence[Command]) -> None:
        """Take commands after the lines so far; a checkpoint should follow soon."""
        self._absorb()
        self._ingest.forget({order.account for order in commands if order.act is CommandKind.FORGET})
        self._pipeline.apply(commands)
        self.urgent = True

    def drain(self) -> Changes:
        """What changed since the last drain, with the ingest room's state and the identities it sealed."""
        self._absorb()
        self.urgent = False
        changes = msgspec.structs.replace(self._pipeline.drain(), identities=self._ingest.sealed())
        state = self._ingest.state()
        if state == self._saved_ingest:
            return changes
        self._saved_ingest = state
        return msgspec.structs.replace(changes, shared={**changes.shared, INGEST: state})

    def rejected(self) -> tuple[Rejected, ...]:
        """The newest rejected lines since the last call."""
        newest = tuple(self._rejected)
        self._rejected.clear()
        return newest

    @property
    def counters(self) -> Mapping[str, int]:
        """Since the site was made."""
        return {**self._counters, **self._pipeline.counters}

    @property
    def watermark(self) -> int:
        """Newest event time, s UTC."""
        return self._ingest.watermark

    def _absorb(self) -> None:
        if links := self._ingest.links():
            self._pipeline.link(links)
        if self._events:
            self._pipeline.absorb(self._events)
            self._events = []

    def _count_rejected(self, rejected: Sequence[Rejected]) -> None:
        self._rejected.extend(rejected)
        for line in rejected:
            self._counters[f"rejected_total:{line.reason}"] += 1


class FollowSettings(msgspec.Struct, frozen=True):
    """When to save, and what may go."""

    lines: int
    seconds: float
    kept_days: int  # of event time, for which the events behind an alert are kept


class GrowingSource(LineSource, Protocol):
    """A source that goes on: ``pseudonymiser.tail.Follower``, or a partition of a topic."""

    def begin(self) -> bytes | None: ...


class SourceSet(Protocol):
    """All sources of a site: ``pseudonymiser.tail.Tail``, or a topic."""

    def sources(self) -> Sequence[GrowingSource]: ...

    def close(self) -> None: ...


class _RetryingSource:
    """A source that is tried again where it cannot be read, with one message for each new cause."""

    def __init__(self, follower: GrowingSource) -> None:
        self.key = follower.key
        self.audit = follower.audit
        self._follower = follower
        self._trouble = ""

    def begin(self) -> bytes | None:
        return self._try(self._follower.begin)

    def read(self, limit: int) -> Batch | None:
        return self._try(lambda: self._follower.read(limit))

    def _try(self, act: Callable[[], T | None]) -> T | None:
        try:
            done = act()
        except OSError as error:
            if str(error) != self._trouble:
                _log.warning("log-unreadable %s; tried again until it works", error)
            self._trouble = str(error)
            return None
        self._trouble = ""
        return done


def _nobody(_: Sequence[int], __: float) -> None:
    """Nobody is told."""


class FollowLoop:
    """Reads what comes, saves at the pace, until told to stop.

    ``retry_on`` are the store's errors that time or the operator mends (locked, disk full): the same
    checkpoint is tried again, and no line is read meanwhile. ``poll`` is called every ``pause`` s or so.
    ``decided`` is told the times of the events that a checkpoint holds, and when it was written, s UTC.
    """

    def __init__(
        self,
        runner: Runner,
        tail: SourceSet,
        merge: Merge,
        store: Store,
        *,
        pace: FollowSettings,
        positions: Mapping[str, bytes],
        retry_on: tuple[type[Exception], ...],
        poll: Callable[[], None],
        pause: float = POLL,
        decided: Callable[[Sequence[int], float], None] = _nobody,
    ) -> None:
        self._runner = runner
        self._tail = tail
        self._merge = merge
        self._store = store
        self._pace = pace
        self._positions = dict(positions)
        self._retry_on = retry_on
        self._poll = poll
        self._pause = pause
        self._sources: dict[str, _RetryingSource] = {}
        self._decided = decided
        self._times: list[int] = []  # of the events since the last checkpoint, s UTC
        self._lines = 0  # since the last checkpoint
        self._saved_at = time.monotonic()

    def run(self, stop: Event) -> None:
        """Goes on until ``stop`` is set, then saves once more. Raises the store's errors."""
        self._look()
        self._save(
            stop
        )  # the positions: a file that is renamed before its first lines are saved is found again
        while not stop.is_set():
            self._poll()
            if not self._catch_up(stop, time.monotonic() + self._pause):
                stop.wait(self._pause)
        self._save(stop)
        self._tail.close()

    def _catch_up(self, stop: Event, until: float) -> bool:
        """Takes lines until a moment of the clock; false where there were no more before it."""
        active: Sequence[_RetryingSource] = self._look()
        while not stop.is_set():
            batch_taken = self._merge.next(active)
            if batch_taken is not None:
                self._take(batch_taken)
            self._save_if_due(stop)
            if batch_taken is None or time.monotonic() > until:
                return batch_taken is not None
            # A source that had nothing is asked again at the next look.
            active = [
                source
                for source in active
                if source.key in self._merge.waiting or source is batch_taken.source
            ]
        return True

    def _look(self) -> list[_RetryingSource]:
        for follower in self._tail.sources():
            if follower.key not in self._sources:
                self._sources[follower.key] = _RetryingSource(follower)
            if follower.key not in self._positions:
                self._begin(self._sources[follower.key])
        return list(self._sources.values())

    def _begin(self, source: _RetryingSource) -> None:
        if (position := source.begin()) is not None:
            self._positions[source.key] = position

    def _take(self, batch_taken: SourceBatch) -> None:
        times = self._runner.feed(batch_taken.batch, audit=batch_taken.source.audit)
        self._merge.fed(batch_taken, times)
        self._times += times
        self._positions[batch_taken.source.key] = batch_taken.batch.position
        self._lines += len(batch_taken.batch.lines)

    def _save_if_due(self, stop: Event) -> None:
        passed = time.monotonic() - self._saved_at
        late = passed >= (self._pace.seconds if self._lines or self._runner.urgent else HEARTBEAT)
        if late or self._lines >= self._pace.lines:
            self._save(stop)

    def _save(self, stop: Event) -> None:
        checkpoint = Checkpoint(
            changes=self._runner.drain(),
            positions=dict(self._positions),
            counters=self._runner.counters,
            rejected=self._runner.rejected(),
            last_event_time=self._runner.watermark,
            forget_before=max(0, self._runner.watermark - 86400 * self._pace.kept_days),
            written_at=time.time(),
        )
        pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE)
        retrying(self._retry_on, pauses, _tell_waiting, stop, after_pause=self._poll)(
            self._store.commit, checkpoint
        )
        self._decided(self._times, time.time())
        self._lines = 0
        self._times = []
        self._saved_at = time.monotonic()


def _tell_waiting(error: BaseException, pause: float) -> None:
    _log.warning("checkpoint-waits %s; tried again in %g s, nothing is lost", error, pause)
