"""One database file: opening it, bringing its schema up to date, transactions with named errors.

SQLite in WAL mode: any number of readers beside one writer. A transaction that was committed is in
the operating system's hands, so it survives ``kill -9`` of any of our processes; with
``synchronous=NORMAL`` a power cut can take back the last few transactions, but always whole ones and
never the file's soundness. For the stream that is harmless, since the read positions go back with
them and the lines are read again. What a person enters is written with ``durable=True``, which waits
for the disk.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from alerts_api.errors import StoreMissingError, StoreTooNewError, named
from alerts_api.migrations import HEAD, upgrade

BUSY_SECONDS = 15.0
_JOURNAL_LIMIT = 64 * 1024 * 1024  # bytes the WAL file is cut back to after a large transaction


class Database:
    """An open file. ``reading()`` and ``writing()`` give a connection inside a transaction."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self.engine = engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; never waits for a writer. Raises :class:`StoreError`."""
        with named(self.path), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The one writer's turn, committed at the end of the block. Raises :class:`StoreError`."""
        with named(self.path), self.engine.connect() as plain:
            connection = plain.execution_options(journalguard_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    def close(self) -> None:
        self.engine.dispose()


def open_database(
    path: Path, *, create: bool, durable: bool = False, busy_seconds: float = BUSY_SECONDS
) -> Database:
    """Open ``path`` and bring its schema up to date. A new file gets mode 0600.

    Raises:
        StoreError: one of its kinds; ``StoreMissingError`` if there is no file and ``create`` is false.
    """
    with named(path):
        _touch(path, create)
    database = Database(path, _engine(path, durable, busy_seconds))
    try:
        _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


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


def _prepare(database: Database) -> None:
    with database.reading() as connection:
        if _revision(connection) == HEAD:
            return
    # Asked again under the lock: two processes may start at once.
    with database.writing() as connection:
        found = _revision(connection)
        if found == HEAD:
            return
        if found is not None and found > HEAD:
            raise StoreTooNewError(database.path, f"schema {found}, this installation knows {HEAD}")
        upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
