"""Read statements of the auditor's and the DPO's pages, and the one way to erase.

What is told of an act comes from the bytes in the tree and from openings that fit them, never from the
columns beside them.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, delete, exists, func, select

from alerts_api.audit.checkpoints import newest
from alerts_api.audit.leaves import ActKind, ActRole, Leaf, Opening, Record, decode, opens
from alerts_api.audit.log import append, size
from alerts_api.audit.merkle import leaf_hash
from alerts_api.storage import audit_tables

_LEAF = audit_tables.leaves.c
_OPENING = audit_tables.openings.c
_ERASED_AT_ONCE = 1_000  # leaves
SYSTEM = "journalguard"  # what acts by itself


class AuditFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which acts; what is empty does not narrow."""

    kinds: tuple[ActKind, ...] = ()
    actor: str = ""
    alert: str = ""
    account: str = ""  # pseudonym; finds only what was not erased
    request: str = ""
    since: int = 0  # s UTC
    until: int | None = None  # s UTC, not included


class AuditEntry(msgspec.Struct, frozen=True):
    """An act as a page shows it."""

    index: int
    record: Record | None  # None: these bytes are no record, or one of a newer version
    account: str  # pseudonym; "" if there is none, or it was erased
    note: str  # free text; the same
    fits: bool  # the record stands in its place, and its openings belong to it


def checkpoint_coverage(connection: Connection) -> tuple[int, int]:
    """How many acts there are, and when the first was that no checkpoint covers, s UTC; 0: none."""
    signed = newest(connection)
    first = select(_LEAF.at).where(_LEAF.number == (signed[0] if signed else 0))
    return size(connection), connection.execute(first).scalar() or 0


def read(connection: Connection, after: int, limit: int, filters: AuditFilters) -> tuple[AuditEntry, ...]:
    """The oldest ``limit`` acts with an index above ``after`` (-1: from the first), oldest first."""
    return _entries(connection, _found(filters).where(_LEAF.number > after).order_by(_LEAF.number), limit)


def latest(
    connection: Connection, before: int | None, limit: int, filters: AuditFilters
) -> tuple[AuditEntry, ...]:
    """The newest ``limit`` acts with an index below ``before`` (``None``: of all), newest first."""
    found = _found(filters).order_by(_LEAF.number.desc())
    return _entries(connection, found if before is None else found.where(_LEAF.number < before), limit)


def erase_account(connection: Connection, account: str) -> int:
    """Forget the pseudonym in every leaf that names it, and these leaves' notes. How many leaves.

    The leaves stay, and the tree with them; nobody can tell any more whom they were about.
    """
    named = select(_OPENING.leaf).where(_OPENING.name == "account", _OPENING.value == account)
    numbers = list(connection.execute(named).scalars())
    for start in range(0, len(numbers), _ERASED_AT_ONCE):
        some = numbers[start : start + _ERASED_AT_ONCE]
        connection.execute(delete(audit_tables.openings).where(_OPENING.leaf.in_(some)))
    note_forgotten(connection, ActKind.OPENINGS_ERASED, len(numbers))
    return len(numbers)


def note_forgotten(connection: Connection, kind: ActKind, times: int) -> None:
    """So many leaves no longer tell whom they are about, and this is why: what else is missing was removed.

    Dated like the newest act, which is what it belongs to.
    """
    if times:
        at = connection.execute(select(func.max(_LEAF.at))).scalar() or 0
        append(connection, Leaf(kind=kind, actor=SYSTEM, role=ActRole.SYSTEM, at=at, times=times))


def openings_between(connection: Connection, first: int, end: int, name: str) -> Iterable[Opening]:
    """The openings of one field of the leaves ``first`` to ``end - 1``, in order."""
    found = (
        select(_OPENING.leaf, _OPENING.name, _OPENING.salt, _OPENING.value)
        .where(_OPENING.leaf >= first, _OPENING.leaf < end, _OPENING.name == name)
        .order_by(_OPENING.leaf)
    )
    return (Opening(*row) for row in connection.execute(found))


def misfiled(row: Row[Any], record: Record) -> bool:
    """Whether the columns beside a leaf, by which it is found, say otherwise than its bytes."""
    filed = (row.at, row.kind, row.actor, row.alert, row.request)
    return filed != (record.at, record.kind.value, record.actor, record.alert, record.request)


def _found(filters: AuditFilters) -> Select[Any]:
    return select(audit_tables.leaves).where(*_conditions(filters))


def _conditions(filters: AuditFilters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, value in (
        (_LEAF.actor, filters.actor),
        (_LEAF.alert, filters.alert),
        (_LEAF.request, filters.request),
    ):
        if value:
            found.append(column == value)
    if filters.kinds:
        found.append(_LEAF.kind.in_([kind.value for kind in filters.kinds]))
    if filters.since:
        found.append(_LEAF.at >= filters.since)
    if filters.until is not None:
        found.append(_LEAF.at < filters.until)
    if filters.account:
        named = (_OPENING.leaf == _LEAF.number, _OPENING.name == "account", _OPENING.value == filters.account)
        found.append(exists().where(*named))
    return found


def _entries(connection: Connection, found: Select[Any], limit: int) -> tuple[AuditEntry, ...]:
    rows = connection.execute(found.limit(limit)).all()
    openings: dict[int, list[Opening]] = {}
    hashes: dict[int, bytes] = {}
    if rows:
        numbers = [row.number for row in rows]
        node = audit_tables.nodes.c
        leaves = select(node.position, node.hash).where(node.level == 0, node.position.in_(numbers))
        hashes = dict(connection.execute(leaves).all())
        wanted = select(_OPENING.leaf, _OPENING.name, _OPENING.salt, _OPENING.value)
        for row in connection.execute(wanted.where(_OPENING.leaf.in_(numbers))):
            openings.setdefault(row[0], []).append(Opening(*row))
    return tuple(_entry(row, openings.get(row.number, []), hashes.get(row.number, b"")) for row in rows)


def _entry(row: Row[Any], openings: list[Opening], hashed: bytes) -> AuditEntry:
    """Bytes, columns, openings and the tree's own hash of the leaf all have to say the same."""
    record = decode(row.data)
    if record is None:
        return AuditEntry(row.number, None, "", "", False)
    texts = {each.name: each.value for each in openings if opens(each, record)}
    fits = record.index == row.number and len(texts) == len(openings)
    fits = fits and not misfiled(row, record) and hashed == leaf_hash(row.data)
    return AuditEntry(row.number, record, texts.get("account", ""), texts.get("note", ""), fits)
