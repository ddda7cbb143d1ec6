"""The store of a site's stream: :class:`service.records.checkpoints.Store` over SQL."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from alerts_api.alerts.databases import GEO
from alerts_api.alerts.links import write_links
from alerts_api.alerts.verdicts import verdicts_after
from alerts_api.rights.erasure import erase_accounts, erase_identities, erase_traces
from alerts_api.rights.retention import due, enforce
from alerts_api.storage import tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import BUSY_SECONDS, Database, open_database
from alerts_api.storage.rows import Row, alert_row, mark_rows, rejected_row, trace_row
from service.config.tables import RetentionSettings
from service.records.checkpoints import AnalystVerdict, Checkpoint, SavedState
from service.records.events import Alert
from service.records.identities import SealedIdentity, encode

DEFAULT_RETENTION = RetentionSettings()
QUARANTINE = 1_000  # refused lines kept in the index
RAISED = "alerts_raised_total:"  # counters of the store's own, and the strongest detection at the opening
_BATCH = 1_000  # account states fetched, or alerts looked up, at once
_GROWING = frozenset(column.name for column in tables.alerts.c) - {
    "number",
    "alert_id",
    "verdict",
    "judged_at",
}
_OURS = tables.counters.c.name.startswith(RAISED, autoescape=True)
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class SqlStore:
    """Implements :class:`service.records.checkpoints.Store`, one per writing process; see :func:`open_store`.

    A committed checkpoint survives ``kill -9``; see :mod:`alerts_api.storage.sqlite` for power cuts.
    Every method raises :class:`alerts_api.storage.errors.StoreError`.
    """

    def __init__(self, database: Database, retention: RetentionSettings) -> None:
        self._database = database
        self._retention = retention

    def load(self) -> SavedState:
        """What the last checkpoint holds. The account states stream, in no particular order.

        Take them all before the next :meth:`commit`: they are of one moment until then.
        """
        with self._database.reading() as connection:
            shared = connection.execute(
                select(tables.shared.c.name, tables.shared.c.state).where(tables.shared.c.name != GEO)
            ).all()
            positions = connection.execute(
                select(tables.positions.c.source, tables.positions.c.position)
            ).all()
            counters = connection.execute(
                select(tables.counters.c.name, tables.counters.c.value).where(~_OURS)
            ).all()
            last = connection.execute(select(tables.feed.c.last_event_time)).scalar()
        return SavedState(
            accounts=self._accounts(),
            shared=dict(shared),
            positions=dict(positions),
            counters=dict(counters),
            last_event_time=last or 0,
        )

    def commit(self, checkpoint: Checkpoint) -> None:
        """Write one checkpoint, wholly or not at all. The same one again changes nothing.

        An alert never goes back to an older form, in whatever order its forms come.
        """
        changes = checkpoint.changes
        with self._database.writing() as connection:
            write_links(connection, changes.links)
            erase_accounts(connection, changes.erased)
            erase_traces(connection, changes.untraced)
            erase_identities(connection, changes.unnamed)
            _forget_accounts(connection, changes.gone)
            _upsert(connection, tables.accounts, [{"account": a, "state": s} for a, s in changes.accounts])
            write_shared(connection, changes.shared)
            _upsert(connection, tables.traces, [trace_row(trace) for trace in changes.traces], renew=False)
            connection.execute(delete(tables.traces).where(tables.traces.c.time < checkpoint.forget_before))
            write_identities(connection, changes.identities)
            _write_alerts(connection, changes.alerts)
            _write_progress(connection, checkpoint)
            _write_rejected(connection, checkpoint)
            if due(connection, checkpoint.last_event_time):
                enforce(connection, self._retention, checkpoint.last_event_time, checkpoint.written_at)

    def verdicts(self, after: int, limit: int) -> Sequence[AnalystVerdict]:
        """The oldest with ids above ``after``, in order."""
        with self._database.reading() as connection:
            return [judged for judged, _ in verdicts_after(connection, after, limit)]

    def sealed_for(self, ring: str) -> Iterator[str]:
        """Pseudonyms whose identity is sealed for these key-holders."""
        query = select(tables.identities.c.pseudonym).where(tables.identities.c.ring == ring)
        with self._database.reading() as connection:
            yield from connection.execution_options(yield_per=_BATCH).execute(query).scalars()

    def note_databases(self, sentences: Sequence[str]) -> None:
        """What the pages say of the location databases in use."""
        with self._database.writing() as connection:
            write_shared(connection, {GEO: msgspec.json.encode(sentences)})

    def forget_learnt(self, keep: Collection[str]) -> None:
        """Deletes what was learnt of accounts and site: states, kept events, shared blobs but ``keep``.

        Alerts, verdicts, identities, counters and read positions stay.
        """
        with self._database.writing() as connection:
            connection.execute(delete(tables.accounts))
            connection.execute(delete(tables.traces))
            connection.execute(delete(tables.shared).where(tables.shared.c.name.not_in(keep)))

    def close(self) -> None:
        self._database.close()

    def _accounts(self) -> Iterator[tuple[str, bytes]]:
        query = select(tables.accounts.c.account, tables.accounts.c.state)
        with self._database.reading() as connection:
            yield from connection.execution_options(yield_per=_BATCH).execute(query)


def open_store(
    place: DatabaseLocation,
    *,
    create: bool = True,
    busy_seconds: float = BUSY_SECONDS,
    retention: RetentionSettings = DEFAULT_RETENTION,
) -> SqlStore:
    """Open the site's database, making or upgrading its schema.

    Args:
        place: a file, whose folder must exist and which gets mode 0600, or a URL ``postgresql://…``.
        create: make the file, or the tables, where there are none.
        busy_seconds: how long to wait for another writer.
        retention: for how long things are kept.

    Raises:
        StoreError: one of its kinds, naming the place and the mend.
    """
    return SqlStore(open_database(place, create=create, busy_seconds=busy_seconds), retention)


def write_shared(connection: Connection, blobs: Mapping[str, bytes]) -> None:
    """Write these of the shared blobs; the others stay as they are."""
    _upsert(connection, tables.shared, [{"name": name, "state": state} for name, state in blobs.items()])


def write_identities(connection: Connection, identities: Sequence[SealedIdentity]) -> None:
    """Each replaces what there was of its pseudonym: it may be sealed for other key-holders now."""
    rows = [{"pseudonym": i.pseudonym, "ring": i.ring, "sealed": encode(i)} for i in identities]
    _upsert(connection, tables.identities, rows)


def _forget_accounts(connection: Connection, gone: Sequence[str]) -> None:
    if gone:
        this = tables.accounts.c.account == bindparam("this")
        connection.execute(delete(tables.accounts).where(this), [{"this": account} for account in gone])


class _Form(NamedTuple):
    """Orders the forms of a growing alert: the later has seen a later event, or more of them."""

    updated_at: int
    events: int


def _form(alert: Alert) -> _Form:
    return _Form(alert.updated_at, alert.events)


def _write_alerts(connection: Connection, alerts: Sequence[Alert]) -> None:
    newest: dict[str, Alert] = {}  # an alert may have grown twice in a checkpoint
    for alert in alerts:
        if alert.alert_id not in newest or _form(alert) >= _form(newest[alert.alert_id]):
            newest[alert.alert_id] = alert
    known = _known_forms(connection, list(newest))
    added = [alert for alert in newest.values() if alert.alert_id not in known]
    grown = [a for a in newest.values() if a.alert_id in known and _form(a) >= known[a.alert_id]]
    _insert_alerts(connection, added)
    _count_raised(connection, added)
    _update_alerts(connection, grown)
    _upsert(connection, tables.marks, [row for alert in (*added, *grown) for row in mark_rows(alert)])


def _known_forms(connection: Connection, alert_ids: Sequence[str]) -> dict[str, _Form]:
    alert = tables.alerts.c
    found: dict[str, _Form] = {}
    for start in range(0, len(alert_ids), _BATCH):
        some = alert.alert_id.in_(alert_ids[start : start + _BATCH])
        rows = connection.execute(select(alert.alert_id, alert.updated_at, alert.events).where(some))
        found |= {alert_id: _Form(*form) for alert_id, *form in rows}
    return found


def _insert_alerts(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Numbers go on where they were: counted here, since a server's own sequences leave holes."""
    if alerts:
        last = connection.execute(select(func.max(tables.alerts.c.number))).scalar() or 0
        rows = [{"number": last + n, **alert_row(alert)} for n, alert in enumerate(alerts, 1)]
        connection.execute(insert(tables.alerts), rows)


def _count_raised(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Once for each alert, when it opens: later it may grow into another detection, or be deleted."""
    opened = Counter(f"{RAISED}{alert.detections[0] if alert.detections else 'none'}" for alert in alerts)
    value = tables.counters.c.value
    for name, count in opened.items():
        statement = _INSERTS[connection.dialect.name](tables.counters).values(name=name, value=count)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"value": value + count})
        )


def _update_alerts(connection: Connection, alerts: Sequence[Alert]) -> None:
    """All but number, verdict and what goes with it."""
    if not alerts:
        return
    rows = [
        {
            "this": alert.alert_id,
            **{name: value for name, value in alert_row(alert).items() if name in _GROWING},
        }
        for alert in alerts
    ]
    this = tables.alerts.c.alert_id == bindparam("this")
    connection.execute(update(tables.alerts).where(this), rows)
    stale = delete(tables.marks).where(tables.marks.c.alert_id == bindparam("this"))
    connection.execute(stale, [{"this": alert.alert_id} for alert in alerts])


def _write_progress(connection: Connection, checkpoint: Checkpoint) -> None:
    connection.execute(delete(tables.positions))
    _upsert(
        connection, tables.positions, [{"source": s, "position": p} for s, p in checkpoint.positions.items()]
    )
    connection.execute(delete(tables.counters).where(~_OURS))
    _upsert(connection, tables.counters, [{"name": n, "value": v} for n, v in checkpoint.counters.items()])
    feed = {"id": 1, "last_event_time": checkpoint.last_event_time, "written_at": checkpoint.written_at}
    _upsert(connection, tables.feed, [feed])


def _write_rejected(connection: Connection, checkpoint: Checkpoint) -> None:
    if not checkpoint.rejected:
        return
    rows = [rejected_row(line, checkpoint.written_at) for line in checkpoint.rejected[-QUARANTINE:]]
    _upsert(connection, tables.rejected, rows, renew=False, key=("source", "line", "reason", "length"))
    line = tables.rejected.c
    oldest = select(line.id).order_by(line.id.desc()).offset(QUARANTINE).limit(1).scalar_subquery()
    connection.execute(delete(tables.rejected).where(line.id <= oldest))


def _upsert(
    connection: Connection,
    table: Table[Any],
    rows: Sequence[Row],
    *,
    key: Collection[str] = (),
    renew: bool = True,
) -> None:
    """Insert; a row of the same ``key`` (by default the table's) is overwritten if ``renew``, else stays."""
    if not rows:
        return
    key = key or tuple(column.name for column in table.primary_key)
    statement = _INSERTS[connection.dialect.name](table)
    if renew:
        renewed = {name: statement.excluded[name] for name in rows[0] if name not in key}
        statement = statement.on_conflict_do_update(index_elements=list(key), set_=renewed)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(key))
    connection.execute(statement, rows)
