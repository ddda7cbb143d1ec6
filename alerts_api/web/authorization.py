"""Who may: the rule that every route declares.

A route says who may by taking its actor::

    @router.get("/drift")
    def drift(actor: Annotated[Actor, needs(Role.STATISTICIAN, Role.ADMIN)]) -> HTMLResponse: ...

What nobody allowed is refused: an app with a route that has no rule does not start (:func:`check_rules`).
An act that wants more than a session asks for a recent sign-in by :func:`fresh`.
"""

from typing import Any, NamedTuple, Protocol

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from alerts_api.signin.actors import SAFE_METHODS, Actor, NotConfirmedError, Role

CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"

# Open to everyone: who has not signed in yet must reach the authenticator, and a monitor must learn whether
# we work.
PUBLIC = frozenset(
    {
        "/static",
        "/healthz",
        "/signin",
        "/signin/local",
        "/signin/oidc",
        "/signin/callback",
        "/signin/demo",
        "/signout",
    }
)


class Authenticator(Protocol):
    """What knows who sends a request: :class:`alerts_api.web.authentication.RequestAuthenticator`."""

    def authenticate(self, request: Request, rule: "Rule", sent: str) -> Actor:
        """The actor, if the rule lets it in. ``sent``: the form's token. Raises :class:`RefusalError`."""

    def failed(self, request: Request) -> None:
        """It was let in and came to nothing through a fault."""


class Rule:
    """Who may use a route; a FastAPI dependency that gives the actor."""

    def __init__(self, roles: frozenset[Role], *, loopback: bool = False) -> None:
        self.roles = roles
        self.loopback = loopback  # or anybody on this machine, who has no name

    async def __call__(self, request: Request) -> Actor:
        authenticator: Authenticator = request.app.state.authenticator
        return await run_in_threadpool(authenticator.authenticate, request, self, await _sent_token(request))


def requires_roles(*roles: Role, loopback: bool = False) -> Any:
    """The rule of a route, for ``Annotated[Actor, needs(...)]``: one of these roles is enough."""
    return Depends(Rule(frozenset(roles), loopback=loopback))


def fresh(actor: Actor, seconds: float, *, now: float, back: str) -> None:
    """Go on only if the actor proved who it is within the last ``seconds``.

    Call it when a form is shown and again when it is sent. A visitor of a page comes back to ``back``.

    Raises:
        NotConfirmedError: it has to be proved again.
    """
    if not 0 <= now - actor.confirmed_at <= seconds:
        raise NotConfirmedError(actor, back)


class Route(NamedTuple):
    """One route of the app with what it says of who may."""

    methods: frozenset[str]
    path: str
    rule: Rule | None


def routes_of(app: FastAPI) -> list[Route]:
    """Every route, also those of mounted folders."""
    return [
        Route(frozenset(found.methods or ()), found.path or "", _rule(found.original_route))
        for found in iter_route_contexts(app.routes)
    ]


def check_rules(app: FastAPI) -> None:
    """Every route has a rule or is on the list of public ones. Raises ``RuntimeError``."""
    unruled = sorted(
        route.path for route in routes_of(app) if route.rule is None and route.path not in PUBLIC
    )
    if unruled:
        raise RuntimeError(f"who may use {', '.join(unruled)}? Take the actor with `needs`, see rules.py")


def _rule(route: BaseRoute) -> Rule | None:
    dependencies = route.dependant.dependencies if isinstance(route, APIRoute) else []
    return next((found.call for found in dependencies if isinstance(found.call, Rule)), None)


async def _sent_token(request: Request) -> str:
    """What a form sent to prove that it was a page of ours."""
    if request.method in SAFE_METHODS:
        return ""
    if header := request.headers.get(CSRF_HEADER):
        return header
    kind = request.headers.get("content-type", "")
    if not kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        return ""
    value = (await request.form()).get(CSRF_FIELD, "")
    return value if isinstance(value, str) else ""
