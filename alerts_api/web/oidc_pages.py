"""Sign-in and confirmation by the site's identity provider: the way there, and the way back."""

import logging
from hmac import compare_digest

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts_api.audit import leaves
from alerts_api.signin import flows, sessions
from alerts_api.signin.actors import Actor, RefusalError, TooOftenError, conflict
from alerts_api.signin.claims import LEEWAY, lacking
from alerts_api.signin.errors import ProviderError
from alerts_api.signin.flows import Flow
from alerts_api.signin.paths import safe_path
from alerts_api.signin.provider import CALLBACK, Person, Provider, new_flow
from alerts_api.web import cookies
from alerts_api.web.authentication import NOBODY, NOT_SECURE, RequestAuthenticator, separated
from alerts_api.web.context import AppContext
from alerts_api.web.navigation import home
from alerts_api.web.problems import problem_response
from alerts_api.web.rendering import page

_log = logging.getLogger("journalguard.signin")

AGAIN = "That did not work. Begin again; if it goes on, tell the operator, who finds the cause in the log."
AWAY = "The identity provider is not reached. Try again later."
NO_ROLE = "You are known, but none of your groups has a role here. Ask the operator for one."


def oidc_pages(context: AppContext, authenticator: RequestAuthenticator, provider: Provider) -> APIRouter:
    """Both are open to everybody: who comes there has no session yet, or none that the browser may send."""
    router = APIRouter(include_in_schema=False)

    @router.get("/signin/oidc")
    def to_provider(request: Request, next: str = "", confirm: bool = False) -> Response:
        if not authenticator.may_try(request):
            raise TooOftenError("too-often", "Too many attempts. Wait a minute.")
        if not cookies.may_carry(request.scope):
            raise RefusalError("not-secure", NOT_SECURE)
        actor = authenticator.identify(request) if confirm else None
        flow = new_flow(actor.session if actor else "", safe_path(next), context.clock())
        try:
            address = provider.begin(flow, again=bool(flow.session))
        except ProviderError as error:
            _log.error("%s", error)
            return problem_response(request.scope, 503, AWAY)
        with context.writing() as connection:
            number = flows.keep(connection, flow)
        answer = RedirectResponse(address, 303)
        # Lax: the provider's page sends the browser back, which is another site.
        cookies.set_cookie(
            answer, request.scope, number, name=flows.COOKIE, same_site="lax", seconds=int(flows.SECONDS)
        )
        return answer

    @router.get(CALLBACK)
    def from_provider(request: Request, code: str = "", state: str = "", iss: str = "") -> Response:
        now = context.clock()
        with context.writing() as connection:
            flow = flows.take(connection, cookies.read_cookie(request, flows.COOKIE), now)
        if not authenticator.may_try(request):
            raise TooOftenError("too-often", "Too many attempts. Wait a minute.")
        try:
            if flow is None or not compare_digest(
                flow.state.encode(), state.encode("utf-8", "surrogatepass")
            ):
                raise ProviderError("a browser came back that was not sent, or not by this way, or too late")
            if iss and iss != provider.settings.issuer:
                raise ProviderError("another provider's answer came back")
            if not code:
                raise ProviderError("the identity provider sent the browser back without a code")
            person = provider.finish(code, flow)
            actor, kind = _actor(context, authenticator, provider, person, flow)
        except ProviderError as error:
            return _failed(authenticator, request, str(error))
        goes_on = flow.back or home(actor)
        answer = authenticator.start_session(request, actor, goes_on, kind, from_elsewhere=flow)
        cookies.clear_cookie(answer, request.scope, flows.COOKIE)
        return answer

    return router


def _actor(
    context: AppContext,
    authenticator: RequestAuthenticator,
    provider: Provider,
    person: Person,
    flow: Flow,
) -> tuple[Actor, leaves.ActKind]:
    """Raises ``ProviderError``, or ``RefusalError`` for a person who is known but cannot come in so."""
    if found := conflict(person.roles):
        _refuse(authenticator, person, "-and-".join(found.roles))
        raise RefusalError("separation", separated(found))
    if not person.roles:
        _refuse(authenticator, person, "no-role")
        raise RefusalError("no-role", NO_ROLE)
    now = context.clock()
    if not flow.session:
        weak = lacking(person.proof, provider.settings)
        signed_in_at, confirmed_at = now, 0.0 if weak else _seen_at(person, now)
        kind = leaves.ActKind.SIGNED_IN
    else:
        signed_in_at = _confirmed(context, provider, person, flow)
        confirmed_at, kind = now, leaves.ActKind.STEPPED_UP
    actor = Actor(
        person.subject,
        person.name,
        person.roles,
        "oidc",
        signed_in_at=signed_in_at,
        confirmed_at=confirmed_at,
    )
    return actor, kind


def _seen_at(person: Person, now: float) -> float:
    """When the provider last saw a proof: a single sign-on of this morning is no fresh one."""
    return min(now, person.proof.auth_time) if person.proof.auth_time else 0.0


def _confirmed(context: AppContext, provider: Provider, person: Person, flow: Flow) -> float:
    """When that session began. Raises ``ProviderError`` unless it is the same person, proved anew."""
    with context.reading() as connection:
        before = sessions.find_hashed(connection, flow.session, context.clock())
    if before is None or before.subject != person.subject:
        raise ProviderError("somebody else came back, or the session has ended meanwhile")
    if person.proof.auth_time < flow.started_at - LEEWAY:
        raise ProviderError("the identity provider did not ask for a proof anew")
    if weak := lacking(person.proof, provider.settings):
        raise ProviderError(f"the identity provider's proof is not one that {weak} asks for")
    return before.signed_in_at


def _failed(authenticator: RequestAuthenticator, request: Request, cause: str) -> Response:
    _log.warning("sign-in failed: %s", cause)
    authenticator.failed_to_sign_in(NOBODY, "oidc")
    authenticator.write_failures()
    answer = HTMLResponse(page("problem.html", title="Not signed in", status_code=401, sentence=AGAIN), 401)
    cookies.clear_cookie(answer, request.scope, flows.COOKIE)
    return answer


def _refuse(authenticator: RequestAuthenticator, person: Person, why: str) -> None:
    authenticator.failed_to_sign_in(person.subject, "oidc", why)
    authenticator.write_failures()
