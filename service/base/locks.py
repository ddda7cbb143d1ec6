"""Locks on files of a site: one command at a time is at work there, and whoever comes second is told which.

The kernel lets go of a lock however its holder ends. What the holder wrote into the file may outlive it, so a
process is named only where it is still the one that wrote there.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from service.base.errors import SiteError

SHIP_LOCK = "ship.lock"  # of the shipper, in the site's folder; the lock of `run` is the site's own
_LOOKS, _BETWEEN = 5, 0.02  # how often, and s apart: a new holder has the lock a moment before it is named


class Holder(msgspec.Struct, frozen=True):
    """Who holds a lock, as it is written into the file."""

    command: str  # as typed after `journalguard`
    pid: int
    began: str  # of the process, as the kernel counts it; empty where it does not tell


@contextmanager
def try_lock(path: Path, command: str) -> Iterator[bool]:
    """Hold the lock for ``command`` while the block runs, if it is free; give whether it was."""
    with path.open("a+", encoding="utf-8") as file:
        if not _lock(file):
            yield False
            return
        _write(file, msgspec.json.encode(Holder(command, os.getpid(), _began(os.getpid()))).decode())
        try:
            yield True
        finally:
            _write(file, "")


@contextmanager
def exclusive_lock(path: Path, command: str) -> Iterator[None]:
    """Hold the lock for ``command`` while the block runs. Raises ``SiteError`` where another holds it."""
    with try_lock(path, command) as free:
        if not free:
            at_work = f"{_named(holder(path))} is at work here"
            raise SiteError(f"{path.parent}: {at_work}; let it finish or end it first")
        yield


def holder(path: Path) -> Holder | None:
    """Tell who holds a lock; ``None`` where nobody who can be seen from here does."""
    for _ in range(_LOOKS):
        found = _read(path)
        if found is not None and found.began == _began(found.pid):
            return found
        time.sleep(_BETWEEN)
    return None


def _named(found: Holder | None) -> str:
    if found is None:
        return "another `journalguard`, which cannot be seen from here (in a container, or of another user?),"
    return f"`journalguard {found.command}` (process {found.pid})"


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(file: TextIO, text: str) -> None:
    file.truncate(0)
    file.write(text)
    file.flush()


def _read(path: Path) -> Holder | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Holder)
    except (msgspec.DecodeError, UnicodeDecodeError, FileNotFoundError):
        return None


def _began(pid: int) -> str:
    """Field ``starttime`` of proc(5): a later process with the same id has another."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
