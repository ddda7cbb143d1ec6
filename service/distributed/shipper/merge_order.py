"""In which order the lines of several sources were read since the last checkpoint.

An event's number follows from that order, and the order from what each log held at the moment. After a crash
the same turns are taken again, so that each event gets the number it had; readers know repeats by it. The
file is begun anew at every checkpoint and names the checkpoint it goes on from.
"""

import logging
import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec

from service.runtime.merge import Clock, LineSource, Merge, SourceBatch

PATIENCE = 300  # looks, 0.1 s apart, for lines that were there before, until it is gone on without them

_log = logging.getLogger("journalguard.ship")


class MergeOrderFile:
    """Records (source, lines), one a line as JSON, after a first line with the checkpoint's serial number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._unsynced = False

    def begin(self, serial: int) -> list[tuple[str, int]]:
        """What was recorded after checkpoint ``serial``; from now on more is added to it."""
        data = self._path.read_bytes() if self._path.exists() else b""
        turns, end = _decoded(data, serial)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._descriptor, end)
        os.lseek(self._descriptor, end, os.SEEK_SET)
        if not end:
            self._write(serial)
        return turns

    def add(self, key: str, lines: int) -> None:
        """One more turn."""
        self._write((key, lines))

    def sync(self) -> None:
        """Returns when the disk has every turn; to be called before what they hold leaves the process."""
        if self._unsynced:
            os.fdatasync(self._descriptor)
            self._unsynced = False

    def renew(self, serial: int) -> None:
        """Checkpoint ``serial`` is written: forgets the turns before it."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._write(serial)

    def close(self) -> None:
        """Gives back the descriptor."""
        os.close(self._descriptor)

    def _write(self, record: object) -> None:
        os.write(self._descriptor, msgspec.json.encode(record) + b"\n")
        self._unsynced = True


class RecordedMerge(Merge):
    """A ``Merge`` that takes recorded turns first and records its own."""

    def __init__(self, clock: Clock, file: MergeOrderFile, turns: Sequence[tuple[str, int]]) -> None:
        super().__init__(clock)
        self._file = file
        self._again = deque(turns)
        self._known: dict[str, LineSource] = {}
        self._looks = 0

    @property
    def several(self) -> bool:
        """Whether there is an order that could be another one."""
        return len(self._known) > 1

    @property
    def repeating(self) -> bool:
        """Whether recorded turns are left. A checkpoint now would forget them."""
        return bool(self._again)

    def next(self, sources: Sequence[LineSource]) -> SourceBatch | None:
        """The next lines of one of ``sources``; ``None`` while none has any."""
        self._known.update((source.key, source) for source in sources)
        while self._again:
            if (batch_taken := self._repeated()) is not None:
                return batch_taken
            if self._looks < PATIENCE:
                return None
            _log.warning("order-lost lines that were sent before cannot be read again; going on without them")
            self._again.clear()
        batch_taken = super().next(sources)
        if batch_taken is not None:
            self._file.add(batch_taken.source.key, len(batch_taken.batch.lines))
        return batch_taken

    def _repeated(self) -> SourceBatch | None:
        """Lines of the oldest recorded turn; ``None`` while its source has none to give."""
        key, lines = self._again.popleft()
        source = self._known.get(key)
        batch = source.read(lines) if source else None
        if source is None or batch is None:
            self._looks += 1
            self._again.appendleft((key, lines))
            return None
        self._looks = 0
        if len(batch.lines) < lines:
            self._again.appendleft((key, lines - len(batch.lines)))
        return SourceBatch(source, batch)

    def fed(self, batch_taken: SourceBatch, times: Sequence[int]) -> None:
        """Tells the times of the accepted lines of a turn, s UTC."""
        if batch_taken.source.key in self._paces:  # not before its first turn that is no repeat
            super().fed(batch_taken, times)


def _decoded(data: bytes, serial: int) -> tuple[list[tuple[str, int]], int]:
    """Turns after checkpoint ``serial``, and where they end; what a crash left half does not count."""
    end = data.rfind(b"\n") + 1
    first, *rest = data[:end].splitlines() or [b""]
    try:
        if msgspec.json.decode(first, type=int) != serial:
            return [], 0
        return [msgspec.json.decode(line, type=tuple[str, int]) for line in rest], end
    except msgspec.DecodeError:
        return [], 0
