"""The authenticator: who sends a request, whether the route lets this one in, and what is recorded of it."""

import logging
import re

from fastapi import Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts_api.audit import leaves
from alerts_api.audit.errors import AuditError
from alerts_api.audit.log import append
from alerts_api.signin import sessions, tokens, users
from alerts_api.signin.actors import SAFE_METHODS, Actor, NotSignedInError, RefusalError, Role, TooOftenError
from alerts_api.signin.flows import Flow
from alerts_api.signin.rate_limits import Limiter
from alerts_api.storage.errors import StoreError
from alerts_api.web import cookies
from alerts_api.web.authorization import Rule
from alerts_api.web.context import AppContext
from alerts_api.web.rendering import page
from service.config.settings import LOOPBACK

_FOR_TOKENS = ("/api/", "/metrics")

OPEN = Actor(subject="open", name="Visitor", roles=frozenset({Role.ANALYST}), via="open")
DEMO = Actor(subject="demo", name="Visitor", roles=frozenset({Role.ANALYST}), via="demo")
MACHINE = Actor(subject="machine", name="This machine", roles=frozenset(), via="open")
NOBODY = "nobody"
NOT_SECURE = "Sign in over https, or at this machine itself."

_log = logging.getLogger("journalguard.signin")


class RequestAuthenticator:
    """Implements :class:`alerts_api.signin.actors.Authenticator`.

    Args:
        local: whether the pages are served at this machine's own address only.
        provided: whether there is an identity provider.
    """

    def __init__(self, context: AppContext, *, local: bool, provided: bool) -> None:
        self._context = context
        self._local = local
        self._provided = provided
        self._acts = Limiter(60, 60.0, context.clock)  # a person judges an alert a second at most
        self._tries = Limiter(10, 60.0, context.clock)  # of one address to sign in
        self._refusals = Limiter(60, 3_600.0, context.clock)  # of nobody we know, who shall not fill the log

    def authenticate(self, request: Request, rule: Rule, sent: str) -> Actor:
        """Raises :class:`RefusalError`, after it was written down."""
        try:
            request.state.actor = actor = self._authenticated(request, rule, sent)
            return actor
        except RefusalError as refused:
            self._write_down(request, refused)
            raise

    def identify(self, request: Request) -> Actor | None:
        """The visitor, if we know one. Raises :class:`RefusalError` for a token that is none."""
        if header := request.headers.get("authorization"):
            return self._by_token(request, header)
        return self._by_session(request) or self._visitor(request)

    def may_try(self, request: Request) -> bool:
        """Whether this address may try to sign in once more. Takes a turn."""
        return self._tries.allows(request.client.host if request.client else "")

    def start_session(
        self,
        request: Request,
        actor: Actor,
        goes_on: str,
        kind: leaves.ActKind = leaves.ActKind.SIGNED_IN,
        *,
        from_elsewhere: Flow | None = None,
    ) -> Response:
        """Begins a session of the actor, in place of any this browser has. Raises :class:`RefusalError`.

        Args:
            from_elsewhere: the way by which another site's page sent the browser here.
        """
        if not cookies.may_carry(request.scope):
            raise RefusalError("not-secure", NOT_SECURE)
        before = from_elsewhere.session if from_elsewhere else sessions.hashed(cookies.read_cookie(request))
        with self._context.writing() as connection:
            number = sessions.begin(connection, actor, self._context.clock(), before)
            self.record(connection, kind, actor)
        # A strict cookie does not go along while a browser is still following another site's link; from a
        # page of ours it does.
        answer = (
            HTMLResponse(page("onward.html", onward=goes_on))
            if from_elsewhere
            else RedirectResponse(goes_on, 303)
        )
        cookies.set_cookie(answer, request.scope, number)
        return answer

    def record(self, connection: Connection, kind: leaves.ActKind, actor: Actor) -> None:
        """An act of sign-in, in the transaction that does it."""
        role = leaves.ActRole(actor.acting())
        append(
            connection,
            leaves.Leaf(
                kind=kind, actor=actor.subject, role=role, at=int(self._context.clock()), outcome=actor.via
            ),
        )

    def _authenticated(self, request: Request, rule: Rule, sent: str) -> Actor:
        actor = self.identify(request)
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

    def _by_token(self, request: Request, header: str) -> Actor:
        kind, _, text = header.partition(" ")
        with self._context.reading() as connection:
            found = tokens.find(connection, text.strip(), self._context.clock())
        if found is None or kind.lower() != "bearer":
            raise NotSignedInError("token", "This token is unknown, revoked or past its end.")
        if not request.url.path.startswith(_FOR_TOKENS):
            raise RefusalError("token", "Tokens are for the JSON API and the metrics.", found.actor)
        if request.method not in found.methods:
            raise RefusalError("token", "This token reads only.", found.actor)
        return found.actor

    def _by_session(self, request: Request) -> Actor | None:
        number = cookies.read_cookie(request)
        if not number or not cookies.may_carry(request.scope):
            return None
        now = self._context.clock()
        with self._context.reading() as connection:
            found = sessions.find(connection, number, now)
        if found is None:
            return None
        actor, seen_at = found
        if now - seen_at >= sessions.TOUCH_SECONDS and _by_hand(request):
            with self._context.writing() as connection:
                sessions.touch(connection, actor.session, now)
        return actor

    def _visitor(self, request: Request) -> Actor | None:
        """Whoever sits at this machine may read and judge until there is a first user."""
        if self._context.demo:
            return DEMO
        return OPEN if self._local and cookies.is_near(request.scope) and self._is_open() else None

    def _is_open(self) -> bool:
        """Until there is somebody who could sign in."""
        if self._provided:
            return False
        with self._context.reading() as connection:
            return not users.any_there(connection)

    def _at_this_machine(self, request: Request) -> bool:
        client = request.client.host if request.client else ""
        return cookies.is_near(request.scope) and (self._local or client in LOOPBACK)

    def failed(self, request: Request) -> None:
        """An act that was admitted and came to nothing through a fault, in the audit log."""
        actor: Actor | None = getattr(request.state, "actor", None)
        if actor is None or request.method in SAFE_METHODS:
            return
        self._record_quietly(
            leaves.Leaf(
                kind=leaves.ActKind.REQUEST_FAILED,
                actor=actor.subject,
                role=leaves.ActRole(actor.acting()),
                at=int(self._context.clock()),
                outcome=address_code(request),
            )
        )

    def _write_down(self, request: Request, refused: RefusalError) -> None:
        actor = refused.actor
        if actor is None and (_reads_a_page(request) or not self._refusals.allows(NOBODY)):
            return  # it is led to the sign-in
        leaf = leaves.Leaf(
            kind=leaves.ActKind.REQUEST_REFUSED,
            actor=actor.subject if actor else NOBODY,
            role=leaves.ActRole(actor.acting()) if actor else leaves.ActRole.NOBODY,
            at=int(self._context.clock()),
            reason=refused.reason,
            outcome=address_code(request),
        )
        self._record_quietly(leaf)

    def _record_quietly(self, leaf: leaves.Leaf) -> None:
        try:
            with self._context.writing() as connection:
                append(connection, leaf)
        except (StoreError, AuditError) as error:
            _log.error("what was refused or failed is not in the audit log: %s", error)


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
