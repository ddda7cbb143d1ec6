"""Sign-in of local users. Nobody is told what was wrong: name, password, code, or too many attempts."""

from fastapi import Request

from alerts_api.audit import leaves
from alerts_api.audit.log import append
from alerts_api.signin import credentials, users
from alerts_api.signin.actors import Actor
from alerts_api.web.authentication import NOBODY, RequestAuthenticator
from alerts_api.web.context import AppContext

REFUSED = (
    "That is not right: name, password or code, or it was tried too often. A code can be used once: wait for"
    " the next one, and after several attempts wait some minutes."
)


def prove(
    context: AppContext,
    authenticator: RequestAuthenticator,
    request: Request,
    *,
    name: str,
    password: str,
    code: str,
) -> Actor | None:
    """The user, if these are the user's proofs and an attempt is allowed now."""
    if not authenticator.may_try(request):
        return None
    now = context.clock()
    with context.reading() as connection:
        sealed, takes_attempts = users.stored_password(connection, name, now)
    if not takes_attempts:
        return None
    # Outside of any transaction: it is meant to take long.
    opened = credentials.verify_password(password, sealed)
    with context.writing() as connection:
        actor = users.finish(connection, name, sealed, opened, code.replace(" ", ""), now)
        if actor is None:
            append(connection, _failed(users.subject_of(name) if sealed else NOBODY, now))
    return actor


def _failed(subject: str, now: float) -> leaves.Leaf:
    """What was typed for a name may be anything, even the password; only a user's own name is recorded."""
    return leaves.Leaf(
        kind=leaves.ActKind.SIGN_IN_FAILED,
        actor=subject,
        role=leaves.ActRole.NOBODY,
        at=int(now),
        outcome="local",
    )
