"""Follows growing, rotating logs from a saved position.

Read to its end before its successor: a renamed file, the copy that copytruncate left, a day's file when the
next day's has lines. A file not there yet is waited for. Nothing is repeated and nothing left out as long as
the old file is still in its folder, uncompressed, under any name.
"""

import glob
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pseudonymiser.logfile import Batch, LogFile, TruncatedError
from pseudonymiser.rotation import (
    COMPRESSED,
    SURE,
    Identity,
    Pattern,
    PatternError,
    Position,
    decode_position,
    head_of,
    identity,
    is_rotated,
    names_and_files,
    neighbours,
    status_of,
)

Listing = Sequence[tuple[str, os.stat_result]]
Chooser = Callable[[Position, Listing], Iterator[tuple[str, Identity]]]

MOST_FILES = 200  # of one wildcard; each is held open

_NONE: Identity = (-1, -1)  # of no file, also not of one that is missing

_log = logging.getLogger("journalguard.tail")


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
        self._file: LogFile | None = None

    def begin(self) -> bytes | None:
        """The position before the next ``read``, to be saved before anything is read.

        Without a file yet, a position that tells what rotations leave from now on from what they left before;
        ``None`` for a pattern without files.
        """
        if (file := self._begun()) is not None:
            return file.position().encode()
        if self._saved is None and self._pattern is None:
            base = Path(self._where).name
            rotated = (
                status for path, status in neighbours(self._where) if is_rotated(Path(path).name, base)
            )
            newest = max((status.st_mtime_ns for status in rotated), default=0)
            self._saved = Position(0, 0, 0, 0, 0, "", self._where, newest)
        return self._saved.encode() if self._saved else None

    def read(self, limit: int) -> Batch | None:
        """At most ``limit`` further lines; ``None`` while there are none."""
        file = self._begun()
        if file is None:
            return None
        try:
            return self._read(file, limit)
        except TruncatedError:
            lost = file.position()
            self._move(self._copy(lost) or self._restart(lost))
            return self.read(limit)

    def close(self) -> None:
        """Gives back the open file."""
        self._move(None)

    def _begun(self) -> LogFile | None:
        if self._file is None:
            self._file = self._found(self._saved) if self._saved else self._opened(self._first())
            self._saved = None if self._file else self._saved
        return self._file

    def _read(self, file: LogFile, limit: int) -> Batch | None:
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
        if (new := self._opened(*successor)) is None:
            return None
        self._move(new)
        return self.read(limit)

    def _move(self, new: LogFile | None) -> None:
        if self._file is not None:
            self._file.close()
        self._file = new

    def _opened(self, path: str | None, expected: Identity | None = None) -> LogFile | None:
        """The file at a path; ``None`` where there is none, or not the ``expected`` one any more."""
        name = path if self._pattern else self._where
        if path is None or name is None or status_of(path) is None:
            return None
        with suppress(FileNotFoundError):
            file = LogFile(path, name)
            if expected in (None, file.identity):
                return file
            file.close()
        return None

    def _first(self) -> str | None:
        return next(self._names(self._oldest), None) if self._pattern else self._where

    def _names(self, oldest: tuple[int, ...]) -> Iterator[str]:
        """Files of the pattern from the name ``oldest`` on."""
        if self._pattern is not None:
            yield from (path for key, path in self._pattern.files() if key >= oldest)

    def _successor(self, file: LogFile) -> tuple[str, Identity] | None:
        """The next file, as soon as it holds something."""
        later = (
            self._later_names(file)
            if self._pattern
            else self._later_rotations(file.identity, file.written_at())
        )
        for path, status in later:
            if status.st_size:
                return path, identity(status)
        return None

    def _later_names(self, file: LogFile) -> Iterator[tuple[str, os.stat_result]]:
        key = self._pattern.key(file.name) if self._pattern else None
        for path in self._names(key or ()):
            status = status_of(path)
            if status and (path != file.name or identity(status) != file.identity):
                yield path, status

    def _later_rotations(self, known: Identity, after: int) -> Iterator[tuple[str, os.stat_result]]:
        """Rotated files last written after a time (ns), oldest first, then the file at the path itself."""
        if identity(status_of(self._where)) == known:
            return
        found = dict(neighbours(self._where))
        base = Path(self._where).name
        rotated = [
            (status.st_mtime_ns, path)
            for path, status in found.items()
            if status.st_mtime_ns > after and identity(status) != known and is_rotated(Path(path).name, base)
        ]
        # A copy whose original has not been truncated yet is not a file of its own.
        original = head_of(self._where)
        for _, path in sorted(rotated):
            if not original or head_of(path, len(original)) != original:
                yield path, found[path]
        if self._where in found:
            yield self._where, found[self._where]

    def _found(self, saved: Position) -> LogFile | None:
        """The file of the saved position, wherever it is now; else what there is to begin with."""
        if saved.head == 0 and self._pattern is None:
            first = next(self._later_rotations(_NONE, saved.written), None)
            return self._opened(first[0], identity(first[1])) if first else None
        return self._search(saved, self._by_inode) or self._copy(saved) or self._restart(saved)

    def _copy(self, saved: Position) -> LogFile | None:
        """A file that begins as the saved one did and is not shorter: a copy, or the file after a restore."""
        return self._search(saved, self._by_head) if saved.head >= SURE else None

    def _search(self, saved: Position, choose: Chooser) -> LogFile | None:
        """The first fitting file of the folder; looks again while a rotation renames the files."""
        while True:
            listed = list(neighbours(saved.name))
            for path, expected in choose(saved, listed):
                with suppress(PermissionError, FileNotFoundError):
                    file = LogFile(path, saved.name)
                    if file.identity == expected and file.resume(saved):
                        return file
                    file.close()
            if names_and_files(listed) == names_and_files(neighbours(saved.name)):
                return None

    @staticmethod
    def _by_inode(saved: Position, listed: Listing) -> Iterator[tuple[str, Identity]]:
        for path, status in listed:
            if identity(status) == (saved.device, saved.inode):
                yield path, identity(status)

    @staticmethod
    def _by_head(saved: Position, listed: Listing) -> Iterator[tuple[str, Identity]]:
        """The file of the saved name first."""
        for path, status in sorted(listed, key=lambda found: found[0] != saved.name):
            yield path, identity(status)

    def _restart(self, saved: Position) -> LogFile | None:
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
