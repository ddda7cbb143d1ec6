"""A browser's way to the identity provider and back, as a row on the server that is used once."""

import secrets
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert

from alerts_api.signin.sessions import hashed
from alerts_api.storage.signin_tables import flows

COOKIE = "journalguard-flow"
SECONDS = 600.0  # to come back within
_COLUMN = flows.c


class Flow(NamedTuple):
    """What has to fit when the browser comes back."""

    state: str
    nonce: str
    verifier: str  # of PKCE
    session: str  # hash of the one that is to be confirmed; "" for a new one
    back: str  # path to go on with
    started_at: float


def keep(connection: Connection, flow: Flow) -> str:
    """What the browser's cookie holds until it comes back."""
    connection.execute(delete(flows).where(_COLUMN.started_at <= flow.started_at - SECONDS))
    number = secrets.token_urlsafe(32)
    connection.execute(insert(flows), {"flow": hashed(number), **flow._asdict()})
    return number


def take(connection: Connection, number: str, now: float) -> Flow | None:
    """The browser's, which is gone then; ``None`` if there is none or it took too long."""
    row = connection.execute(
        delete(flows).where(_COLUMN.flow == hashed(number)).returning(flows)
    ).one_or_none()
    if row is None or not 0 <= now - row.started_at < SECONDS:
        return None
    return Flow(row.state, row.nonce, row.verifier, row.session, row.back, row.started_at)
