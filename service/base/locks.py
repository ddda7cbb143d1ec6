"""A lock on a file of the site: one process of a command is at work there, and says which."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.base.errors import SiteError


@contextmanager
def exclusive_lock(lock: Path, command: str) -> Iterator[None]:
    """Holds the lock, let go however the process ends. Raises ``SiteError`` where another holds it."""
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            at_work = f"another `journalguard {command}` (process {owner}) is at work here"
            raise SiteError(f"{lock.parent}: {at_work}; end it first") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
