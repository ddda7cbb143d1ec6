"""Several sources read as one stream, roughly in the order of time.

A source is read on until its newest lines are more than ``SLACK`` later than the next line of another one;
then the other's turn comes. So a log that was cut into pieces reads as the whole, whatever small disorder it
has, and the logs of two proxies interleave. The order depends on the sources' lines alone.
"""

from collections import deque
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple, Protocol

from pseudonymiser.ingest import Ingest
from pseudonymiser.logfile import Batch
from service.records.events import AccessEvent

SLACK = 3600  # s; also what a doubled clock hour can put a line off by
STEP = 900  # s of event time that one batch should cover while several sources wait
FEWEST, MOST = 4, 2000  # lines of a batch
SEEN = 16  # lines that say how far a source is: one stray time among them does not

Clock = Callable[[Sequence[bytes], bool], Sequence[int]]  # lines, audit -> times of those that fit, s UTC


def line_clock(ingest: Ingest) -> Clock:
    """A clock that reads lines as ``ingest`` does, each time as if they were the first."""
    blank = ingest.state()

    def times(lines: Sequence[bytes], audit: bool) -> list[int]:
        ingest.restore(blank)
        outcomes = ingest.feed(lines, source="", audit=audit)
        return [outcome.time for outcome in outcomes if isinstance(outcome, AccessEvent)]

    return times


class LineSource(Protocol):
    """What is read: ``pseudonymiser.tail.Follower``, or a file to its end."""

    @property
    def key(self) -> str: ...

    @property
    def audit(self) -> bool: ...

    def read(self, limit: int) -> Batch | None: ...


class SourceBatch(NamedTuple):
    """Whose lines come next."""

    source: LineSource
    batch: Batch


class _Pace:
    """How far one source is."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=SEEN)
        self.limit = SEEN

    def saw(self, lines: int, times: Sequence[int]) -> None:
        self._recent.extend(times[-SEEN:])
        span = max(times) - min(times) if times else 0
        self.limit = max(FEWEST, min(MOST, lines * STEP // max(span, 1)))

    def passed(self, time: float) -> bool:
        """Whether all recent lines are later than ``time`` by more than the slack."""
        return bool(self._recent) and min(self._recent) > time + SLACK


class Merge:
    """Holds one unread batch of each source and says whose turn it is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.waiting: dict[str, SourceBatch] = {}  # key of the source -> its unread lines
        self._heads: dict[str, float] = {}
        self._paces: dict[str, _Pace] = {}
        self._current = ""

    def next(self, sources: Sequence[LineSource]) -> SourceBatch | None:
        """The next lines of one of ``sources``; ``None`` while none has any. Raises what ``read`` raises."""
        for source in sources:
            if source.key not in self.waiting:
                pace = self._paces.setdefault(source.key, _Pace())
                batch = source.read(pace.limit if len(sources) > 1 else MOST)
                if batch is not None:
                    self.waiting[source.key] = SourceBatch(source, batch)
        if not self.waiting:
            return None
        self._current = self._choose() if len(self.waiting) > 1 else next(iter(self.waiting))
        self._heads.pop(self._current, None)
        return self.waiting.pop(self._current)

    def fed(self, batch_taken: SourceBatch, times: Sequence[int]) -> None:
        """Tells the times of the accepted lines of a turn, s UTC."""
        self._paces[batch_taken.source.key].saw(len(batch_taken.batch.lines), times)

    def _choose(self) -> str:
        others = [key for key in self._paces if key in self.waiting and key != self._current]
        earliest = min(map(self._head, others))
        if self._current in self.waiting and not self._paces[self._current].passed(earliest):
            return self._current
        # Within the slack the order of the sources counts: small disorder does not turn two pieces round.
        return next(key for key in others if self._head(key) <= earliest + SLACK)

    def _head(self, key: str) -> float:
        """Time of the next lines; of lines without one, long ago: they are only counted."""
        if key not in self._heads:
            batch_taken = self.waiting[key]
            times = self._clock(batch_taken.batch.lines[:SEEN], batch_taken.source.audit)
            self._heads[key] = median(times) if times else 0.0
        return self._heads[key]
