"""SQLite in WAL mode: any number of readers beside one writer.

A transaction that was committed is in the operating system's hands, so it survives ``kill -9`` of any of our
processes; with ``synchronous=NORMAL`` a power cut can take back the last few transactions, but always whole
ones and never the file's soundness. For the stream that is harmless, since the read positions go back with
them and the lines are read again. What a person enters is written with ``durable=True``, which waits for the
disk.
"""

import os
import sqlite3
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from alerts_api.storage.backend import Backend
from alerts_api.storage.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreMissingError,
    StoreUnreachableError,
)

_JOURNAL_LIMIT = 64 * 1024 * 1024  # bytes the WAL file is cut back to after a large transaction

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


def sqlite_backend(path: Path, *, create: bool, durable: bool, busy_seconds: float) -> Backend:
    """The file at ``path``; a new one gets mode 0600. Raises :class:`StoreError`."""
    try:
        _touch(path, create)
    except OSError as error:
        raise _named(path, error) from error
    return Backend(
        place=str(path),
        engine=_engine(path, durable, busy_seconds),
        reading={},
        writing={"journalguard_begin": "BEGIN IMMEDIATE"},
        take_turn=lambda _: None,  # BEGIN IMMEDIATE did
        compact=_compact,
        named=partial(_named_or_none, path),
    )


def _touch(path: Path, create: bool) -> None:
    if path.exists():
        return
    if not create:
        raise StoreMissingError(path)
    # The WAL and its index take their mode from the database file.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _engine(path: Path, durable: bool, busy_seconds: float) -> Engine:
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, connect_args={"timeout": busy_seconds, "isolation_level": None})
    synchronous = "FULL" if durable else "NORMAL"

    @event.listens_for(engine, "connect")
    def _settings(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            f"journal_size_limit={_JOURNAL_LIMIT}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    # The driver's own idea of transactions begins them too late to be consistent; see SQLAlchemy's
    # "Serializable isolation / Savepoints / Transactional DDL" for SQLite.
    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("journalguard_begin", "BEGIN"))

    return engine


def _compact(connection: Connection) -> None:
    """Rewrites the file without what was deleted, and empties the log of writes, which held it too."""
    raw = connection.connection.cursor()
    raw.execute("VACUUM")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


def _named_or_none(path: Path, error: BaseException) -> StoreError | None:
    if isinstance(error, DBAPIError):
        return _named(path, error.orig)
    return _named(path, error) if isinstance(error, sqlite3.Error | OSError) else None


def _named(path: Path, error: BaseException | None) -> StoreError:
    if isinstance(error, OSError):
        return StoreUnreachableError(path, error.strerror or "")
    code = getattr(error, "sqlite_errorcode", None)
    kind = _BY_CODE.get(code & 0xFF, StoreError) if isinstance(code, int) else StoreError
    return kind(path, getattr(error, "sqlite_errorname", "") or type(error).__name__)
