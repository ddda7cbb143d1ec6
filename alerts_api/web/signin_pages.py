"""The pages of sign-in: sign-in itself, proving again who one is, the demonstration's roles, sign-out."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from msgspec.structs import replace
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts_api.audit.leaves import ActKind
from alerts_api.signin import sessions, users
from alerts_api.signin.actors import EVERYONE, Actor, Role
from alerts_api.signin.paths import safe_path
from alerts_api.web import cookies, password_pages
from alerts_api.web.authentication import RequestAuthenticator
from alerts_api.web.authorization import requires_roles
from alerts_api.web.context import AppContext
from alerts_api.web.navigation import home
from alerts_api.web.rendering import page

if TYPE_CHECKING:
    from alerts_api.signin.provider import Provider

Typed = Annotated[str, Form(max_length=300, pattern=r"^[^\x00]*$")]  # PostgreSQL takes no NUL
Anybody = Annotated[Actor, requires_roles(*EVERYONE)]


def signin_pages(
    context: AppContext, authenticator: RequestAuthenticator, provider: "Provider | None"
) -> APIRouter:
    """What is open to everybody, and the confirmation of who has signed in."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def shown(
        request: Request, onward: str, refusal: str = "", after: BackgroundTask | None = None
    ) -> HTMLResponse:
        values = {
            "demo": context.demo,
            "here": "signin",
            "actor": authenticator.identify(request),
            "next": safe_path(onward),
        }
        with context.reading() as connection:
            values["local"] = users.any_there(connection)
        values["secure"] = cookies.may_carry(request.scope)
        text = page("signin.html", **values, provided=provider is not None, refusal=refusal)
        return HTMLResponse(text, 401 if refusal else 200, background=after)

    @router.get("/signin")
    def signin(request: Request, next: str = "") -> HTMLResponse:
        return shown(request, next)

    @router.post("/signin/local")
    def by_password(
        request: Request, name: Typed, password: Typed, code: Typed, onward: Typed = ""
    ) -> Response:
        proved = password_pages.prove(
            context, authenticator, request, name=name, password=password, code=code
        )
        if proved.actor is None:
            return shown(request, onward, password_pages.REFUSED, proved.after)
        return authenticator.start_session(request, proved.actor, safe_path(onward) or home(proved.actor))

    @router.post("/signout")
    def signout(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        actor = authenticator.identify(request)
        if actor is None or not actor.session:
            return RedirectResponse("/signin", 303)
        if not sessions.csrf_fits(actor, csrf):
            raise HTTPException(403)
        with context.writing() as connection:
            sessions.end(connection, cookies.read_cookie(request))
            authenticator.record(connection, ActKind.SIGNED_OUT, actor)
        # By a page: a form may not lead to another site, see the policy in guard.
        away = provider.end() if provider and actor.via == "oidc" else ""
        answer = HTMLResponse(page("onward.html", onward=away)) if away else RedirectResponse("/signin", 303)
        cookies.clear_cookie(answer, request.scope)
        # What the browser remembers of these pages goes too, on a computer that others use.
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    return router


def confirm_pages(context: AppContext, authenticator: RequestAuthenticator) -> APIRouter:
    """Proving again who one is, for what needs a recent proof."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def shown(
        actor: Actor, onward: str, refusal: str = "", after: BackgroundTask | None = None
    ) -> HTMLResponse:
        values = {"demo": context.demo, "here": "signin", "actor": actor, "next": safe_path(onward)}
        text = page("confirm.html", **values, refusal=refusal)
        return HTMLResponse(text, 422 if refusal else 200, background=after)

    @router.get("/signin/confirm")
    def confirm(actor: Anybody, next: str = "") -> Response:
        return shown(actor, next)

    @router.post("/signin/confirm")
    def confirmed(
        request: Request, actor: Anybody, password: Typed = "", code: Typed = "", onward: Typed = ""
    ) -> Response:
        """A new session of the same person, whose sign-in stays as long ago as it was."""
        goes_on = safe_path(onward) or home(actor)
        if actor.via == "demo" and actor.session:
            return authenticator.start_session(
                request, replace(actor, confirmed_at=context.clock()), goes_on, ActKind.STEPPED_UP
            )
        if actor.via != "local":
            raise HTTPException(403)
        name = actor.subject.removeprefix("local:")
        proved = password_pages.prove(
            context, authenticator, request, name=name, password=password, code=code
        )
        if proved.actor is None:
            return shown(actor, onward, password_pages.REFUSED, proved.after)
        again = replace(proved.actor, signed_in_at=actor.signed_in_at)
        return authenticator.start_session(request, again, goes_on, ActKind.STEPPED_UP)

    return router


def demo_pages(context: AppContext, authenticator: RequestAuthenticator) -> APIRouter:
    """Each role by one click, where nobody is real."""
    router = APIRouter(include_in_schema=False)

    @router.post("/signin/demo")
    def demo(request: Request, role: Annotated[Role, Form()]) -> Response:
        now, name = context.clock(), role.replace("_", " ").capitalize()
        actor = Actor(f"demo-{role}", name, frozenset({role}), "demo", signed_in_at=now, confirmed_at=now)
        return authenticator.start_session(request, actor, home(actor))

    return router
