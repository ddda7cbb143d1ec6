"""Deletes what is older than the site keeps it, once a day of event time, in a checkpoint's transaction.

Kept events go with every checkpoint, and states at the close of a day in the stream; here goes the rest.
Restricted accounts are left as they are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, or_, select

from alerts_api.alerts.restrictions import in_force
from alerts_api.alerts.verdicts import Verdict
from alerts_api.audit.leaves import ActKind
from alerts_api.audit.reading import note_forgotten
from alerts_api.storage import audit_tables as audit
from alerts_api.storage import tables
from alerts_api.storage.reveal_tables import requests, views
from alerts_api.storage.rights_tables import cases, retention
from alerts_api.storage.tables import DAY
from service.config.tables import RetentionSettings

_ALERT = tables.alerts.c


class RetentionRun(msgspec.Struct, frozen=True):
    """The last run for one store."""

    store: str
    until: int  # event time, s UTC
    ran_at: float  # wall clock, s UTC
    removed: int
    oldest: int  # s UTC of what is left; 0 nothing


class _Store(NamedTuple):
    """How one kind of thing is deleted, and how old the oldest that is left is."""

    name: str
    forget: Callable[[Connection, RetentionSettings, int, float], int]
    oldest: Callable[[Connection], float | None]


def due(connection: Connection, event_time: int) -> bool:
    """Whether a day of event time has passed since the last run."""
    last = connection.execute(select(func.max(retention.c.until))).scalar() or 0
    return event_time // DAY > last // DAY


def enforce(connection: Connection, settings: RetentionSettings, event_time: int, now: float) -> None:
    """Delete, and note for every store what was removed and what is the oldest that is left."""
    for store in _STORES:
        removed = store.forget(connection, settings, event_time, now)
        connection.execute(delete(retention).where(retention.c.store == store.name))
        row = RetentionRun(store.name, event_time, now, removed, int(store.oldest(connection) or 0))
        connection.execute(insert(retention), [msgspec.structs.asdict(row)])


def read_runs(connection: Connection) -> tuple[RetentionRun, ...]:
    """The last run for each store."""
    columns = retention.c
    rows = connection.execute(
        select(columns.store, columns.until, columns.ran_at, columns.removed, columns.oldest)
    )
    return tuple(sorted((RetentionRun(*row) for row in rows), key=lambda run: run.store))


def _alerts(connection: Connection, settings: RetentionSettings, event_time: int, now: float) -> int:
    stolen = _ALERT.verdict == Verdict.CONFIRMED.value
    old = or_(
        stolen & (_ALERT.updated_at < event_time - DAY * settings.true_alerts),
        ~stolen & (_ALERT.verdict != "") & (_ALERT.updated_at < event_time - DAY * settings.other_alerts),
    )
    gone = select(_ALERT.alert_id).where(old, _ALERT.account.not_in(in_force(now)))
    connection.execute(delete(tables.marks).where(tables.marks.c.alert_id.in_(gone)))
    connection.execute(delete(tables.verdicts).where(tables.verdicts.c.alert_id.in_(gone)))
    connection.execute(delete(views).where(views.c.alert.in_(gone)))
    return connection.execute(delete(tables.alerts).where(_ALERT.alert_id.in_(gone))).rowcount


def _identities(connection: Connection, _: RetentionSettings, __: int, now: float) -> int:
    """With the state that was forgotten, unless an alert is open. With Kafka the states are elsewhere."""
    who = tables.identities.c.pseudonym
    if connection.execute(select(tables.accounts.c.account).limit(1)).first() is None:
        return 0
    unseen = ~exists().where(tables.accounts.c.account == who)
    closed = ~exists().where(_ALERT.account == who, _ALERT.verdict == "")
    return connection.execute(
        delete(tables.identities).where(unseen, closed, who.not_in(in_force(now)))
    ).rowcount


def _cases(connection: Connection, settings: RetentionSettings, _: int, now: float) -> int:
    ended: ColumnElement[bool] = (cases.c.closed_at > 0.0) & (cases.c.closed_at < now - DAY * settings.cases)
    return connection.execute(delete(cases).where(ended)).rowcount


def _reveals(connection: Connection, settings: RetentionSettings, _: int, now: float) -> int:
    """As long as the audit log says whose account was asked for."""
    return connection.execute(
        delete(requests).where(requests.c.asked_at < now - DAY * settings.audit)
    ).rowcount


def _openings(connection: Connection, settings: RetentionSettings, _: int, now: float) -> int:
    old = select(audit.leaves.c.number).where(audit.leaves.c.at < now - DAY * settings.audit)
    opening = audit.openings.c
    named = select(func.count()).select_from(audit.openings).where(opening.leaf.in_(old))
    accounts = connection.execute(named.where(opening.name == "account")).scalar_one()
    removed = connection.execute(delete(audit.openings).where(opening.leaf.in_(old))).rowcount
    note_forgotten(connection, ActKind.OPENINGS_EXPIRED, accounts)
    return removed


def _nothing(*_: Any) -> int:
    return 0


def _oldest(column: Any) -> Callable[[Connection], float | None]:
    return lambda connection: connection.execute(select(func.min(column))).scalar()


def _oldest_opening(connection: Connection) -> float | None:
    kept = exists().where(audit.openings.c.leaf == audit.leaves.c.number)
    return connection.execute(select(func.min(audit.leaves.c.at)).where(kept)).scalar()


_STORES = (
    _Store("events", _nothing, _oldest(tables.traces.c.time)),
    _Store("alerts", _alerts, _oldest(_ALERT.updated_at)),
    _Store("identities", _identities, lambda _: None),
    _Store("cases", _cases, _oldest(cases.c.received_at)),
    _Store("reveals", _reveals, _oldest(requests.c.asked_at)),
    _Store("audit", _openings, _oldest_opening),
)
