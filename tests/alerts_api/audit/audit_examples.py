"""Example acts in a log, and what somebody who rules the database can do to them."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from io import BytesIO

import msgspec
from sqlalchemy import Connection, delete, insert, select, text, update

from alerts_api.audit.checkpoints import Signed, sign
from alerts_api.audit.export import write_export
from alerts_api.audit.leaves import ActKind, ActRole, Leaf, decode, encode
from alerts_api.audit.log import append
from alerts_api.audit.merkle import Frontier, leaf_hash
from alerts_api.audit.signednote import Signer
from alerts_api.audit.verification import VerificationReport, verify
from alerts_api.storage import audit_tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import Database, open_database

NAME = "alerts.example.ac.uk/audit"
SIGNER = Signer(NAME, bytes(range(32)))
NOW = 1_795_500_000  # Tue 24 Nov 2026 04:40 UTC
ACCOUNTS = tuple("u1_" + letter * 24 for letter in "abc")


def act(number: int, actor: str = "analyst-1") -> Leaf:
    return Leaf(
        kind=ActKind.VERDICT,
        actor=actor,
        role=ActRole.ANALYST,
        at=NOW + number,
        alert=f"alert-{number % 5}",
        account=ACCOUNTS[number % 3],
        outcome="theft",
    )


@contextmanager
def opened(place: DatabaseLocation) -> Iterator[Database]:
    with closing(open_database(place, create=True)) as database:
        yield database


def add(database: Database, numbers: Sequence[int], actor: str = "analyst-1", note: str = "") -> None:
    with database.writing() as connection:
        for number in numbers:
            append(connection, act(number, actor), note)


def sign_now(database: Database, signer: Signer = SIGNER) -> Signed:
    with database.writing() as connection:
        return sign(connection, signer, now=NOW)


def fill(database: Database, sizes: Sequence[int] = (8, 16, 20)) -> list[Signed]:
    """Acts, with a checkpoint at each of ``sizes``."""
    signed, before = [], 0
    for size in sizes:
        add(database, range(before, size))
        signed.append(sign_now(database))
        before = size
    return signed


def exported(database: Database) -> bytes:
    out = BytesIO()
    with database.reading() as connection:
        write_export(connection, out)
    return out.getvalue()


def checked(data: bytes, *kept: Signed, signer: Signer = SIGNER) -> VerificationReport:
    """An export against the public key and checkpoints kept elsewhere."""
    return verify(BytesIO(data), [signer.public], [(f"kept-{s.checkpoint.size}", s.note) for s in kept])


@contextmanager
def ruled(database: Database) -> Iterator[Connection]:
    """A transaction of somebody who has taken away the triggers first."""
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            for table in (audit_tables.leaves, audit_tables.nodes, audit_tables.checkpoints):
                connection.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER ALL"))
        else:
            found = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'")
            for name in connection.execute(found).scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        yield connection


def leaf_data(connection: Connection) -> list[bytes]:
    return list(
        connection.execute(
            select(audit_tables.leaves.c.data).order_by(audit_tables.leaves.c.number)
        ).scalars()
    )


def overwrite(connection: Connection, number: int, data: bytes) -> None:
    connection.execute(
        update(audit_tables.leaves).where(audit_tables.leaves.c.number == number).values(data=data)
    )


def cut(connection: Connection, size: int) -> None:
    """The log as if it had only ``size`` leaves; checkpoints stay."""
    connection.execute(delete(audit_tables.leaves).where(audit_tables.leaves.c.number >= size))
    connection.execute(delete(audit_tables.openings).where(audit_tables.openings.c.leaf >= size))
    rebuild(connection)


def renumber(connection: Connection) -> None:
    """Every record says the place it stands at."""
    for number, data in enumerate(leaf_data(connection)):
        record = decode(data)
        assert record is not None
        overwrite(connection, number, encode(msgspec.structs.replace(record, index=number)))


def rebuild(connection: Connection) -> None:
    """A tree that fits the leaves as they are now."""
    frontier = Frontier()
    nodes = [node for data in leaf_data(connection) for node in frontier.append(leaf_hash(data))]
    connection.execute(delete(audit_tables.nodes))
    connection.execute(
        insert(audit_tables.nodes), [{"level": n[0], "position": n[1], "hash": found} for n, found in nodes]
    )
