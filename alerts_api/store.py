"""The store of a site's stream: :class:`service.store.Store` over SQL."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from alerts_api import tables
from alerts_api.database import BUSY_SECONDS, Database, open_database
from alerts_api.rows import Row, alert_row, mark_rows, rejected_row, trace_row
from service.events import Alert
from service.store import Checkpoint, Saved

QUARANTINE = 1_000  # refused lines kept in the index
_BATCH = 1_000  # account states fetched at once
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class SqlStore:
    """Implements :class:`service.store.Store`. One per writing process; made by :func:`open_store`.

    A committed checkpoint survives ``kill -9``; see :mod:`alerts_api.database` for power cuts.
    Every method raises :class:`alerts_api.errors.StoreError`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> Saved:
        """What the last checkpoint holds. The account states stream, in no particular order.

        Take them all before the next :meth:`commit`: they are of one moment until then.
        """
        with self._database.reading() as connection:
            shared = connection.execute(select(tables.shared.c.name, tables.shared.c.state)).all()
            positions = connection.execute(
                select(tables.positions.c.source, tables.positions.c.position)
            ).all()
            counters = connection.execute(select(tables.counters.c.name, tables.counters.c.value)).all()
            last = connection.execute(select(tables.feed.c.last_event_time)).scalar()
        return Saved(
            accounts=self._accounts(),
            shared=dict(shared),
            positions=dict(positions),
            counters=dict(counters),
            last_event_time=last or 0,
        )

    def commit(self, checkpoint: Checkpoint) -> None:
        """Write one checkpoint, wholly or not at all. The same one again changes nothing."""
        changes = checkpoint.changes
        with self._database.writing() as connection:
            _upsert(connection, tables.accounts, [{"account": a, "state": s} for a, s in changes.accounts])
            _upsert(connection, tables.shared, [{"name": n, "state": s} for n, s in changes.shared.items()])
            _upsert(connection, tables.traces, [trace_row(trace) for trace in changes.traces], update=())
            connection.execute(delete(tables.traces).where(tables.traces.c.time < checkpoint.forget_before))
            _write_alerts(connection, changes.alerts)
            _write_progress(connection, checkpoint)
            _write_rejected(connection, checkpoint)

    def close(self) -> None:
        self._database.close()

    def _accounts(self) -> Iterator[tuple[str, bytes]]:
        query = select(tables.accounts.c.account, tables.accounts.c.state)
        with self._database.reading() as connection:
            yield from connection.execution_options(yield_per=_BATCH).execute(query)


def open_store(path: str | Path, *, create: bool = True, busy_seconds: float = BUSY_SECONDS) -> SqlStore:
    """Open the site's database, making or upgrading its schema.

    Args:
        path: the file; its folder must exist. A new file gets mode 0600.
        create: make the file when it is missing.
        busy_seconds: how long to wait for another writer.

    Raises:
        StoreError: one of its kinds, naming the file and the mend.
    """
    return SqlStore(open_database(Path(path), create=create, busy_seconds=busy_seconds))


def _write_alerts(connection: Connection, alerts: Sequence[Alert]) -> None:
    newest = {alert.alert_id: alert for alert in alerts}  # an alert may have grown twice in a checkpoint
    rows = [alert_row(alert) for alert in newest.values()]
    _upsert(connection, tables.alerts, rows, keep=("verdict", "judged_at"), key=("alert_id",))
    if rows:
        stale = delete(tables.marks).where(tables.marks.c.alert_id == bindparam("alert"))
        connection.execute(stale, [{"alert": alert_id} for alert_id in newest])
    _upsert(connection, tables.marks, [row for alert in newest.values() for row in mark_rows(alert)])


def _write_progress(connection: Connection, checkpoint: Checkpoint) -> None:
    connection.execute(delete(tables.positions))
    _upsert(
        connection, tables.positions, [{"source": s, "position": p} for s, p in checkpoint.positions.items()]
    )
    connection.execute(delete(tables.counters))
    _upsert(connection, tables.counters, [{"name": n, "value": v} for n, v in checkpoint.counters.items()])
    feed = {"id": 1, "last_event_time": checkpoint.last_event_time, "written_at": checkpoint.written_at}
    _upsert(connection, tables.feed, [feed])


def _write_rejected(connection: Connection, checkpoint: Checkpoint) -> None:
    if not checkpoint.rejected:
        return
    rows = [rejected_row(line, checkpoint.written_at) for line in checkpoint.rejected[-QUARANTINE:]]
    _upsert(connection, tables.rejected, rows, update=(), key=("source", "line", "reason", "length"))
    newest = connection.execute(select(func.max(tables.rejected.c.id))).scalar() or 0
    connection.execute(delete(tables.rejected).where(tables.rejected.c.id <= newest - QUARANTINE))


def _upsert(
    connection: Connection,
    table: Table[Any],
    rows: Sequence[Row],
    *,
    key: Collection[str] = (),
    update: Collection[str] | None = None,
    keep: Collection[str] = (),
) -> None:
    """Insert, or on a row with the same key overwrite ``update`` (by default all but key and ``keep``)."""
    if not rows:
        return
    key = key or tuple(column.name for column in table.primary_key)
    update = [name for name in rows[0] if name not in key and name not in keep] if update is None else update
    insert = _INSERTS[connection.dialect.name](table)
    if update:
        statement = insert.on_conflict_do_update(
            index_elements=list(key), set_={name: insert.excluded[name] for name in update}
        )
    else:
        statement = insert.on_conflict_do_nothing(index_elements=list(key))
    connection.execute(statement, rows)
