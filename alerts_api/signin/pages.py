"""The pages of sign-in: the door itself, the demonstration's roles, sign-out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts_api.actors import Actor, Role
from alerts_api.audit.leaves import Kind
from alerts_api.navigation import home
from alerts_api.rendering import page
from alerts_api.room import Room
from alerts_api.signin import cookies, sessions
from alerts_api.signin.door import SignInDoor
from alerts_api.signin.paths import safe_path


def signin_pages(room: Room, door: SignInDoor) -> APIRouter:
    """What is open to everybody."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/signin")
    def signin(request: Request, next: str = "") -> HTMLResponse:
        actor = door.who(request)
        return HTMLResponse(
            page("signin.html", demo=room.demo, here="signin", actor=actor, next=safe_path(next))
        )

    if room.demo:

        @router.post("/signin/demo")
        def demo(request: Request, role: Annotated[Role, Form()]) -> Response:
            now = room.clock()
            actor = Actor(
                subject=f"demo-{role}",
                name=role.replace("_", " ").capitalize(),
                roles=frozenset({role}),
                via="demo",
                signed_in_at=now,
                confirmed_at=now,
            )
            return door.let_in(request, actor, home(actor))

    @router.post("/signout")
    def signout(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        actor = door.who(request)
        if actor is None or not actor.session:
            return RedirectResponse("/signin", 303)
        if not sessions.csrf_fits(actor, csrf):
            raise HTTPException(403)
        with room.writing() as connection:
            sessions.end(connection, cookies.read(request))
            door.record(connection, Kind.SIGNED_OUT, actor)
        answer = RedirectResponse("/signin", 303)
        cookies.take(answer, request.scope)
        # What the browser remembers of these pages goes too, on a computer that others use.
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    return router
