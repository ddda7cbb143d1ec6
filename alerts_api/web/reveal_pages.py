"""The gate's pages: asking for a name, and the requests that concern a visitor. They need no script."""

from typing import Annotated

from fastapi import APIRouter, Form, Path
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from alerts_api.alerts.queries import get_alert
from alerts_api.reveal.desk import Desk
from alerts_api.reveal.facts import facts_of
from alerts_api.reveal.gate import Ask, hindrance
from alerts_api.reveal.reading import (
    READERS,
    history,
    names,
    read_trainings,
    told_why,
    visible,
    visible_one,
)
from alerts_api.reveal.scrub import scrub
from alerts_api.signin.actors import Actor, Role
from alerts_api.web.authorization import needs
from alerts_api.web.context import Room
from alerts_api.web.reveal_frame import (
    Account,
    RequestId,
    Text,
    Word,
    confirmed,
    framed,
    refused,
    to_request,
)

AlertId = Annotated[str, Path(max_length=200)]
Reader = Annotated[Actor, needs(*READERS)]
Holder = Annotated[Actor, needs(Role.KEY_HOLDER)]


def reveal_pages(room: Room, desk: Desk) -> APIRouter:
    """Asking and looking."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/alerts/{alert_id}/reveal")
    def form(actor: Holder, alert_id: AlertId) -> HTMLResponse:
        with room.reading() as connection:
            found = get_alert(connection, alert_id, room.detections)
            facts = facts_of(connection, actor, alert_id, room.clock())
        if found is None:
            raise HTTPException(404)
        in_the_way = hindrance(actor, facts, room.clock())
        if in_the_way is None:
            confirmed(room, actor, f"/alerts/{alert_id}/reveal")
        return framed(room, actor, "reveal_ask.html", alert=found.alert, hindrance=in_the_way)

    @router.post("/alerts/{alert_id}/reveal")
    def ask(
        actor: Holder,
        alert_id: AlertId,
        account: Account,
        reason: Word = "",
        case: Word = "",
        text: Text = "",
        urgent: Annotated[bool, Form()] = False,
    ) -> Response:
        confirmed(room, actor, f"/alerts/{alert_id}/reveal")
        asked = Ask(actor, alert_id, account, reason, scrub(text).text, case.strip(), urgent=urgent)
        step = desk.ask(asked)
        return refused(actor, step.refusal) if step.request is None else to_request(step.request.id)

    @router.get("/reveals")
    def requests(actor: Reader) -> HTMLResponse:
        with room.reading() as connection:
            found = visible(connection, actor, room.clock())
            trained = read_trainings(connection) if actor.has(Role.DPO) else ()
            called = names(connection)
        return framed(room, actor, "reveals.html", found=found, trainings=trained, called=called)

    @router.get("/reveals/{request_id}")
    def one(actor: Reader, request_id: RequestId) -> HTMLResponse:
        with room.reading() as connection:
            found = visible_one(connection, actor, request_id, room.clock())
            if found is None:
                raise HTTPException(404)
            steps, called = history(connection, request_id), names(connection)
        return framed(
            room, actor, "reveal.html", shown=found, why=told_why(steps), steps=steps, called=called
        )

    return router
