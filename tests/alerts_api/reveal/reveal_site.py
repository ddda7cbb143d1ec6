"""A site with alerts looked at and judged, identities sealed, trained key-holders, and second persons."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, insert, select

from alerts_api.audit.leaves import Record, decode
from alerts_api.reveal.facts import record_view
from alerts_api.reveal.gate import Ask, RevealReason, RevealRequest
from alerts_api.reveal.release_service import Released, ReleaseService
from alerts_api.signin.actors import Actor, Role
from alerts_api.storage import audit_tables, tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import Database, open_database
from alerts_api.storage.reveal_tables import trainings
from alerts_api.stream.store import open_store
from pseudonymiser.canonical import Identity
from pseudonymiser.holder_key import HolderKey
from pseudonymiser.vault import Vault
from service.config.tables import RevealSettings
from service.records.events import Alert
from service.records.identities import Mode
from tests.alerts_api.examples import NOW, checkpoint, make_alert

TEXT = "Twelve hundred PDFs in one night from a hosting network; the account has to be secured."
CASE = "INC-0012345"
KEY = HolderKey(bytes([1]) * 32, "desk-1")
DAY = 86_400.0


def actor(subject: str, *roles: Role, confirmed_at: float = NOW) -> Actor:
    return Actor(
        subject=subject, name=subject.title(), roles=frozenset(roles), via="oidc", confirmed_at=confirmed_at
    )


HOLDER = actor("holder-1", Role.KEY_HOLDER)
OTHER_HOLDER = actor("holder-2", Role.KEY_HOLDER)
APPROVER = actor("approver-1", Role.APPROVER)
DPO = actor("dpo-1", Role.DPO)
ANALYST = actor("analyst-1", Role.ANALYST)


class SentNotice(NamedTuple):
    """A mail that the DPO would have got."""

    request: str
    at: float


class RevealSite:
    """The site's database with a clock that tests set; ``reported`` are the DPO's mails."""

    def __init__(
        self,
        place: DatabaseLocation,
        alerts: int = 3,
        settings: RevealSettings | None = None,
        *,
        filled: bool = False,
    ) -> None:
        self.place = place
        self.now = float(NOW)
        self.alerts = [make_alert(index) for index in range(alerts)]
        self.settings = settings or RevealSettings()
        self.reported: list[SentNotice] = []
        if not filled:
            self._seal_and_judge()
        self.open()

    def open(self) -> None:
        """Anew, as after a crash."""
        self.database: Database = open_database(self.place, create=False, durable=True)
        self.release_service = ReleaseService(self.writing, self.settings, self.tell, lambda: self.now)

    def close(self) -> None:
        self.database.close()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self.database.writing() as connection:
            yield connection

    def tell(self, request: RevealRequest, at: float) -> None:
        self.reported.append(SentNotice(request.id, at))

    def fresh(self, who: Actor) -> Actor:
        """The same person, who has just proved it."""
        return msgspec.structs.replace(who, confirmed_at=self.now)

    def ask(self, alert: Alert | None = None, holder: Actor = HOLDER, *, urgent: bool = False) -> Ask:
        alert = alert or self.alerts[0]
        return Ask(
            self.fresh(holder),
            alert.alert_id,
            alert.account,
            RevealReason.COMPROMISE,
            TEXT,
            CASE,
            urgent=urgent,
        )

    def release(self, alert: Alert | None = None, holder: Actor = HOLDER) -> Released:
        """The whole way, where nothing speaks against it."""
        asked = self.release_service.ask(self.ask(alert, holder))
        assert asked.request is not None, asked.refusal
        taken = self.release_service.take(self.fresh(holder), asked.request.id)
        return self.release_service.redeem(self.fresh(holder), taken.ticket)

    def leaves(self) -> list[Record]:
        with self.database.reading() as connection:
            rows = connection.execute(
                select(audit_tables.leaves.c.data).order_by(audit_tables.leaves.c.number)
            )
            records = [decode(data) for (data,) in rows]
        return [record for record in records if record is not None]

    def _seal_and_judge(self) -> None:
        vault = Vault([KEY.holder], "1", Mode.ONE)
        sealed = tuple(vault.seal(each.account, Identity("", "jdoe")) for each in self.alerts)
        kept = checkpoint(self.alerts)
        store = open_store(self.place)
        store.commit(
            msgspec.structs.replace(kept, changes=msgspec.structs.replace(kept.changes, identities=sealed))
        )
        store.close()
        database = open_database(self.place, create=False)
        with database.writing() as connection:
            for alert in self.alerts:
                record_view(connection, alert.alert_id, ANALYST.subject, NOW - 60.0)
                judge(connection, alert.alert_id)
            for holder in (HOLDER, OTHER_HOLDER):
                train(connection, holder.subject, NOW + 365 * DAY)
        database.close()


def judge(connection: Connection, alert: str, subject: str = ANALYST.subject, at: float = NOW - 30.0) -> None:
    """A verdict, as the pages write it."""
    row = {"alert_id": alert, "verdict": "confirmed", "note": "", "actor": subject, "created_at": at}
    connection.execute(insert(tables.verdicts), row)
    connection.execute(
        tables.alerts.update().where(tables.alerts.c.alert_id == alert).values(verdict="confirmed")
    )


def train(connection: Connection, subject: str, until: float) -> None:
    row = {"subject": subject, "until": until, "recorded_by": DPO.subject, "recorded_at": float(NOW)}
    connection.execute(insert(trainings), row)
