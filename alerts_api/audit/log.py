"""Writing acts into the tree, and what can be proved of it.

``append`` belongs into the transaction of the act itself: both are committed or neither. Appending is one at
a time. On SQLite the transaction must have begun as the one writer's (``Database.writing``); on PostgreSQL
an advisory lock is held until it ends, so append as late in it as can be. If a lock were ever missed, the
second leaf at one place breaks the primary key, and with it its transaction: the log cannot fork silently.
"""

import secrets
from collections.abc import Collection, Iterable

import msgspec
from sqlalchemy import Connection, func, insert, select, tuple_

from alerts_api.audit.errors import NoSuchTreeError, RewrittenError
from alerts_api.audit.leaves import SALT_BYTES, Leaf, Record, encode, openings_of, record_of
from alerts_api.audit.merkle import (
    Frontier,
    Node,
    Range,
    fold,
    hashes_of,
    inclusion_ranges,
    leaf_hash,
    span,
)
from alerts_api.storage import audit_tables

# Any number that no other program of this database locks by: "jg-audit" in ASCII.
_LOCK = int.from_bytes(b"jg-audit", "big")


def append(connection: Connection, leaf: Leaf, note: str = "") -> int:
    """Record an act in the caller's transaction; its index.

    Where something leaves the house because of the act, the database is open ``durable``, and it leaves
    only once the transaction is committed.

    Args:
        note: free text of the act, kept apart so that it can be erased.

    Raises:
        LeafError: a field that the closed record does not allow; nothing was written.
        RewrittenError: the tree has a gap.
    """
    lock_appends(connection)
    index = size(connection)
    salts = (secrets.token_bytes(SALT_BYTES), secrets.token_bytes(SALT_BYTES))
    record = record_of(leaf, index, note, salts)
    data = encode(record)
    frontier = Frontier(index, _fetch(connection, span(0, index)).values())
    made = frontier.append(leaf_hash(data))
    connection.execute(insert(audit_tables.leaves), _row(record, data))
    connection.execute(
        insert(audit_tables.nodes), [{"level": n[0], "position": n[1], "hash": found} for n, found in made]
    )
    openings = openings_of(leaf, index, note, salts)
    if openings:
        connection.execute(insert(audit_tables.openings), [msgspec.structs.asdict(each) for each in openings])
    return index


def lock_appends(connection: Connection) -> None:
    """Keep everyone else from appending until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def size(connection: Connection) -> int:
    """How many leaves there are."""
    newest = connection.execute(select(func.max(audit_tables.leaves.c.number))).scalar()
    return 0 if newest is None else int(newest) + 1


def root(connection: Connection, of: int) -> bytes:
    """The root of the first ``of`` leaves.

    Raises:
        RewrittenError: the tree has a gap there.
    """
    return fold(list(_fetch(connection, span(0, of)).values()))


def inclusion(connection: Connection, index: int, of: int) -> tuple[bytes, ...]:
    """Proof that leaf ``index`` is in the tree of the first ``of`` leaves; RFC 6962 section 2.1.1.

    Raises:
        NoSuchTreeError: there is no such leaf or no such tree.
        RewrittenError: the tree has a gap there.
    """
    _there(connection, of)
    try:
        return _proof(connection, inclusion_ranges(index, of))
    except ValueError as error:
        raise NoSuchTreeError(str(error)) from None


def _there(connection: Connection, of: int) -> None:
    if of > (found := size(connection)):
        raise NoSuchTreeError(f"no tree of {of} leaves: the log has {found}")


def _proof(connection: Connection, ranges: list[Range]) -> tuple[bytes, ...]:
    found = _fetch(connection, [node for each in ranges for node in span(*each)])
    return hashes_of(ranges, found.__getitem__)


def _fetch(connection: Connection, wanted: Collection[Node]) -> dict[Node, bytes]:
    """The hashes in the order asked for; a proof needs some twenty, so one statement does."""
    table = audit_tables.nodes.c
    rows: Iterable[tuple[int, int, bytes]] = ()
    if wanted:
        rows = connection.execute(
            select(table.level, table.position, table.hash).where(
                tuple_(table.level, table.position).in_(wanted)
            )
        )
    found = {(level, position): found for level, position, found in rows}
    missing = [node for node in wanted if node not in found]
    if missing:
        level, position = missing[0]
        raise RewrittenError(
            f"the audit log's tree has a gap: the hash over leaves {position << level} to "
            f"{((position + 1) << level) - 1} is gone; nothing more is recorded. Keep the database as it is "
            "for the investigation, and compare an export with `journalguard audit verify`"
        )
    return {node: found[node] for node in wanted}


def _row(record: Record, data: bytes) -> dict[str, object]:
    return {
        "number": record.index,
        "data": data,
        "at": record.at,
        "kind": record.kind.value,
        "actor": record.actor,
        "alert": record.alert,
        "request": record.request,
    }
