"""Verdicts that the workers do not have yet, over SQL.

It is a :class:`service.distributed.sink.verdict_publisher.VerdictOutbox`.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select

from alerts_api.alerts.verdicts import verdicts_after
from alerts_api.storage import tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import BUSY_SECONDS, Database, open_database
from alerts_api.stream.store import write_shared
from service.distributed.protocol.wire import VERSION, VerdictRecord

SENT = "verdicts-sent"  # name of the last one's id among the shared blobs


class SqlOutbox:
    """Every method raises :class:`alerts_api.storage.errors.StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self, limit: int) -> Sequence[VerdictRecord]:
        """The oldest that were not sent, in order. Without the note and the analyst."""
        with self._database.reading() as connection:
            return [
                VerdictRecord(
                    VERSION, j.verdict_id, j.alert_id, j.account, j.verdict, at, j.quiet_days, j.teaches
                )
                for j, at in verdicts_after(connection, _last(connection), limit)
            ]

    def sent(self, verdict_id: int) -> None:
        """All up to this one were."""
        with self._database.writing() as connection:
            write_shared(connection, {SENT: msgspec.json.encode(verdict_id)})

    def close(self) -> None:
        self._database.close()


def open_outbox(place: DatabaseLocation, *, busy_seconds: float = BUSY_SECONDS) -> SqlOutbox:
    """Of the site's database, which is made where there is none. Raises :class:`StoreError`."""
    return SqlOutbox(open_database(place, create=True, busy_seconds=busy_seconds))


def _last(connection: Connection) -> int:
    found = connection.execute(select(tables.shared.c.state).where(tables.shared.c.name == SENT)).scalar()
    return 0 if found is None else msgspec.json.decode(found, type=int)
