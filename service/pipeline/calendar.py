"""Which local day of the site each event belongs to: the stream's own calendar.

A day begins when the newest event passes local midnight, for all accounts at once; late events belong to
the day in progress. One stray line does not begin days: no event is believed to be more than a day after
the one before it. Cuts between calls do not matter.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from service.records.events import AccessEvent


class CalendarState(msgspec.Struct, frozen=True):
    """Where the calendar is."""

    day: int = 0  # local day in progress, days since 1970; 0 before the second event
    last: int = 0  # local day of the newest event in the stream
    offset: int = 0  # the site's offset from UTC when the day began, s


class DaySpan(NamedTuple):
    """Events ``start`` to ``stop`` of a batch, all of one day."""

    day: int
    offset: int
    start: int
    stop: int


class SiteCalendar:
    """The calendar; events are given in the order of the log."""

    def __init__(self, state: CalendarState = CalendarState()) -> None:  # noqa: B008 - frozen
        self.state = state

    def cut(self, events: Sequence[AccessEvent]) -> list[DaySpan]:
        """The batch in stretches of one day each, in order."""
        if not events:
            return []
        local = np.array([e.time + e.offset for e in events], np.int64) // 86400
        before = np.concatenate(([self.state.last], local[:-1]))
        believed = np.minimum(local, np.where(before > 0, before + 1, 0))
        newest = np.maximum.accumulate(np.maximum(believed, self.state.day))
        day, offset = self.state.day, self.state.offset
        stretches = []
        start = 0
        while start < len(events):
            if int(newest[start]) > day:
                day, offset = int(newest[start]), events[start].offset
            stop = int(np.searchsorted(newest, day, side="right"))
            stretches.append(DaySpan(day, offset, start, stop))
            start = stop
        self.state = CalendarState(day, int(local[-1]), offset)
        return stretches
