"""All that the database holds of one account, for its reader."""

import msgspec
from sqlalchemy import Connection, select

from alerts_api.alerts.records import Judgement
from alerts_api.alerts.verdicts import read_history
from alerts_api.audit.reading import AuditEntry, AuditFilters, read
from alerts_api.storage import tables
from alerts_api.storage.rights_tables import restrictions
from alerts_api.storage.rows import to_alert, to_trace
from service.records.checkpoints import Trace
from service.records.events import Alert

_MOST_ACTS = 10_000


class HeldAlert(msgspec.Struct, frozen=True):
    """An alert and what was said of it."""

    alert: Alert
    history: tuple[Judgement, ...]


class Holdings(msgspec.Struct, frozen=True):
    """What is held under one pseudonym."""

    account: str
    state: bytes | None  # the packed record
    names: tuple[str, ...]  # of the places, owners and platforms that records refer to
    alerts: tuple[HeldAlert, ...]
    events: tuple[Trace, ...]
    identity_sealed: bool  # the name, for the key-holders only
    restricted_since: float  # s UTC, 0 not
    acts: tuple[AuditEntry, ...]  # of the audit log: requests to reveal, their outcome, acts on this case


def holdings(connection: Connection, account: str) -> Holdings:
    """Read in one transaction."""
    table = tables.accounts.c
    state = connection.execute(select(table.state).where(table.account == account)).scalar()
    shared = tables.shared.c
    names = connection.execute(select(shared.state).where(shared.name == "names")).scalar()
    identity = tables.identities.c.pseudonym
    since = select(restrictions.c.since).where(restrictions.c.pseudonym == account)
    return Holdings(
        account=account,
        state=state,
        names=msgspec.json.decode(names, type=tuple[str, ...]) if names else (),
        alerts=_alerts(connection, account),
        events=_events(connection, account),
        identity_sealed=connection.execute(select(identity).where(identity == account)).first() is not None,
        restricted_since=connection.execute(since).scalar() or 0.0,
        acts=read(connection, -1, _MOST_ACTS, AuditFilters(account=account)),
    )


def _alerts(connection: Connection, account: str) -> tuple[HeldAlert, ...]:
    table = tables.alerts.c
    found = select(table.alert_id, table.payload).where(table.account == account).order_by(table.number)
    return tuple(
        HeldAlert(to_alert(payload), read_history(connection, alert_id))
        for alert_id, payload in connection.execute(found).all()
    )


def _events(connection: Connection, account: str) -> tuple[Trace, ...]:
    table = tables.traces.c
    found = select(table.sequence, table.evidence, table.event).where(table.account == account)
    rows = connection.execute(found.order_by(table.time, table.sequence))
    return tuple(to_trace(*row) for row in rows)
