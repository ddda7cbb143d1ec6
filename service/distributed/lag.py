"""How many bytes of a growing, rotating log lie behind a saved position."""

import os
from collections.abc import Iterator
from pathlib import Path

from pseudonymiser.rotation import (
    Pattern,
    Position,
    decode_position,
    identity,
    is_rotated,
    neighbours,
    status_of,
)


def unread_bytes(where: str, position: bytes | None) -> int:
    """Bytes of the source ``where`` (a path, or a name with strftime codes) behind ``position``.

    What ``pseudonymiser.tail`` will read, from sizes alone. Raises ``OSError``.
    """
    saved = decode_position(position) if position else None
    files = _named(where, saved) if "%" in where else _rotated(where, saved)
    there = sum(status.st_size for status in files)
    return max(0, there - (saved.offset if saved else 0))


def _named(where: str, saved: Position | None) -> Iterator[os.stat_result]:
    """The files of a pattern from the saved one on."""
    pattern = Pattern(where)
    oldest = (pattern.key(saved.name) if saved else None) or ()
    for key, path in pattern.files():
        status = status_of(path)
        if key >= oldest and status is not None:
            yield status


def _rotated(where: str, saved: Position | None) -> Iterator[os.stat_result]:
    """The file at the path, the saved one, and what was rotated away after it."""
    base = Path(where).name
    for path, status in neighbours(where):
        name = Path(path).name
        was_read = saved is not None and identity(status) == (saved.device, saved.inode)
        came_later = saved is not None and is_rotated(name, base) and status.st_mtime_ns > saved.written
        if name == base or was_read or came_later:
            yield status
