"""After a rotation of the keys: what is kept under an old pseudonym goes on under the new one."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, select, update

from alerts_api.storage import tables
from alerts_api.storage.rows import alert_row, to_alert, to_trace, trace_row
from service.records.identities import Link


def write_links(connection: Connection, links: Sequence[Link]) -> None:
    """Alerts and kept events change their account; the old identity goes, the new one is sealed already.

    A link that comes again finds nothing left to change.
    """
    for link in links:
        _link_alerts(connection, link)
        _link_traces(connection, link)
        connection.execute(delete(tables.identities).where(tables.identities.c.pseudonym == link.old))


def _link_alerts(connection: Connection, link: Link) -> None:
    table = tables.alerts
    payloads = connection.execute(select(table.c.payload).where(table.c.account == link.old)).scalars()
    for alert in [to_alert(payload) for payload in payloads]:
        row = alert_row(msgspec.structs.replace(alert, account=link.new))
        linked = {"account": row["account"], "payload": row["payload"]}
        connection.execute(update(table).where(table.c.alert_id == alert.alert_id).values(linked))


def _link_traces(connection: Connection, link: Link) -> None:
    table = tables.traces
    columns = table.c.sequence, table.c.evidence, table.c.event
    rows = connection.execute(select(*columns).where(table.c.account == link.old)).all()
    for trace in [to_trace(*row) for row in rows]:
        event = msgspec.structs.replace(trace.event, account=link.new)
        row = trace_row(msgspec.structs.replace(trace, event=event))
        linked = {"account": row["account"], "event": row["event"]}
        connection.execute(update(table).where(table.c.sequence == trace.sequence).values(linked))
