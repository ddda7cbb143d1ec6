"""What is too old goes once a day of event time; what is open, restricted or young stays."""

from contextlib import closing

from sqlalchemy import Connection, insert, select, update

from alerts_api.alerts.restrictions import restrict
from alerts_api.audit.leaves import ActKind, ActRole, Leaf
from alerts_api.audit.log import append
from alerts_api.rights.cases import Right, close_case, open_case, open_complaint, read_cases
from alerts_api.rights.retention import due, enforce, read_runs
from alerts_api.rights.subject_request import SubjectRequest
from alerts_api.storage import audit_tables as audit
from alerts_api.storage import tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import open_database
from alerts_api.stream.store import open_store
from service.config.tables import RetentionSettings
from service.records.checkpoints import Changes, Checkpoint
from tests.alerts_api.examples import DAY, NOW, fill

KEEP = RetentionSettings(true_alerts=365, other_alerts=90, cases=730, audit=730)
ALERT = tables.alerts.c


def left(connection: Connection) -> set[str]:
    return set(connection.execute(select(ALERT.alert_id)).scalars())


def test_closed_alerts_go_by_their_verdict(database: DatabaseLocation) -> None:
    stolen, harmless, waiting, frozen, *_ = fill(database)
    with closing(open_database(database, create=False)) as opened, opened.writing() as connection:
        connection.execute(update(tables.alerts).values(updated_at=NOW - 100 * DAY))
        connection.execute(update(tables.alerts).values(verdict="wrong-logic"))
        for alert, verdict in ((stolen, "confirmed"), (waiting, "")):
            mine = ALERT.alert_id == alert.alert_id
            connection.execute(update(tables.alerts).where(mine).values(verdict=verdict))
        restrict(connection, [frozen.account], "SD-1", NOW)
        frozen_too = set(
            connection.execute(select(ALERT.alert_id).where(ALERT.account == frozen.account)).scalars()
        )
        enforce(connection, KEEP, NOW, NOW + 0.5)
        assert left(connection) == {stolen.alert_id, waiting.alert_id} | frozen_too
        assert harmless.alert_id not in set(connection.execute(select(tables.marks.c.alert_id)).scalars())
        enforce(connection, KEEP, NOW + 300 * DAY, NOW + 0.5)
        assert left(connection) == {waiting.alert_id} | frozen_too


def test_a_sealed_name_goes_with_the_state_unless_an_alert_is_open(database: DatabaseLocation) -> None:
    known, alerted = "u1_" + "a" * 24, fill(database)[0].account
    with closing(open_database(database, create=False)) as opened, opened.writing() as connection:
        names = [known, alerted, "u1_" + "b" * 24]
        connection.execute(tables.identities.delete())
        rows = [{"pseudonym": name, "ring": "r", "sealed": b"x"} for name in names]
        connection.execute(insert(tables.identities), rows)
        connection.execute(tables.accounts.delete())
        connection.execute(insert(tables.accounts), [{"account": known, "state": b"x"}])
        enforce(connection, KEEP, NOW, NOW + 0.5)
        found = set(connection.execute(select(tables.identities.c.pseudonym)).scalars())
        assert found == {known, alerted}


def test_cases_and_what_the_audit_log_could_be_opened_by(database: DatabaseLocation) -> None:
    account = "u1_" + "a" * 24
    with closing(open_database(database, create=True)) as opened, opened.writing() as connection:
        open_case(connection, Right.ACCESS, SubjectRequest((account,), "SD-1", "dpo"), NOW)
        close_case(connection, Right.ACCESS, "SD-1", "copied", NOW + 1)
        open_complaint(connection, "SD-2", "dpo", NOW)
        append(
            connection,
            Leaf(kind=ActKind.RIGHTS_ACCESS, actor="dpo", role=ActRole.DPO, at=NOW, account=account),
        )
        enforce(connection, KEEP, NOW, NOW + 729 * DAY)
        assert len(read_cases(connection)) == 2
        assert connection.execute(select(audit.openings.c.value)).scalar() == account
        enforce(connection, KEEP, NOW, NOW + 731 * DAY)
        assert [case.reference for case in read_cases(connection)] == ["SD-2"]
        assert connection.execute(select(audit.openings.c.value)).scalar() is None
        kinds = connection.execute(select(audit.leaves.c.kind).order_by(audit.leaves.c.number)).scalars()
        assert list(kinds) == ["rights-access", "openings-expired"]


def test_once_a_day_in_the_checkpoint(database: DatabaseLocation) -> None:
    with closing(open_store(database, retention=KEEP)) as store:
        for moment in (NOW, NOW + 10, NOW + DAY):
            store.commit(Checkpoint(Changes(), {}, {}, last_event_time=moment, written_at=moment + 0.5))
    with closing(open_database(database, create=False)) as opened, opened.reading() as connection:
        runs = read_runs(connection)
        assert [run.store for run in runs] == ["alerts", "audit", "cases", "events", "identities", "reveals"]
        assert {run.until for run in runs} == {NOW + DAY}
        assert not due(connection, NOW + DAY + 10)
