"""Erasing a reader's account from the database, and looking whether anything is left of it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from alerts_api.audit.reading import erase_account as erase_openings
from alerts_api.storage import tables
from alerts_api.storage.reveal_tables import requests, views
from alerts_api.storage.rights_tables import cases, erasures, restrictions


def ask_erasure(connection: Connection, accounts: Sequence[str], reference: str, now: float) -> None:
    """For the stream to take, with everything else of these accounts, in its next checkpoint."""
    asked = set(connection.execute(select(erasures.c.pseudonym)).scalars())
    rows = [
        {"pseudonym": account, "reference": reference, "asked_at": now}
        for account in accounts
        if account not in asked
    ]
    if rows:
        connection.execute(insert(erasures), rows)


def waits(connection: Connection, accounts: Sequence[str]) -> bool:
    """Whether the stream has not forgotten all of them yet."""
    mine = select(erasures.c.pseudonym).where(erasures.c.pseudonym.in_(accounts))
    return connection.execute(mine).first() is not None


def erase_accounts(connection: Connection, accounts: Sequence[str]) -> None:
    """Everything of these accounts but what the two below take.

    The audit log keeps its leaves, which then tell nothing of the account; cases and requests to be told a
    name stay without it.
    """
    for account in accounts:
        alerts = select(tables.alerts.c.alert_id).where(tables.alerts.c.account == account)
        connection.execute(delete(tables.marks).where(tables.marks.c.alert_id.in_(alerts)))
        connection.execute(delete(tables.verdicts).where(tables.verdicts.c.alert_id.in_(alerts)))
        connection.execute(delete(views).where(views.c.alert.in_(alerts)))
        connection.execute(delete(tables.alerts).where(tables.alerts.c.account == account))
        connection.execute(delete(tables.accounts).where(tables.accounts.c.account == account))
        connection.execute(delete(restrictions).where(restrictions.c.pseudonym == account))
        connection.execute(delete(erasures).where(erasures.c.pseudonym == account))
        connection.execute(update(requests).where(requests.c.account == account).values(account=""))
        connection.execute(update(cases).where(cases.c.account == account).values(account=""))
        erase_openings(connection, account)


def erase_traces(connection: Connection, accounts: Sequence[str]) -> None:
    """The events of these accounts that were kept for analysts."""
    for account in accounts:
        connection.execute(delete(tables.traces).where(tables.traces.c.account == account))


def erase_identities(connection: Connection, accounts: Sequence[str]) -> None:
    """Their sealed identities."""
    for account in accounts:
        connection.execute(delete(tables.identities).where(tables.identities.c.pseudonym == account))


def rows_left(connection: Connection, account: str) -> dict[str, int]:
    """Table -> rows that hold the pseudonym in any column, also inside of a blob; none where it is gone."""
    found = {}
    for table in tables.metadata.sorted_tables:
        there = or_(false(), *(_holds(connection, column, account) for column in _text_columns(table)))
        if number := connection.execute(select(func.count()).select_from(table).where(there)).scalar_one():
            found[table.name] = number
    return found


def _text_columns(table: Table[Any]) -> list[Column[Any]]:
    return [column for column in table.columns if column.type.python_type in (str, bytes)]


def _holds(connection: Connection, column: Column[Any], account: str) -> ColumnElement[bool]:
    place = func.instr if connection.dialect.name == "sqlite" else func.strpos
    if column.type.python_type is str:
        return place(column, account) > 0
    if connection.dialect.name == "sqlite":
        return place(column, account.encode()) > 0
    return place(func.encode(column, "hex"), account.encode().hex()) > 0
