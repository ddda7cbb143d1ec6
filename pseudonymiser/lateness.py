"""Whether a time fits the log so far.

A log is in order but for a little: a time far before the newest one is a stray line; a time far ahead may be
one too, until so many in a row agree that the log itself has moved on. A newest time that only few lines
stand behind, because it was itself a stray, gives way to as many lines in a row before it.
"""

from typing import Final

import msgspec

LATE: Final = 2 * 86_400  # s; older than the newest time by more: too late
AHEAD: Final = 45 * 86_400  # s; newer by more: ahead, until an era is agreed on
AGREE: Final = 20  # lines in a row
WITHIN: Final = 86_400  # s; that far apart they still agree


class LatenessFilter(msgspec.Struct):
    """The newest accepted time, what stands behind it, and the run of strays."""

    newest: int = 0  # s UTC; 0: none yet
    support: int = 0  # lines since the log last moved on by more than ``LATE``, at most ``AGREE``
    since: int = 0  # first time of the present run of strays
    strays: int = 0  # lines in the present run

    def rejection(self, time: int) -> str:
        """A reason to reject a line of ``time`` (s UTC); "" accepts it."""
        newest = self.newest
        if self.support >= AGREE and newest - LATE <= time <= newest + LATE:  # nearly every line
            self.strays = 0
            if time > newest:
                self.newest = time
            return ""
        if newest - LATE <= time <= newest + AHEAD or not newest:
            self._accept(time)
            return ""
        late = time < newest
        if late and self.support >= AGREE:
            self.strays = 0
            return "time_too_late"
        if not self._agreed(time):
            return "time_too_late" if late else "time_ahead"
        self.newest, self.support, self.strays = time, AGREE, 0
        return ""

    def _accept(self, time: int) -> None:
        self.strays = 0
        if time > self.newest + LATE:
            self.support = 0
        if self.support < AGREE:
            self.support += 1
        self.newest = max(self.newest, time)

    def _agreed(self, time: int) -> bool:
        if not self.strays or abs(time - self.since) > WITHIN:
            self.since, self.strays = time, 0
        self.strays += 1
        return self.strays >= AGREE
