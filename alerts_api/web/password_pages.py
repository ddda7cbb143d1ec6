"""Sign-in of local users. Nobody is told what was wrong: name, password, code, or too many attempts.

Whatever is wrong takes as long: the password is hashed and the code computed for nobody's name, and while an
attempt has to wait, too; what is written of a failure is written after the answer.
"""

from typing import NamedTuple

from fastapi import Request
from starlette.background import BackgroundTask

from alerts_api.audit.errors import AuditError
from alerts_api.signin import credentials, users
from alerts_api.signin.actors import Actor
from alerts_api.signin.attempts import bucket_of
from alerts_api.storage.errors import StoreError
from alerts_api.web.authentication import NOBODY, RequestAuthenticator
from alerts_api.web.context import AppContext

REFUSED = (
    "That is not right: name, password or code, or it was tried too often. A code can be used once: wait for"
    " the next one, and after several attempts wait some minutes."
)


class Proved(NamedTuple):
    """The user, or nobody; and what is still to be done once the answer was sent."""

    actor: Actor | None
    after: BackgroundTask | None = None


def prove(
    context: AppContext,
    authenticator: RequestAuthenticator,
    request: Request,
    *,
    name: str,
    password: str,
    code: str,
) -> Proved:
    """The user, if these are the user's proofs and an attempt is allowed now."""
    if not authenticator.may_try(request):
        return Proved(None)
    now, place, attempts = context.clock(), authenticator.place_of(request, name), authenticator.attempts
    taken = attempts.begin(place.bucket)
    with context.reading() as connection:
        stored = users.stored_password(connection, name)
    # Outside of any transaction: it is meant to take long.
    right = credentials.verify_password(password, stored)
    with context.reading() as connection:
        step = users.step_of(connection, name, stored, code.replace(" ", ""), now)
    # Who knows the password and tries codes waits wherever they come from, but for the user's own devices.
    codes = bucket_of("code", name)
    taken = taken and (place.known or not right or attempts.begin(codes))
    actor = None
    if taken and right and step:
        with context.writing() as connection:
            actor = users.use_code(connection, name, step, now)
    if actor is None:
        authenticator.failed_to_sign_in(users.subject_of(name) if stored else NOBODY, "local")
        return Proved(None, BackgroundTask(_write_down, context, authenticator, name if right else "", now))
    attempts.succeed(place.bucket)
    attempts.succeed(codes)
    return Proved(actor)


def _write_down(context: AppContext, authenticator: RequestAuthenticator, name: str, now: float) -> None:
    """``name``: whose password was right, for the operator to see; empty where it was not."""
    authenticator.write_failures()
    if name:
        try:
            with context.writing() as connection:
                users.count_wrong_code(connection, name, now)
        except (StoreError, AuditError):
            return  # told only; the waiting itself is not kept here
