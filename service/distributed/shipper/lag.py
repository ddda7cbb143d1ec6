"""How many bytes of a growing, rotating log lie behind a saved position.

The files that ``pseudonymiser.tail`` will read, found by its rules from names, sizes and first bytes alone.
"""

import os
from collections.abc import Mapping

from pseudonymiser.rotation import (
    SURE,
    Pattern,
    Position,
    decode_position,
    fingerprint,
    head_of,
    identity,
    is_rotated,
    neighbours,
    status_of,
)

Listed = Mapping[str, os.stat_result]


def unread_bytes(where: str, position: bytes | None) -> int:
    """Bytes of the source ``where`` (a path, or a name with strftime codes) behind ``position``.

    Without a position, all that is to be read at a first start. Raises ``OSError``.
    """
    saved = decode_position(position) if position else None
    return _of_pattern(where, saved) if "%" in where else _of_path(where, saved)


def _of_pattern(where: str, saved: Position | None) -> int:
    """The files of a pattern from the saved one on."""
    pattern = Pattern(where)
    oldest = (pattern.key(saved.name) if saved else None) or ()
    unread = 0
    for key, path in pattern.files():
        status = status_of(path)
        if key >= oldest and status is not None:
            began = saved is not None and (path == saved.name or identity(status) == _identity(saved))
            unread += max(0, status.st_size - (saved.offset if saved and began else 0))
    return unread


def _of_path(where: str, saved: Position | None) -> int:
    """The file that is being read, what was rotated away after it, and the file at the path."""
    listed = dict(neighbours(where))
    current = listed[where].st_size if where in listed else 0
    if saved is None:
        return current
    if not saved.head:  # there was no line yet
        return current + _rotated(where, listed, saved.written)
    being_read = _being_read(listed, saved)
    if being_read is None:  # gone; the file at the path is begun
        return current
    left = listed[being_read].st_size - saved.offset
    if being_read == where:
        return left
    return left + current + _rotated(where, listed, listed[being_read].st_mtime_ns)


def _rotated(where: str, listed: Listed, after: int) -> int:
    """Bytes of rotated files last written after a time, ns."""
    base = os.path.basename(where)  # noqa: PTH119 - a path as text
    return sum(
        status.st_size
        for path, status in listed.items()
        if status.st_mtime_ns > after and is_rotated(os.path.basename(path), base)  # noqa: PTH119
    )


def _being_read(listed: Listed, saved: Position) -> str | None:
    """The saved file under its name of now, else a copy of it."""
    same = [path for path, status in listed.items() if identity(status) == _identity(saved)]
    copies = sorted(listed, key=lambda path: path != saved.name) if saved.head >= SURE else []
    for path in (*same, *copies):
        long_enough = listed[path].st_size >= saved.offset
        if long_enough and fingerprint(head_of(path, saved.head)) == saved.fingerprint:
            return path
    return None


def _identity(saved: Position) -> tuple[int, int]:
    return saved.device, saved.inode
