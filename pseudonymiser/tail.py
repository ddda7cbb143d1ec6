"""Follows growing, rotating logs from a saved position.

Read to its end before its successor: a renamed file, the copy that copytruncate left, a day's file when the
next day's has lines. A file not there yet is waited for. Nothing is repeated and nothing left out as long as
the old file is still in its folder, uncompressed, under any name.
"""

import glob
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from pseudonymiser.lines import LineCutter
from pseudonymiser.rotation import (
    COMPRESSED,
    HEAD,
    SURE,
    Pattern,
    PatternError,
    Position,
    decode_position,
    fingerprint,
    identity,
    is_rotated,
    neighbours,
    status_of,
)

CHUNK = 1 << 18  # bytes read at once
MOST_FILES = 200  # of one wildcard; each is held open

_log = logging.getLogger("journalguard.tail")


class Batch(NamedTuple):
    """Some lines of one source, in order."""

    source: str  # base name of the file before any rotation
    first_line: int  # number of the first line in its file, from 1
    lines: list[bytes]
    position: bytes  # of the source once these lines are absorbed


class _File:
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
        os.close(self._descriptor)

    def resumed(self, position: Position) -> Self | None:
        """This file from ``position`` on; ``None``, and closed, where it is another file."""
        same = fingerprint(self._opening[: position.head]) == position.fingerprint
        if not same or os.fstat(self._descriptor).st_size < position.offset:
            self.close()
            return None
        self._start = self._end = position.offset
        self._line = position.line
        return self

    def read(self, limit: int) -> Batch | None:
        """At most ``limit`` lines; raises ``_TruncatedError``."""
        if not self._cutter.ready:
            chunk = os.pread(self._descriptor, CHUNK, self._end)
            # Looked at after reading: what was read before a truncation is found again in the copy.
            shorter = not chunk and os.fstat(self._descriptor).st_size < self._end
            if shorter or os.pread(self._descriptor, len(self._opening), 0) != self._opening:
                raise _TruncatedError
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
        return Position(*self.identity, offset, self._line, len(head), fingerprint(head), self.name)

    def _batch(self, lines: list[bytes]) -> Batch | None:
        if not lines:
            return None
        first = self._line + 1
        self._line += len(lines)
        return Batch(Path(self.name).name, first, lines, self.position().encode())


class _TruncatedError(Exception):
    """The file was cut and is being written anew; never leaves this module."""


class Follower:
    """One source: the file at a path, or the files of a pattern one after the other.

    ``read`` raises ``OSError`` where a file may not be read; the next call tries again.
    """

    def __init__(self, where: str, *, audit: bool = False, position: bytes | None = None) -> None:
        self.audit = audit
        self.key = source_key(where, audit=audit)
        self._where = where
        self._pattern = Pattern(where) if "%" in where else None
        self._oldest: tuple[int, ...] = ()  # names of the pattern before this one are done with
        self._saved = decode_position(position) if position else None
        self._file: _File | None = None

    def begin(self) -> bytes | None:
        """The position before the next ``read``; ``None`` while there is no file."""
        file = self._begun()
        return file.position().encode() if file else None

    def read(self, limit: int) -> Batch | None:
        """At most ``limit`` further lines; ``None`` while there are none."""
        file = self._begun()
        if file is None:
            return None
        try:
            return self._read(file, limit)
        except _TruncatedError:
            lost = file.position()
            self._move(self._copy(lost) or self._restart(lost))
            return self.read(limit)

    def close(self) -> None:
        """Gives back the open file."""
        self._move(None)

    def _begun(self) -> _File | None:
        if self._file is None:
            self._file = self._found(self._saved) if self._saved else self._opened(self._first())
            self._saved = None
        return self._file

    def _read(self, file: _File, limit: int) -> Batch | None:
        while True:
            more = file.more()
            # The successor is looked for first: what the writer added before it changed files is then read.
            successor = None if more else self._successor(file)
            if (batch := file.read(limit)) is not None:
                return batch
            if not more and not file.more():
                break
        if successor is None:
            return None
        if (last := file.rest()) is not None:
            return last
        self._move(self._opened(successor))
        return self.read(limit)

    def _move(self, new: _File | None) -> None:
        if self._file is not None:
            self._file.close()
        self._file = new

    def _opened(self, path: str | None) -> _File | None:
        try:
            name = path if self._pattern else self._where
            return _File(path, name) if path and name and status_of(path) else None
        except FileNotFoundError:
            return None

    def _first(self) -> str | None:
        return next(self._names(self._oldest), None) if self._pattern else self._where

    def _names(self, oldest: tuple[int, ...]) -> Iterator[str]:
        """Files of the pattern from the name ``oldest`` on."""
        if self._pattern is not None:
            yield from (path for key, path in self._pattern.files() if key >= oldest)

    def _successor(self, file: _File) -> str | None:
        """The next file, as soon as it holds something."""
        later = self._later_names(file) if self._pattern else self._later_rotations(file)
        return next((path for path in later if (status := status_of(path)) and status.st_size), None)

    def _later_names(self, file: _File) -> Iterator[str]:
        key = self._pattern.key(file.name) if self._pattern else None
        for path in self._names(key or ()):
            if path != file.name or identity(status_of(path)) != file.identity:
                yield path

    def _later_rotations(self, file: _File) -> Iterator[str]:
        """Rotated files written after ``file``, oldest first, then the file at the path itself."""
        current = identity(status_of(self._where))
        if current in ((0, 0), file.identity):
            return
        base, after = Path(self._where).name, file.written_at()
        rotated = [
            (status.st_mtime_ns, path)
            for path, status in neighbours(self._where)
            if status.st_mtime_ns > after
            and identity(status) not in (file.identity, current)
            and is_rotated(Path(path).name, base)
        ]
        yield from (path for _, path in sorted(rotated))
        yield self._where

    def _found(self, saved: Position) -> _File | None:
        """The file of the saved position, wherever it is now; else what there is to begin with."""
        for path, status in neighbours(saved.name):
            if identity(status) == (saved.device, saved.inode):
                file = _File(path, saved.name).resumed(saved)
                if file is not None:
                    return file
        return self._copy(saved) or self._restart(saved)

    def _copy(self, saved: Position) -> _File | None:
        """A file that begins as the saved one did and is not shorter: a copy, or the file after a restore."""
        if saved.head < SURE:
            return None
        own_name_first = sorted(neighbours(saved.name), key=lambda found: found[0] != saved.name)
        for path, _ in own_name_first:
            with suppress(PermissionError, FileNotFoundError):
                if (file := _File(path, saved.name).resumed(saved)) is not None:
                    return file
        return None

    def _restart(self, saved: Position) -> _File | None:
        """Begins again where the file that was being read is gone, or cut without a copy."""
        if saved.offset:
            _log.warning(
                "file-gone name=%s offset=%d: what was written there later cannot be found; "
                "was it compressed, deleted or cut before it was read?",
                Path(saved.name).name,
                saved.offset,
            )
        if self._pattern is not None:
            self._oldest = self._pattern.key(saved.name) or ()
        return self._opened(self._first())


class Tail:
    """All sources of a site: paths, strftime patterns, and wildcards whose files are one source each."""

    def __init__(
        self, logs: Sequence[str], audit_logs: Sequence[str], positions: Mapping[str, bytes]
    ) -> None:
        self._wanted = [(where, False) for where in logs] + [(where, True) for where in audit_logs]
        for where, _ in self._wanted:
            check_name(where)
        self._positions = positions
        self._followers: dict[str, Follower] = {}

    def sources(self) -> list[Follower]:
        """Every source, also those that came since the last call. Raises ``PatternError`` on too many."""
        for where, audit in self._wanted:
            for path in _expand(where):
                key = source_key(path, audit=audit)
                if key not in self._followers:
                    position = self._positions.get(key)
                    self._followers[key] = Follower(path, audit=audit, position=position)
        return list(self._followers.values())

    def close(self) -> None:
        """Gives back the open files."""
        for follower in self._followers.values():
            follower.close()


def source_key(where: str, *, audit: bool) -> str:
    """Name of a source in the checkpoint."""
    return f"{'audit' if audit else 'log'}:{where}"


def check_name(where: str) -> None:
    """Raises ``PatternError`` where a path or pattern cannot be followed."""
    if "%" in where:
        if glob.has_magic(where):
            raise PatternError(f"{where}: use either %Y%m%d or *, not both")
        Pattern(where)
    if where.endswith(COMPRESSED):
        raise PatternError(f"{where}: a compressed file does not grow; read it with `journalguard replay`")


def _expand(where: str) -> list[str]:
    """The files of a wildcard, without compressed and rotated ones; anything else is itself."""
    if "%" in where or not glob.has_magic(where):
        return [where]
    found = sorted(p for p in glob.glob(where) if Path(p).is_file() and not p.endswith(COMPRESSED))  # noqa: PTH207 - absolute
    names = {Path(path).name for path in found}
    kept = [p for p in found if not any(is_rotated(Path(p).name, base) for base in names)]
    if len(kept) > MOST_FILES:
        raise PatternError(
            f"{where}: fits {len(kept)} files, at most {MOST_FILES} can be followed; "
            "for one file a day write its name with %Y%m%d"
        )
    return kept
