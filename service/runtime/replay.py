"""Old logs through the same pipeline, into a state of its own; the live state is not touched."""

import gzip
import os
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from pseudonymiser.auditlog import is_header
from pseudonymiser.lines import LineCutter
from pseudonymiser.logfile import Batch
from service.base.errors import LogFileError
from service.records.events import Alert
from service.runtime.merge import SLACK, Clock, LineSource, Merge
from service.runtime.runner import Runner

CHUNK = 1 << 18  # bytes read at once
LOOK = 200  # lines read at once when looking for a file's first time
DRAIN = 50_000  # lines after which what changed is let go
_GZIP_MAGIC = b"\x1f\x8b"


class ReplayFile:
    """One log, plain or gzip, read from its beginning to its end."""

    def __init__(self, path: Path) -> None:
        self.key = str(path)
        self.audit = False
        self.done = False
        self.size = 0
        self.lines = 0
        self._path = path
        self._raw: BinaryIO | None = None
        self._stream: BinaryIO | gzip.GzipFile | None = None
        self._cutter = LineCutter()

    def read(self, limit: int) -> Batch | None:
        """At most ``limit`` further lines; ``None`` at the end. Raises ``LogFileError``."""
        while not self.done and not self._cutter.ready:
            chunk = self._chunk()
            self._cutter.push(chunk)
            if not chunk:
                self.done = True
                return self._batch(self._cutter.rest())
        return self._batch(self._cutter.take(limit)) if self._cutter.ready else None

    @property
    def bytes_read(self) -> int:
        """Of the file on disk."""
        return self._raw.tell() if self._raw and not self._raw.closed else self.size if self.done else 0

    def close(self) -> None:
        """Gives back the open file."""
        for stream in (self._stream, self._raw):
            if stream is not None:
                stream.close()

    def _chunk(self) -> bytes:
        try:
            stream = self._stream or self._open()
            return stream.read(CHUNK)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise LogFileError(
                f"{self.key}: the gzip data are damaged or cut after {self.lines} lines ({error}); "
                "copy the file again, or save what `zcat` still reads and replay that"
            ) from None
        except OSError as error:
            raise LogFileError(f"{self.key}: cannot be read ({error.strerror or error})") from None

    def _open(self) -> BinaryIO | gzip.GzipFile:
        self._raw = self._path.open("rb")
        self.size = os.fstat(self._raw.fileno()).st_size
        packed = self._raw.read(2) == _GZIP_MAGIC
        self._raw.seek(0)
        self._stream = gzip.GzipFile(fileobj=self._raw) if packed else self._raw
        return self._stream

    def _batch(self, lines: list[bytes]) -> Batch | None:
        first = self.lines + 1
        self.lines += len(lines)
        if first == 1 and lines:
            self.audit = is_header(lines[0].removeprefix(BOM_UTF8).decode(errors="replace"))
        return Batch(self._path.name, first, lines, b"") if lines else None


class ReplaySummary(msgspec.Struct, frozen=True):
    """How far a replay is."""

    lines: int
    bytes: int
    size: int


class Planned(msgspec.Struct, frozen=True):
    """The logs in the order in which their first lines are due."""

    paths: tuple[Path, ...]
    moved: bool  # not the order that was given
    size: int  # bytes on disk


def plan(paths: Sequence[Path], clock: Clock) -> Planned:
    """Puts logs in order. Times within the slack leave the given order alone. Raises ``LogFileError``."""
    ordered: list[tuple[float, Path]] = []
    seen: dict[tuple[int, int], Path] = {}
    size = 0
    for path in paths:
        status = path.stat()
        if (twin := seen.setdefault((status.st_dev, status.st_ino), path)) is not path:
            raise LogFileError(f"{path}: is the same file as {twin}; give it once")
        first = _first_time(path, clock)
        size += status.st_size
        place = len(ordered)
        while first is not None and place and ordered[place - 1][0] > first + SLACK:
            place -= 1
        ordered.insert(place, (first if first is not None else float("-inf"), path))
    planned = tuple(path for _, path in ordered)
    return Planned(planned, planned != tuple(paths), size)


def replay(
    planned: Planned, runner: Runner, clock: Clock, progress: Callable[[ReplaySummary], None]
) -> list[Alert]:
    """Reads everything; returns the alerts in their last form, by opening time and id.

    Raises ``LogFileError`` on a file that cannot be read to its end.
    """
    merge = Merge(clock)
    alerts: dict[str, Alert] = {}
    files = _Files(planned.paths)
    lines = drained = 0
    while (batch_taken := merge.next(files.active())) is not None:
        batch = batch_taken.batch._replace(source=files.took(batch_taken.source))
        merge.fed(batch_taken, runner.feed(batch, audit=batch_taken.source.audit))
        lines += len(batch_taken.batch.lines)
        if lines - drained >= DRAIN:
            drained = lines
            alerts.update((alert.alert_id, alert) for alert in runner.drain().alerts)
        progress(ReplaySummary(lines, files.bytes_read(), planned.size))
    alerts.update((alert.alert_id, alert) for alert in runner.drain().alerts)
    return sorted(alerts.values(), key=lambda alert: (alert.opened_at, alert.alert_id))


class _Files:
    """Opens a file when the one before it has had its first turn; closes it at its end."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._later = [ReplayFile(path) for path in reversed(paths)]
        self._open: list[ReplayFile] = []
        self._fresh: ReplayFile | None = None  # open, but without a turn yet
        self._names: dict[str, str] = {}  # file -> log that it is a piece of
        self._newest: dict[bool, str] = {}  # audit or not -> name of the log last begun
        self._finished = 0  # bytes

    def active(self) -> list[ReplayFile]:
        """Those to read from now."""
        for file in [file for file in self._open if file.done]:
            self._finished += file.size
            file.close()
            self._open.remove(file)
        while self._later and (self._fresh is None or self._fresh.done):
            self._fresh = self._later.pop()
            self._open.append(self._fresh)
        return self._open

    def took(self, source: LineSource) -> str:
        """Notes whose turn it is; gives the log's name. A file that begins where another ended keeps that."""
        if source is self._fresh:
            self._fresh = None
            alone = all(file is source or file.done or file.audit != source.audit for file in self._open)
            inherited = self._newest.get(source.audit) if alone else None
            self._newest[source.audit] = self._names[source.key] = inherited or source.key
        return self._names[source.key]

    def bytes_read(self) -> int:
        return self._finished + sum(file.bytes_read for file in self._open)


def _first_time(path: Path, clock: Clock) -> int | None:
    """Time of the first line that fits; ``None`` where none does."""
    file = ReplayFile(path)
    try:
        while (batch := file.read(LOOK)) is not None:
            if times := clock(batch.lines, file.audit):
                return times[0]
    finally:
        file.close()
    return None
