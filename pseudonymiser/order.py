"""Whether a time fits the log so far.

A log is in order but for a little: a time far before the newest one is a stray line; a time far ahead may be
one too, until so many in a row agree that the log itself has moved on.
"""

from typing import Final

import msgspec

LATE: Final = 2 * 86_400  # s; older than the newest time by more: too late
AHEAD: Final = 45 * 86_400  # s; newer by more: ahead, until an era is agreed on
AGREE: Final = 20  # lines in a row
WITHIN: Final = 86_400  # s; that far apart they still agree


class Order(msgspec.Struct):
    """The newest accepted time, and the run of times ahead of it."""

    newest: int = 0  # s UTC; 0: none yet
    ahead_since: int = 0  # first time of the present run
    ahead: int = 0  # lines in the present run

    def refuse(self, time: int) -> str:
        """A reason to reject a line of ``time`` (s UTC); "" accepts it."""
        newest = self.newest
        if newest - LATE <= time <= newest + AHEAD or not newest:
            self.ahead = 0
            if time > newest:
                self.newest = time
            return ""
        if time < newest:
            self.ahead = 0
            return "time_too_late"
        return self._far_ahead(time)

    def _far_ahead(self, time: int) -> str:
        if not self.ahead or abs(time - self.ahead_since) > WITHIN:
            self.ahead_since, self.ahead = time, 0
        self.ahead += 1
        if self.ahead < AGREE:
            return "time_ahead"
        self.newest, self.ahead = time, 0
        return ""
