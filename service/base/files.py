"""Files that are complete or not there, whenever the process or the machine stops.

A file is written beside its place, under a hidden name, flushed, and renamed over what was there. What a
killed writer left behind (it may hold a secret) is removed by the next one that writes the same file.
"""

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
_SUFFIX = ".part"


@contextmanager
def whole_file(path: Path, mode: int = PRIVATE, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Give a file to write, which takes the place of ``path`` once the block ends without an error.

    Args:
        path: where the file is to be; its folder is there already.
        mode: permissions from birth on, less the process's umask.
        durable: flush the file and its folder, so that a power cut finds the old file or the new one. Without
            it that holds for the end of the process only.

    Raises:
        OSError: it cannot be written; ``path`` is what it was.
    """
    path = path.absolute()
    part, descriptor = _open_part(path, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
            part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _remove_left_behind(path)
    if durable:
        sync_folder(path.parent)


def write_atomically(
    path: Path, data: bytes | Iterable[bytes], mode: int = PRIVATE, *, durable: bool = True
) -> None:
    """Write a file, or put it in place of the one that is there, as ``whole_file`` does."""
    with whole_file(path, mode, durable=durable) as file:
        file.writelines((data,) if isinstance(data, bytes) else data)


def write_new(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Write a file that must not be there yet, such as a key.

    Raises:
        FileExistsError: there is one; it is left as it is.
        OSError: it cannot be written; nothing was left behind.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    sync_folder(path.absolute().parent)


def sync_folder(folder: Path) -> None:
    """Put on the disk which files a folder has."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_part(path: Path, mode: int) -> tuple[Path, int]:
    """Open a hidden file beside ``path``, locked while its writer lives, unlike one that was left behind."""
    while True:
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_SUFFIX}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with suppress(OSError):  # a share without locks: what is left behind there stays
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return part, descriptor
        os.close(descriptor)  # another writer took it for abandoned before it was locked


def _remove_left_behind(path: Path) -> None:
    for part in path.parent.iterdir():
        if part.name.startswith(f".{path.name}.") and part.name.endswith(_SUFFIX):
            _remove_if_abandoned(part)


def _remove_if_abandoned(part: Path) -> None:
    """Only what nobody locks: another writer may be at work."""
    with suppress(OSError), part.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink()
