"""A rotation of the keys in the database: what was one pseudonym's is another's."""

from contextlib import closing

import msgspec
from sqlalchemy import select

from alerts_api.storage import tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import open_database
from alerts_api.storage.rows import to_alert, to_trace
from alerts_api.stream.store import open_store
from service.records.checkpoints import Changes, Checkpoint
from service.records.identities import KeyShare, Link, Mode, SealedIdentity
from tests.alerts_api.examples import make_alert, make_traces

OLD, NEW = ("u1_" + "a" * 24, "u2_" + "b" * 24)


def sealed(pseudonym: str) -> SealedIdentity:
    share = KeyShare(("00112233aabbccdd",), b"\1")
    return SealedIdentity(1, pseudonym, pseudonym[1], Mode.ONE, "0123456789abcdef", (share,))


def test_everything_goes_on_under_the_new_name(database: DatabaseLocation) -> None:
    alert = msgspec.structs.replace(make_alert(1), account=OLD)
    traces = make_traces(alert, count=3, first=1)
    states = ((OLD, b"state"), ("other", b"state"))
    linked = Changes(
        accounts=((NEW, b"state"),), gone=(OLD,), links=(Link(OLD, NEW),), identities=(sealed(NEW),)
    )
    with closing(open_store(database)) as store:
        first = Changes(accounts=states, alerts=(alert,), traces=traces, identities=(sealed(OLD),))
        for changes in (first, linked, linked):
            store.commit(Checkpoint(changes=changes, positions={}, counters={}))
        assert dict(store.load().accounts) == {NEW: b"state", "other": b"state"}
    with closing(open_database(database, create=False)) as there, there.reading() as connection:
        found = connection.execute(select(tables.alerts.c.account, tables.alerts.c.payload)).one()
        assert (found.account, to_alert(found.payload)) == (NEW, msgspec.structs.replace(alert, account=NEW))
        kept = connection.execute(
            select(
                tables.traces.c.account,
                tables.traces.c.sequence,
                tables.traces.c.evidence,
                tables.traces.c.event,
            )
        ).all()
        assert {row.account for row in kept} == {NEW}
        assert {to_trace(*row[1:]).event.account for row in kept} == {NEW}
        assert connection.execute(select(tables.identities.c.pseudonym)).scalars().all() == [NEW]
