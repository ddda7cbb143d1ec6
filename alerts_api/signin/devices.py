"""Browsers by which somebody has signed in before. Knowing one lets nobody in: it only waits by itself.

The cookie is 256 random bits, of which the server keeps the hash beside whose device it is.
"""

import secrets

from sqlalchemy import Connection, delete, insert, select

from alerts_api.signin.sessions import hashed
from alerts_api.storage.signin_tables import devices

COOKIE = "journalguard-device"
SECONDS = 180 * 86_400.0  # how long one is known
MOST = 20  # of one person; the oldest is forgotten

_COLUMN = devices.c


def owner(connection: Connection, number: str, now: float) -> str:
    """The subject that signed in by this device before; empty for a device that nobody knows."""
    found = select(_COLUMN.subject).where(_COLUMN.device == hashed(number), _COLUMN.made_at > now - SECONDS)
    return (connection.execute(found).scalar() or "") if number else ""


def make_known(connection: Connection, subject: str, now: float) -> str:
    """What the cookie of a device holds from now on."""
    connection.execute(delete(devices).where(_COLUMN.made_at <= now - SECONDS))
    newest = select(_COLUMN.device).where(_COLUMN.subject == subject).order_by(_COLUMN.made_at.desc())
    kept = list(connection.execute(newest.limit(MOST - 1)).scalars())
    connection.execute(delete(devices).where(_COLUMN.subject == subject, _COLUMN.device.not_in(kept)))
    number = secrets.token_urlsafe(32)
    connection.execute(insert(devices), {"device": hashed(number), "subject": subject, "made_at": now})
    return number


def forget(connection: Connection, subject: str) -> None:
    """All devices of somebody whose proofs have changed."""
    connection.execute(delete(devices).where(_COLUMN.subject == subject))
