"""The authenticator: who sends a request, whether the route lets this one in, and what is recorded of it."""

import logging
import re
from typing import NamedTuple

from fastapi import Request
from msgspec.structs import replace
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts_api.audit import leaves
from alerts_api.audit.errors import AuditError
from alerts_api.audit.log import append
from alerts_api.audit.tally import Tally
from alerts_api.signin import devices, sessions, tokens, users
from alerts_api.signin.actors import (
    GATE_ROLES,
    SAFE_METHODS,
    Actor,
    Conflict,
    NotSignedInError,
    RefusalError,
    Role,
    TooOftenError,
    conflict,
)
from alerts_api.signin.attempts import AttemptBook, bucket_of, network_of
from alerts_api.signin.flows import Flow
from alerts_api.signin.persons import is_linked, roles_elsewhere
from alerts_api.signin.rate_limits import Limiter
from alerts_api.storage.errors import StoreError
from alerts_api.web import cookies
from alerts_api.web.authorization import Rule
from alerts_api.web.context import AppContext
from alerts_api.web.rendering import page

_FOR_TOKENS = ("/api/", "/metrics")

OPEN = Actor(subject="open", name="Visitor", roles=frozenset({Role.ANALYST}), via="open")
DEMO = Actor(subject="demo", name="Visitor", roles=frozenset({Role.ANALYST}), via="demo")
MACHINE = Actor(subject="machine", name="This machine", roles=frozenset(), via="open")
NOBODY = "nobody"
NOT_SECURE = "Sign in over https, or at this machine itself."
UNLINKED = (
    "It is not known who you are at the identity provider, and this site has one: so as key-holder, approver "
    "or data protection officer you cannot sign in here. The operator says it by `journalguard users link`."
)

_log = logging.getLogger("journalguard.signin")


class Place(NamedTuple):
    """From where somebody tries to prove who they are."""

    bucket: str  # what waits after failures
    known: bool  # this user has signed in here before


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
        self._tries = Limiter(10, 60.0, context.clock)  # of one place, or one known device, to sign in
        self.attempts = AttemptBook(context.clock)
        self._tally = Tally()

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
        """Whether this place, or this known device, may try to sign in once more. Takes a turn."""
        return self._tries.allows(self._device(request) or self._place(request))

    def place_of(self, request: Request, name: str) -> Place:
        """From where this user's password and code are tried."""
        actor = self._by_session(request)
        subject = users.subject_of(name)
        if actor is not None and actor.subject == subject:
            return Place(bucket_of("session", actor.session), True)
        if self._owner(request) == subject:
            return Place(bucket_of("device", self._device(request)), True)
        return Place(bucket_of("network", name, self._place(request)), False)

    def failed_to_sign_in(self, subject: str, how: str, why: str = "") -> None:
        """Counts it; :meth:`write_failures` writes it down, which may wait until the answer was sent."""
        at = int(self._context.clock())
        failed = leaves.ActKind.SIGN_IN_FAILED
        role = leaves.ActRole.NOBODY
        self._tally.note(leaves.Leaf(kind=failed, actor=subject, role=role, at=at, outcome=how, reason=why))

    def write_failures(self, *, everything: bool = False) -> None:
        """What was counted of failures goes into the audit log, a leaf a minute of each kind at most."""
        for leaf in self._tally.take(self._context.clock(), everything=everything):
            self._record_quietly(leaf)

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
        actor = self._fit(actor)
        before = from_elsewhere.session if from_elsewhere else sessions.hashed(cookies.read_cookie(request))
        owner = self._owner(request)
        with self._context.writing() as connection:
            now = self._context.clock()
            number = sessions.begin(connection, actor, now, before)
            known = owner == actor.subject
            device = (
                "" if known or actor.via == "demo" else devices.make_known(connection, actor.subject, now)
            )
            self.record(connection, kind, actor)
        # A strict cookie does not go along while a browser is still following another site's link; from a
        # page of ours it does.
        answer = (
            HTMLResponse(page("onward.html", onward=goes_on))
            if from_elsewhere
            else RedirectResponse(goes_on, 303)
        )
        cookies.set_cookie(answer, request.scope, number)
        if device:
            cookies.set_cookie(
                answer,
                request.scope,
                device,
                name=devices.COOKIE,
                same_site="lax",
                seconds=int(devices.SECONDS),
            )
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

    def _fit(self, actor: Actor) -> Actor:
        """The actor with the roles that this way in may bring. Raises :class:`RefusalError`."""
        with self._context.reading() as connection:
            elsewhere = roles_elsewhere(connection, actor.subject)
            alone = self._provided and actor.via == "local" and not is_linked(connection, actor.subject)
        if alone:
            actor = replace(actor, roles=actor.roles - GATE_ROLES)
        if not actor.roles:
            raise RefusalError("unlinked", UNLINKED)
        if found := conflict(actor.roles | elsewhere):
            raise RefusalError("separation", separated(found))
        return actor

    def _device(self, request: Request) -> str:
        """What the browser's cookie of a known device holds; empty where nobody knows it."""
        return cookies.read_cookie(request, devices.COOKIE) if self._owner(request) else ""

    def _owner(self, request: Request) -> str:
        number = cookies.read_cookie(request, devices.COOKIE)
        if not number:
            return ""
        with self._context.reading() as connection:
            return devices.owner(connection, number, self._context.clock())

    @staticmethod
    def _place(request: Request) -> str:
        return network_of(request.client.host if request.client else "")

    def _authenticated(self, request: Request, rule: Rule, sent: str) -> Actor:
        if rule.loopback and self._at_this_machine(request):
            return MACHINE  # without a look into the database, which may be away
        actor = self.identify(request)
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
        return cookies.is_near(request.scope)

    def tells_details(self, request: Request) -> bool:
        """Whether the sender is one of the staff, a program of theirs, or at this machine."""
        try:
            return self.identify(request) is not None or self._at_this_machine(request)
        except RefusalError:
            return False  # a token that is none any more is no reason to call the service broken

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
        if actor is None and _reads_a_page(request):
            return  # it is led to the sign-in
        leaf = leaves.Leaf(
            kind=leaves.ActKind.REQUEST_REFUSED,
            actor=actor.subject if actor else NOBODY,
            role=leaves.ActRole(actor.acting()) if actor else leaves.ActRole.NOBODY,
            at=int(self._context.clock()),
            reason=refused.reason,
            outcome=address_code(request),
        )
        self._tally.note(leaf, anywhere=actor is None)
        self.write_failures()

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


def separated(found: Conflict) -> str:
    """What somebody is told whose roles nobody has together."""
    one, other = (role.replace("_", " ") for role in found.roles)
    return (
        f"Your groups or sign-ins make you {one} and {other} at once. Nobody is both here: {found.why}. "
        "Have one of them taken away, then sign in again."
    )
