"""The door: who sends a request, whether the route's rule lets this one in, and what is recorded of it."""

import logging
import re

from fastapi import Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from alerts_api.actors import (
    SAFE_METHODS,
    Actor,
    NotSignedInError,
    RefusalError,
    Role,
    Rule,
    TooOftenError,
)
from alerts_api.audit import leaves
from alerts_api.audit.log import append
from alerts_api.errors import StoreError
from alerts_api.guard import LOOPBACK
from alerts_api.room import Room
from alerts_api.signin import cookies, sessions
from alerts_api.signin.limits import Limiter

OPEN = Actor(subject="open", name="Visitor", roles=frozenset({Role.ANALYST}), via="open")
DEMO = Actor(subject="demo", name="Visitor", roles=frozenset({Role.ANALYST}), via="demo")
MACHINE = Actor(subject="machine", name="This machine", roles=frozenset(), via="open")
NOBODY = "nobody"

_log = logging.getLogger("journalguard.signin")


class SignInDoor:
    """Implements :class:`alerts_api.actors.Door`.

    Args:
        local: whether the pages are served at this machine's own address only.
    """

    def __init__(self, room: Room, *, local: bool) -> None:
        self._room = room
        self._local = local
        self._acts = Limiter(60, 60.0)  # a person judges an alert a second at most
        self._refusals = Limiter(60, 3_600.0)  # of nobody in particular, so that nobody can fill the log

    def admit(self, request: Request, rule: Rule, sent: str) -> Actor:
        """Raises :class:`RefusalError`, after it was written down."""
        try:
            return self._admitted(request, rule, sent)
        except RefusalError as refused:
            self._write_down(request, refused)
            raise

    def who(self, request: Request) -> Actor | None:
        """The visitor, if we know one."""
        return self._by_session(request) or self._visitor(request)

    def let_in(self, request: Request, actor: Actor, goes_on: str) -> Response:
        """Begins a session of the actor, in place of any this browser has. Raises :class:`RefusalError`."""
        if not cookies.may_carry(request.scope):
            raise RefusalError("not-secure", "Sign in over https, or at this machine itself.")
        with self._room.writing() as connection:
            number = sessions.begin(connection, actor, self._room.clock(), cookies.read(request))
            self.record(connection, leaves.Kind.SIGNED_IN, actor)
        answer = RedirectResponse(goes_on, 303)
        cookies.give(answer, request.scope, number)
        return answer

    def record(self, connection: Connection, kind: leaves.Kind, actor: Actor) -> None:
        """An act of sign-in, in the transaction that does it."""
        role = leaves.Role(actor.acting())
        append(
            connection,
            leaves.Leaf(
                kind=kind, actor=actor.subject, role=role, at=int(self._room.clock()), outcome=actor.via
            ),
        )

    def _admitted(self, request: Request, rule: Rule, sent: str) -> Actor:
        actor = self.who(request)
        if rule.loopback and self._at_this_machine(request):
            return actor or MACHINE
        if actor is None:
            raise NotSignedInError("not-signed-in", "Sign in first.")
        if not actor.has(*rule.roles):
            raise RefusalError("role", "Your roles do not reach that far.", actor)
        if request.method not in SAFE_METHODS:
            if actor.session and not sessions.csrf_fits(actor, sent):
                raise RefusalError("csrf", "This form is of another session. Open the page again.", actor)
            if not self._acts.allows(actor.session or actor.subject):
                raise TooOftenError("too-often", "That is faster than a person works. Wait a minute.", actor)
        return actor

    def _by_session(self, request: Request) -> Actor | None:
        number = cookies.read(request)
        if not number or not cookies.may_carry(request.scope):
            return None
        now = self._room.clock()
        with self._room.reading() as connection:
            found = sessions.find(connection, number, now)
        if found is None:
            return None
        actor, seen_at = found
        if now - seen_at >= sessions.TOUCH_SECONDS and _by_hand(request):
            with self._room.writing() as connection:
                sessions.touch(connection, actor.session, now)
        return actor

    def _visitor(self, request: Request) -> Actor | None:
        """Whoever sits at this machine may read and judge until there is a first user."""
        if self._room.demo:
            return DEMO
        return OPEN if self._local and cookies.is_near(request.scope) else None

    def _at_this_machine(self, request: Request) -> bool:
        client = request.client.host if request.client else ""
        return cookies.is_near(request.scope) and (self._local or client in LOOPBACK)

    def _write_down(self, request: Request, refused: RefusalError) -> None:
        actor = refused.actor
        if actor is None and (_reads_a_page(request) or not self._refusals.allows(NOBODY)):
            return  # it is led to the sign-in
        leaf = leaves.Leaf(
            kind=leaves.Kind.REQUEST_REFUSED,
            actor=actor.subject if actor else NOBODY,
            role=leaves.Role(actor.acting()) if actor else leaves.Role.NOBODY,
            at=int(self._room.clock()),
            reason=refused.reason,
            outcome=address_code(request),
        )
        try:
            with self._room.writing() as connection:
                append(connection, leaf)
        except StoreError as error:
            _log.error("a refusal is not in the audit log: %s", error)


def address_code(request: Request) -> str:
    """Method and route as a code of the audit log: of what was sent nothing is in it.

    ``POST /alerts/{alert_id}/verdicts`` gives ``post-alerts-alert_id-verdicts``.
    """
    path = getattr(request.scope.get("route"), "path", "")
    return re.sub(r"[^a-z0-9_]+", "-", f"{request.method} {path}".lower()).strip("-")[:64]


def _by_hand(request: Request) -> bool:
    """Whether a person did this; a page that looks for news by itself does not keep a session alive."""
    return request.headers.get("sec-fetch-mode", "navigate") == "navigate"


def _reads_a_page(request: Request) -> bool:
    return request.method in SAFE_METHODS and not request.url.path.startswith("/api/")
