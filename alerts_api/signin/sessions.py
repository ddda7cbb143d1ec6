"""Sessions as rows on the server. A browser's cookie holds 256 random bits, the row only their hash.

OWASP ASVS 5.0, 7.2 to 7.4: a new number at every sign-in and confirmation, so that a number somebody planted
is worth nothing; an end at idleness, at the end of a working day and at sign-out, on the server.
"""

import secrets
from hashlib import sha256
from hmac import compare_digest

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from alerts_api.signin.actors import Actor, Role
from alerts_api.signin.persons import person_of
from alerts_api.storage.signin_tables import people, sessions

IDLE_SECONDS = 15 * 60.0
LONGEST_SECONDS = 8 * 3_600.0
TOUCH_SECONDS = 30.0  # how often a use is written down
SESSION_ID_BYTES = 32

_COLUMN = sessions.c


def hashed(number: str) -> str:
    """What the server keeps of a secret that was drawn at random."""
    return sha256(number.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_of(session_id: str) -> str:
    """The token of a session's forms. Whoever knows it does not know the session's number."""
    return hashed(f"csrf:{session_id}")


def csrf_fits(actor: Actor, sent: str) -> bool:
    return compare_digest(actor.csrf.encode(), sent.encode("utf-8", "surrogatepass"))


def begin(connection: Connection, actor: Actor, now: float, replacing: str = "") -> str:
    """A new session of the actor, in place of an old one; its number, for the cookie.

    Args:
        actor: with the times of sign-in and confirmation.
        replacing: hash of the number of the session that ends.
    """
    _remove_ended(connection, now)
    connection.execute(delete(sessions).where(_COLUMN.session == replacing))
    number = secrets.token_urlsafe(SESSION_ID_BYTES)
    row = {
        "session": hashed(number),
        "subject": actor.subject,
        "name": actor.name,
        "roles": join(actor.roles),
        "via": actor.via,
        "signed_in_at": actor.signed_in_at,
        "confirmed_at": actor.confirmed_at,
        "seen_at": now,
    }
    connection.execute(insert(sessions), row)
    connection.execute(delete(people).where(people.c.subject == actor.subject))
    connection.execute(insert(people), {"subject": actor.subject, "name": actor.name})
    return number


def find(connection: Connection, session_id: str, now: float) -> tuple[Actor, float] | None:
    """Whose session this is, and when it was last used; ``None`` if it is none or has ended."""
    row = _row(connection, hashed(session_id), now)
    return (_actor(connection, row, csrf_of(session_id)), row.seen_at) if row else None


def find_hashed(connection: Connection, session: str, now: float) -> Actor | None:
    """Whose session has this hash; without the token of its forms, which only the browser's number gives."""
    row = _row(connection, session, now)
    return _actor(connection, row, "") if row else None


def touch(connection: Connection, session: str, now: float) -> None:
    """It was used."""
    connection.execute(update(sessions).where(_COLUMN.session == session).values(seen_at=now))


def end(connection: Connection, session_id: str) -> None:
    """At once, on the server."""
    connection.execute(delete(sessions).where(_COLUMN.session == hashed(session_id)))


def end_all(connection: Connection, subject: str) -> None:
    """All sessions of a person whose rights or proofs have changed."""
    connection.execute(delete(sessions).where(_COLUMN.subject == subject))


def join(roles: frozenset[Role]) -> str:
    """As tables keep roles."""
    return " ".join(sorted(roles))


def split(roles: str) -> frozenset[Role]:
    return frozenset(map(Role, roles.split()))


def _row(connection: Connection, session: str, now: float) -> Row[tuple[object, ...]] | None:
    row = connection.execute(select(sessions).where(_COLUMN.session == session)).one_or_none()
    return row if row is not None and _lasts(row, now) else None


def _lasts(row: Row[tuple[object, ...]], now: float) -> bool:
    return bool(now - row.seen_at < IDLE_SECONDS and now - row.signed_in_at < LONGEST_SECONDS)


def _remove_ended(connection: Connection, now: float) -> None:
    ended = or_(_COLUMN.seen_at <= now - IDLE_SECONDS, _COLUMN.signed_in_at <= now - LONGEST_SECONDS)
    connection.execute(delete(sessions).where(ended))


def _actor(connection: Connection, row: Row[tuple[object, ...]], csrf: str) -> Actor:
    return Actor(
        subject=row.subject,
        name=row.name,
        roles=split(row.roles),
        via=row.via,
        session=row.session,
        csrf=csrf,
        signed_in_at=row.signed_in_at,
        confirmed_at=row.confirmed_at,
        person=person_of(connection, row.subject),
    )
