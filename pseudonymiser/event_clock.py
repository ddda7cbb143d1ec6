"""When a line happened, by the lines before it: their newest time, and the newest of its own source.

This alone of ingest is kept over a restart.
"""

import msgspec

from pseudonymiser.errors import IngestStateError
from pseudonymiser.lateness import LatenessFilter
from pseudonymiser.timestamps import Instant, Zone

_JITTER = 1800  # s; further back than that in a repeated hour, a line belongs to the second hour
_JITTER_AFTER = 60  # s; the same once the second hour has begun
_MOST_SOURCES = 64  # whose last times are remembered


class _State(msgspec.Struct, frozen=True):
    version: int
    order: LatenessFilter
    last: dict[str, int]  # source -> its newest time, s UTC


class EventClock:
    """The course of a site's lines, of all its sources."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._lateness = LatenessFilter()
        self._last: dict[str, int] = {}

    @property
    def newest(self) -> int:
        """The newest accepted time, s UTC; 0 at the start."""
        return self._lateness.newest

    def accept(self, instant: Instant, source: str) -> tuple[int, int] | str:
        """A line's time, s UTC, and the site's offset then, s; or the reason why the line is not accepted."""
        time, offset = instant.time, instant.offset
        if instant.again != time:
            time, offset = self._in_order(instant, source)
        if refusal := self._lateness.rejection(time):
            return refusal
        if time > self._last.get(source, 0):
            self._remember(source, time)
        return time, offset

    def state(self) -> bytes:
        """What a checkpoint must keep, as JSON."""
        return msgspec.json.encode(_State(1, self._lateness, self._last))

    def restore(self, state: bytes) -> None:
        """Go on from ``state``; StateError if it is not one."""
        try:
            restored = msgspec.json.decode(state, type=_State)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise IngestStateError(
                f"ingest state cannot be read ({error}); start from an older checkpoint"
            ) from None
        if restored.version != 1:
            raise IngestStateError(
                f"ingest state of version {restored.version} is not known; use a newer journalguard"
            )
        self._lateness, self._last = restored.order, restored.last

    def _in_order(self, instant: Instant, source: str) -> tuple[int, int]:
        """Of the two readings in a repeated hour the one that goes on from the source's last line."""
        last = self._last.get(source, 0)
        if instant.time >= last:
            return instant.time, instant.offset
        second = self._zone.offset(instant.again)
        slack = _JITTER_AFTER if self._zone.offset(last) == second else _JITTER
        return (instant.time, instant.offset) if instant.time >= last - slack else (instant.again, second)

    def _remember(self, source: str, time: int) -> None:
        if source not in self._last and len(self._last) >= _MOST_SOURCES:
            del self._last[min(self._last, key=lambda name: (self._last[name], name))]
        self._last[source] = time
