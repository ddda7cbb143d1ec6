"""What is PostgreSQL's alone: its addresses, and what is said when it is not there or does not let us in."""

from contextlib import closing

import psycopg
import pytest
from sqlalchemy import make_url, text

from alerts_api.storage.database import open_database
from alerts_api.storage.errors import (
    StoreAddressError,
    StoreBusyError,
    StoreMissingError,
    StoreTooNewError,
    StoreUnreachableError,
)
from alerts_api.storage.postgres import TURN
from alerts_api.stream.store import open_store
from service.records.checkpoints import Changes, Checkpoint
from tests.alerts_api.examples import checkpoint, make_alert
from tests.services.processes import free_ports

pytestmark = pytest.mark.postgres
EMPTY = Checkpoint(Changes(), positions={"log": b"{}"}, counters={})


def plain(url: str) -> str:
    """As libpq writes it."""
    return url.replace("+psycopg", "")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("mysql://db.example.ac.uk/journalguard", "begins with mysql"),
        ("postgresql://journalguard:not-a-secret@db.example.ac.uk/journalguard", "holds a password"),
        ("postgresql://db.example.ac.uk/journalguard?password=not-a-secret", "holds a password"),
        ("://db.example.ac.uk", "not a URL"),
        ("postgresql://db.example.ac.uk:not-a-secret/journalguard", "not a URL"),
    ],
)
def test_an_address_that_cannot_be_used_is_not_repeated(address: str, why: str) -> None:
    with pytest.raises(StoreAddressError, match=f"{why}.*~/.pgpass") as caught:
        open_store(address)
    assert "not-a-secret" not in str(caught.value)


def test_the_driver_need_not_be_named(postgres_url: str) -> None:
    with closing(open_store(plain(postgres_url))) as store:
        store.commit(checkpoint([make_alert()]))
    with closing(open_store(postgres_url, create=False)) as store:
        assert store.load().positions


def test_tables_are_not_made_unasked(postgres_url: str) -> None:
    with pytest.raises(StoreMissingError, match="start `journalguard pages --site`, which makes the tables"):
        open_store(postgres_url, create=False)


def test_a_missing_database_is_told_without_the_user(postgres_url: str) -> None:
    address = make_url(postgres_url).set(database="nowhere").render_as_string()
    with pytest.raises(StoreMissingError, match="make the database with `createdb`") as caught:
        open_store(address)
    assert f"{make_url(postgres_url).username}@" not in str(caught.value)


def test_a_server_that_is_down_is_told(postgres_url: str) -> None:
    (port,) = free_ports(1)
    address = make_url(postgres_url).set(port=port).render_as_string()
    with pytest.raises(StoreUnreachableError, match=r"Connection refused.*see that the server runs"):
        open_store(address)


def test_another_writer_that_stays_is_told(postgres_url: str) -> None:
    with (
        closing(open_store(postgres_url, busy_seconds=0.05)) as store,
        psycopg.connect(plain(postgres_url)) as other,
    ):
        other.execute("SELECT pg_advisory_xact_lock(%s)", (TURN,))
        with pytest.raises(StoreBusyError, match="locked"):
            store.commit(EMPTY)
        other.rollback()
        store.commit(EMPTY)  # and goes on afterwards


def test_connections_that_the_server_ends_are_made_anew(postgres_url: str) -> None:
    with closing(open_store(postgres_url)) as store:
        store.commit(EMPTY)
        with psycopg.connect(plain(postgres_url)) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        store.commit(EMPTY)
        assert store.load().positions == EMPTY.positions


def test_a_newer_schema_is_left_alone(postgres_url: str) -> None:
    open_store(postgres_url).close()
    with psycopg.connect(plain(postgres_url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNewError, match="schema 9999"):
        open_store(postgres_url)


def test_what_is_committed_is_on_the_disk_whatever_the_server_is_set_to(postgres_url: str) -> None:
    with psycopg.connect(plain(postgres_url), autocommit=True) as connection:
        name = make_url(postgres_url).database
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off'.encode())
    with closing(open_database(postgres_url, create=True)) as database, database.writing() as connected:
        assert connected.execute(text("SHOW synchronous_commit")).scalar() == "on"
