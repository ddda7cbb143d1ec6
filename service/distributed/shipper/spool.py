"""Standard input, kept in files until Kafka has it.

What was read from a pipe cannot be read again, so it is written to a file before anything else; the file is
followed like any log, with positions and rotation. It lies in the site's folder and is readable by its owner
only: its lines name people.
"""

import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from service.base.retry import Pauses, each_new, retrying

SEGMENT = 1 << 20  # bytes after which a new file is begun; an old one is deleted once it is acknowledged
CHUNK = 1 << 16  # bytes read at once: what a pipe holds
RETRY = 2.0  # s between attempts to write to a full disk

_log = logging.getLogger("journalguard.ship")


class Spool:
    """Copies a descriptor to ``folder``/stdin.log until its end, in a thread of its own."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.path = folder / "stdin.log"
        self._source = descriptor
        self._file = self._opened()
        old = list(folder.glob(f"{self.path.name}.*"))
        self._number = max((int(path.suffix[1:]) for path in old), default=0)  # of the newest full file
        self._written = max((path.stat().st_mtime_ns for path in old), default=0)  # when it was, ns
        self._ended = Event()
        self._closed = Event()
        self._end_line()
        Thread(target=self._copy, name="stdin", daemon=True).start()

    @property
    def finished(self) -> bool:
        """Whether the input has ended and all of it is in the file."""
        return self._ended.is_set()

    def close(self) -> None:
        """Takes nothing more. A read that waits is left waiting: it ends with the process."""
        self._closed.set()

    def _opened(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(self.path, flags, 0o600)

    def _copy(self) -> None:
        while not self._closed.is_set() and (chunk := os.read(self._source, CHUNK)):
            self._write(chunk)
            if chunk.endswith(b"\n") and os.fstat(self._file).st_size >= SEGMENT:
                self._rotate()
        self._end_line()
        self._ended.set()

    def _write(self, data: bytes) -> None:
        """Writes all of it, however long that takes; meanwhile the writer of the pipe waits.

        Gives up at a full disk only, once closed: what was read can be had nowhere else.
        """
        rest = data

        def write() -> None:
            nonlocal rest
            while rest:
                rest = rest[os.write(self._file, rest) :]

        with suppress(OSError):  # once closed
            retrying(OSError, Pauses(RETRY, RETRY), each_new(self._tell_waiting), self._closed)(write)

    def _tell_waiting(self, error: BaseException, _: float) -> None:
        trouble = error.strerror if isinstance(error, OSError) else error
        _log.warning("spool-waits %s: %s; tried again until it works", self.path, trouble)

    def _end_line(self) -> None:
        """A line that a crash or the end of the input left without its newline gets one."""
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            self._write(b"\n")

    def _rotate(self) -> None:
        """Files are read in the order of their times; the kernel's are coarse, so no two may be alike."""
        self._written = max(self._written + 1, os.fstat(self._file).st_mtime_ns)
        self._number = max(self._number + 1, time.time_ns() // 1_000_000)
        os.utime(self._file, ns=(self._written, self._written))
        os.close(self._file)
        self.path.rename(self.path.with_name(f"{self.path.name}.{self._number}"))
        self._file = self._opened()
