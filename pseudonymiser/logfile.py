"""One open log file: its lines from a position on, and whether it still is the file that it was."""

import os
from pathlib import Path
from typing import NamedTuple

from pseudonymiser.lines import LineCutter
from pseudonymiser.rotation import HEAD, Position, fingerprint, identity

CHUNK = 1 << 18  # bytes read at once


class Batch(NamedTuple):
    """Some lines of one source, in order."""

    source: str  # base name of the file before any rotation
    first_line: int  # number of the first line in its file, from 1
    lines: list[bytes]
    position: bytes  # of the source once these lines are absorbed


class TruncatedError(Exception):
    """The file was cut and is being written anew; never leaves the follower."""


class LogFile:
    """One open file and how far it was read."""

    def __init__(self, path: str, name: str) -> None:
        self.name = name
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.identity = identity(os.fstat(self._descriptor))
        self._cutter = LineCutter()
        self._start = 0  # bytes before the first that the cutter was given
        self._end = 0  # bytes read
        self._line = 0  # lines given
        self._opening = os.pread(self._descriptor, HEAD, 0)  # what the file is known by

    def close(self) -> None:
        """Gives back the descriptor."""
        os.close(self._descriptor)

    def resume(self, position: Position) -> bool:
        """Goes to ``position``; false where that is of another file."""
        same = fingerprint(self._opening[: position.head]) == position.fingerprint
        if not same or os.fstat(self._descriptor).st_size < position.offset:
            return False
        self._start = self._end = position.offset
        self._line = position.line
        return True

    def read(self, limit: int) -> Batch | None:
        """At most ``limit`` lines; raises ``TruncatedError``."""
        if not self._cutter.ready:
            chunk = os.pread(self._descriptor, CHUNK, self._end)
            # Looked at after reading: what was read before a truncation is found again in the copy.
            shorter = not chunk and os.fstat(self._descriptor).st_size < self._end
            if shorter or os.pread(self._descriptor, len(self._opening), 0) != self._opening:
                raise TruncatedError
            if len(self._opening) < HEAD:
                self._opening = (self._opening[: self._end] + chunk)[:HEAD]
            self._end += len(chunk)
            self._cutter.push(chunk)
        return self._batch(self._cutter.take(limit))

    def rest(self) -> Batch | None:
        """The last line, if it never got its newline."""
        return self._batch(self._cutter.rest())

    def more(self) -> bool:
        """Whether something is left to read."""
        return self._cutter.ready or os.fstat(self._descriptor).st_size > self._end

    def written_at(self) -> int:
        """Time of the last write, ns."""
        return os.fstat(self._descriptor).st_mtime_ns

    def position(self) -> Position:
        """Behind the last line that was given."""
        offset = self._start + self._cutter.taken
        head = self._opening
        # A file that is still empty has no fingerprint to find its lines by.
        written = 0 if head else self.written_at()
        return Position(*self.identity, offset, self._line, len(head), fingerprint(head), self.name, written)

    def _batch(self, lines: list[bytes]) -> Batch | None:
        if not lines:
            return None
        first = self._line + 1
        self._line += len(lines)
        return Batch(Path(self.name).name, first, lines, self.position().encode())
