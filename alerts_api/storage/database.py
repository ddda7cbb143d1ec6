"""One database: opening it, bringing its schema up to date, transactions with named errors.

The only module that knows there are two kinds; :mod:`alerts_api.storage.sqlite` and
:mod:`alerts_api.storage.postgres` are their manners, and everything else is the same SQLAlchemy Core
statements over both.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from alerts_api.storage.backend import Backend, DatabaseLocation, is_url
from alerts_api.storage.errors import StoreBusyError, StoreMissingError, StoreTooNewError
from alerts_api.storage.migrations import HEAD, upgrade

BUSY_SECONDS = 15.0


class Database:
    """An open database. ``reading()`` and ``writing()`` give a connection inside a transaction."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def place(self) -> str:
        """As messages name it."""
        return self._backend.place

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; never waits for a writer. Raises :class:`StoreError`."""
        with self._named(), self._backend.engine.connect() as plain:
            connection = plain.execution_options(**self._backend.reading)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The one writer's turn, committed at the end of the block. Raises :class:`StoreError`."""
        with self._named(), self._backend.engine.connect() as plain:
            connection = plain.execution_options(**self._backend.writing)
            with connection.begin():
                self._backend.take_turn(connection)
                yield connection

    def compact(self) -> None:
        """Nothing of deleted rows is left in the files. Waits for the writer. Raises :class:`StoreError`."""
        with self._named(), self._backend.engine.connect() as plain:
            self._backend.compact(plain)

    def close(self) -> None:
        self._backend.engine.dispose()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turns the driver's errors inside the block into this package's."""
        try:
            yield
        except PoolTimeoutError as error:
            raise StoreBusyError(self.place, "all connections are in use") from error
        except Exception as error:
            if (named := self._backend.named(error)) is None:
                raise
            raise named from error


def open_database(
    place: DatabaseLocation, *, create: bool, durable: bool = False, busy_seconds: float = BUSY_SECONDS
) -> Database:
    """Open ``place`` and bring its schema up to date. A new file gets mode 0600.

    Args:
        place: a file of SQLite, or a URL ``postgresql://…`` of a database that is there.
        create: make the file, or the tables, where there are none.
        durable: what is committed survives a power cut; always so in PostgreSQL.
        busy_seconds: how long to wait for another writer.

    Raises:
        StoreError: one of its kinds; ``StoreMissingError`` if there is none and ``create`` is false.
    """
    database = Database(_backend(place, create=create, durable=durable, busy_seconds=busy_seconds))
    try:
        _prepare(database, create)
    except BaseException:
        database.close()
        raise
    return database


def _backend(place: DatabaseLocation, *, create: bool, durable: bool, busy_seconds: float) -> Backend:
    # Each driver is imported only where it is used: the other one's would slow every start.
    if is_url(place):
        from alerts_api.storage.postgres import postgres_backend  # noqa: PLC0415

        return postgres_backend(str(place), busy_seconds=busy_seconds)
    from alerts_api.storage.sqlite import sqlite_backend  # noqa: PLC0415

    return sqlite_backend(Path(place), create=create, durable=durable, busy_seconds=busy_seconds)


def _prepare(database: Database, create: bool) -> None:
    with database.reading() as connection:
        if _revision(connection) == HEAD:
            return
    # Asked again under the lock: two processes may start at once.
    with database.writing() as connection:
        found = _revision(connection)
        if found == HEAD:
            return
        if found is not None and found > HEAD:
            raise StoreTooNewError(database.place, f"schema {found}, this installation knows {HEAD}")
        if found is None and not create and connection.dialect.name != "sqlite":
            raise StoreMissingError(
                database.place, mend="start `journalguard pages --site`, which makes the tables"
            )
        upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
