"""What can go wrong between this room and its database file.

::

    StoreError                the root; also raised itself for an SQL error with no better name
    +-- StoreMissingError       there is no file yet
    +-- StoreUnreachableError   the file or its folder cannot be read or written by this user
    +-- StoreBusyError          another program held the lock for too long
    +-- StoreFullError          no room left on the disk
    +-- StoreDamagedError       not a database, or a damaged one
    +-- StoreTooNewError        written by a newer journalguard

Every message names the file and says what to do about it. None carries SQL or a row's contents.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError


class StoreError(Exception):
    """The database could not do what was asked of it; ``str()`` names the file and the mend."""

    mend = "see the log for the cause, then start again; nothing of the last checkpoint was half written"
    what = "the database refused a statement"

    def __init__(self, path: Path, detail: str = "") -> None:
        self.path = path
        cause = f" ({detail})" if detail else ""
        super().__init__(f"{path}: {self.what}{cause}; {self.mend}")


class StoreMissingError(StoreError):
    what = "there is no database yet"
    mend = "start `journalguard run --site` on the site's folder, which makes it"


class StoreUnreachableError(StoreError):
    what = "the database cannot be opened or written"
    mend = "give the user that runs journalguard read and write access to the file and its folder"


class StoreBusyError(StoreError):
    what = "another program holds the database locked"
    mend = "end the other journalguard, backup or sqlite3 shell that has it open, then start again"


class StoreFullError(StoreError):
    what = "there is no room left on the disk"
    mend = "free some space; work goes on from the last checkpoint"


class StoreDamagedError(StoreError):
    what = "this is not a journalguard database, or it is damaged"
    mend = "move it aside and put back a copy, or start without one and replay the logs"


class StoreTooNewError(StoreError):
    what = "it was written by a newer journalguard"
    mend = "upgrade this installation, or put back the copy made before the upgrade"


# Primary result codes, https://www.sqlite.org/rescode.html
_BY_CODE: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_BUSY: StoreBusyError,
    sqlite3.SQLITE_LOCKED: StoreBusyError,
    sqlite3.SQLITE_FULL: StoreFullError,
    sqlite3.SQLITE_CORRUPT: StoreDamagedError,
    sqlite3.SQLITE_NOTADB: StoreDamagedError,
    sqlite3.SQLITE_READONLY: StoreUnreachableError,
    sqlite3.SQLITE_CANTOPEN: StoreUnreachableError,
    sqlite3.SQLITE_PERM: StoreUnreachableError,
    sqlite3.SQLITE_IOERR: StoreUnreachableError,
}


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn the driver's errors inside the block into this package's, naming ``path``."""
    try:
        yield
    except DBAPIError as error:
        raise _named(path, error.orig) from error
    except (sqlite3.Error, OSError) as error:
        raise _named(path, error) from error


def _named(path: Path, error: BaseException | None) -> StoreError:
    if isinstance(error, OSError):
        return StoreUnreachableError(path, error.strerror or "")
    code = getattr(error, "sqlite_errorcode", None)
    kind = _BY_CODE.get(code & 0xFF, StoreError) if isinstance(code, int) else StoreError
    return kind(path, getattr(error, "sqlite_errorname", "") or type(error).__name__)
