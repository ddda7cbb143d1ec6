"""People of a site at their browsers: each signed in with a session of its own."""

from contextlib import closing

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from alerts_api.audit.leaves import Record, decode
from alerts_api.signin import sessions
from alerts_api.signin.actors import Actor, Role
from alerts_api.storage import audit_tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import open_database
from alerts_api.web.authorization import CSRF_HEADER
from tests.alerts_api.examples import NOW

BASE = "http://127.0.0.1:8321"
AT = NOW + 30.0


def person(*roles: Role, subject: str = "", at: float = AT) -> Actor:
    """Somebody who signed in just now."""
    name = subject or "-".join(roles)
    return Actor(name, name.capitalize(), frozenset(roles), "local", signed_in_at=at, confirmed_at=at)


def begin(database: DatabaseLocation, actor: Actor, now: float = AT) -> str:
    """A session of the actor: what its cookie holds."""
    with closing(open_database(database, create=True)) as opened, opened.writing() as connection:
        return sessions.begin(connection, actor, now)


def browser(app: FastAPI, number: str = "", *, at: str = "127.0.0.1") -> TestClient:
    """A browser with that session, whose forms carry its token; or one of nobody.

    ``at`` is the address that its connections come from: by https, if not from this machine.
    """
    near = at == "127.0.0.1"
    base = BASE if near else BASE.replace("http:", "https:")
    client = TestClient(
        app, base_url=base, raise_server_exceptions=False, follow_redirects=False, client=(at, 50_000)
    )
    if number:
        client.cookies.set("journalguard" if near else "__Host-journalguard", number)
        client.headers[CSRF_HEADER] = sessions.csrf_of(number)
    return client


def acts(database: DatabaseLocation) -> list[Record]:
    """What the audit log holds, oldest first."""
    with closing(open_database(database, create=True)) as opened, opened.reading() as connection:
        rows = connection.execute(
            select(audit_tables.leaves.c.data).order_by(audit_tables.leaves.c.number)
        ).scalars()
        return [record for data in rows if (record := decode(data))]
