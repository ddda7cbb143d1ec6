"""Read statements of the auditor's and the DPO's pages, and the one way to erase.

What is told of an act comes from the bytes in the tree and from openings that fit them, never from the
columns beside them.
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, delete, exists, select

from alerts_api.audit.leaves import ActKind, Opening, Record, decode, opens
from alerts_api.storage import audit_tables

_LEAF = audit_tables.leaves.c
_OPENING = audit_tables.openings.c
_ERASED_AT_ONCE = 1_000  # leaves


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
    return len(numbers)


def erase_note(connection: Connection, index: int) -> bool:
    """Forget the free text of one leaf. False if there is none."""
    found = delete(audit_tables.openings).where(_OPENING.leaf == index, _OPENING.name == "note")
    return connection.execute(found).rowcount > 0


def openings_between(connection: Connection, first: int, end: int, name: str) -> Iterable[Opening]:
    """The openings of one field of the leaves ``first`` to ``end - 1``, in order."""
    found = (
        select(_OPENING.leaf, _OPENING.name, _OPENING.salt, _OPENING.value)
        .where(_OPENING.leaf >= first, _OPENING.leaf < end, _OPENING.name == name)
        .order_by(_OPENING.leaf)
    )
    return (Opening(*row) for row in connection.execute(found))


def _found(filters: AuditFilters) -> Select[int, bytes]:
    return select(_LEAF.number, _LEAF.data).where(*_conditions(filters))


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


def _entries(connection: Connection, found: Select[int, bytes], limit: int) -> tuple[AuditEntry, ...]:
    rows = connection.execute(found.limit(limit)).all()
    openings: dict[int, list[Opening]] = {}
    if rows:
        numbers = [number for number, _ in rows]
        wanted = select(_OPENING.leaf, _OPENING.name, _OPENING.salt, _OPENING.value)
        for row in connection.execute(wanted.where(_OPENING.leaf.in_(numbers))):
            openings.setdefault(row[0], []).append(Opening(*row))
    return tuple(_entry(number, data, openings.get(number, [])) for number, data in rows)


def _entry(index: int, data: bytes, openings: list[Opening]) -> AuditEntry:
    record = decode(data)
    if record is None:
        return AuditEntry(index, None, "", "", False)
    texts = {each.name: each.value for each in openings if opens(each, record)}
    fits = record.index == index and len(texts) == len(openings)
    return AuditEntry(index, record, texts.get("account", ""), texts.get("note", ""), fits)
