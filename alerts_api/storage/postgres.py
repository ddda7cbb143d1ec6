"""PostgreSQL with the manners of SQLite: readers see one moment, writers take turns.

The turn is an advisory lock, held to the end of the transaction. So what a writer reads stays true while it
writes, numbers are given without holes, and two processes that start at once migrate once. The password is
libpq's business (``~/.pgpass`` or PGPASSFILE), never the URL's.
"""

import re
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from alerts_api.storage.backend import Backend
from alerts_api.storage.errors import (
    StoreAddressError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreMissingError,
    StoreUnreachableError,
)

DRIVER = "postgresql+psycopg"
TURN = 0x6A6F75726E616C  # "journal": key of the writers' advisory lock, one per database
_CONNECT: dict[str, Any] = {
    "connect_timeout": 5,  # s
    "tcp_user_timeout": 20_000,  # ms without an answer after which a connection is given up
    "application_name": "journalguard",
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest match counts
_BY_STATE: dict[str, type[StoreError]] = {
    "08": StoreUnreachableError,
    "25006": StoreUnreachableError,  # a standby, which only reads
    "28": StoreUnreachableError,
    "3D000": StoreMissingError,
    "40": StoreBusyError,
    "42501": StoreUnreachableError,
    "53100": StoreFullError,
    "53300": StoreBusyError,
    "55P03": StoreBusyError,
    "57": StoreUnreachableError,  # shut down, or not yet up
    "57014": StoreBusyError,
    "58": StoreUnreachableError,
    "XX001": StoreDamagedError,
    "XX002": StoreDamagedError,
}
_MENDS: dict[type[StoreError], str] = {
    StoreMissingError: "make the database with `createdb`, then start `journalguard pages --site`, which"
    " makes the tables",
    StoreUnreachableError: "see that the server runs and that host, port, user and database of database_url"
    " are right; the password is in ~/.pgpass of the user that runs journalguard",
    StoreBusyError: "end the other journalguard, backup or psql shell that holds it, or allow more"
    " connections; it is tried again",
    StoreFullError: "free some space on the database server; work goes on from the last checkpoint",
    StoreDamagedError: "ask the server's operator; put back a backup",
}
# What libpq says without a code, and without naming a user.
_PHRASES = (
    "Connection refused",
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "could not translate host name",
    "failed to resolve host",
    "timeout",
    "certificate",
    "server closed the connection",
    "too many clients",
    "starting up",
    "shutting down",
)
_NO_DATABASE = re.compile(r'database ".*" does not exist')


def postgres_backend(address: str, *, busy_seconds: float) -> Backend:
    """The database at ``address``, a URL. Connects at the first use. Raises :class:`StoreAddressError`."""
    url = _url(address)
    place = URL.create("postgresql", host=url.host, port=url.port, database=url.database).render_as_string()
    return Backend(
        place=place,
        engine=_engine(url, busy_seconds),
        reading={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        writing={"isolation_level": "READ COMMITTED"},
        take_turn=partial(_take_turn, round(busy_seconds * 1000)),
        compact=_compact,
        named=partial(_named, place),
    )


def _url(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise StoreAddressError("database_url", "not a URL") from None
    if url.drivername not in ("postgresql", DRIVER):
        raise StoreAddressError("database_url", f"begins with {url.drivername}")
    if url.password is not None or "password" in url.query:
        raise StoreAddressError("database_url", "holds a password")
    return url.set(drivername=DRIVER)


def _engine(url: URL, busy_seconds: float) -> Engine:
    return create_engine(
        url,
        pool_pre_ping=True,  # the server may have been started again
        pool_timeout=busy_seconds,
        connect_args={name: value for name, value in _CONNECT.items() if name not in url.query},
        hide_parameters=True,
    )


def _take_turn(milliseconds: int, connection: Connection) -> None:
    # Committed is on the disk, whatever server or role say: a name is released on the strength of it.
    settings = "set_config('lock_timeout', :patience, true), set_config('synchronous_commit', 'on', true)"
    connection.execute(text(f"SELECT {settings}"), {"patience": f"{max(1, milliseconds)}ms"})
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": TURN})


def _compact(connection: Connection) -> None:
    """Rewrite the tables without what was deleted; readers and writers wait.

    The server's own log of writes goes when it is recycled.
    """
    connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM FULL"))


def _named(place: str, error: BaseException) -> StoreError | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.Error):
        return None
    state = cause.sqlstate or ""
    if state:
        kind = next((_BY_STATE[state[:n]] for n in (5, 2) if state[:n] in _BY_STATE), StoreError)
    elif _NO_DATABASE.search(str(cause)):
        kind = StoreMissingError
    elif "too many clients" in str(cause):
        kind = StoreBusyError
    else:
        kind = StoreUnreachableError if isinstance(cause, psycopg.OperationalError) else StoreError
    phrase = next((phrase for phrase in _PHRASES if phrase in str(cause)), type(cause).__name__)
    return kind(place, phrase, mend=_MENDS.get(kind))
