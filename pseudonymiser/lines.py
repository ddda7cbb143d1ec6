"""A stream of bytes cut into lines, in bounded memory.

A line that is still without its newline is held back. One longer than ``LONGEST`` is given once, cut to that
length, when its newline comes: long enough for ingest to see that it is too long, and to count it.
"""

LONGEST = 2 << 20  # bytes of a line that are kept


class LineCutter:
    """Takes chunks, gives lines without their line ends (``\\n`` or ``\\r\\n``)."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._next = 0  # of _lines
        self._excess = 0  # bytes of the first of _lines that were not kept
        self._held = bytearray()
        self._pending = 0  # bytes of the unfinished last line, also those not kept
        self.taken = 0  # bytes of the lines that were taken, with their line ends

    @property
    def ready(self) -> bool:
        """Whether ``take`` has lines to give."""
        return self._next < len(self._lines)

    def push(self, chunk: bytes) -> None:
        """Adds bytes; only when no line is ready."""
        head, newline, rest = chunk.rpartition(b"\n")
        if newline:
            self._lines, self._next = head.split(b"\n"), 0
            self._finish_held(self._lines)
        self._hold(rest)

    def take(self, limit: int) -> list[bytes]:
        """At most ``limit`` of the ready lines, in order."""
        start, self._next = self._next, min(self._next + limit, len(self._lines))
        lines = self._lines[start : self._next]
        self.taken += sum(map(len, lines)) + len(lines)
        if lines and start == 0:
            self.taken += self._excess
            self._excess = 0
        return [line.removesuffix(b"\r") for line in lines]

    def rest(self) -> list[bytes]:
        """The unfinished last line, for the end of a file to which nothing will be added."""
        lines = [bytes(self._held).removesuffix(b"\r")] if self._pending else []
        self.taken += self._pending
        self._held.clear()
        self._pending = 0
        return lines

    def _hold(self, part: bytes) -> None:
        self._pending += len(part)
        self._held += part[: LONGEST - len(self._held)]

    def _finish_held(self, lines: list[bytes]) -> None:
        if not self._pending:
            return
        self._hold(lines[0])
        lines[0] = bytes(self._held)
        self._excess = self._pending - len(lines[0])
        self._held.clear()
        self._pending = 0
