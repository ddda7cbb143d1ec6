"""The gate's pages: asking for a name, and the requests that concern a visitor. They need no script."""

from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts_api.alerts.queries import get_alert
from alerts_api.alerts.restrictions import visible_alert
from alerts_api.reveal.facts import facts_of
from alerts_api.reveal.gate import Ask, hindrance
from alerts_api.reveal.release_service import ReleaseService
from alerts_api.reveal.request_views import (
    READERS,
    history,
    names,
    read_trainings,
    stated_reason,
    visible,
    visible_one,
)
from alerts_api.reveal.scrub import scrub
from alerts_api.signin.actors import Actor, Role
from alerts_api.web.authorization import requires_roles
from alerts_api.web.context import AppContext
from alerts_api.web.reveal_frame import (
    Account,
    RequestId,
    Text,
    Word,
    confirmed,
    gate_page,
    refused,
    to_request,
)

AlertId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$")]
Reference = Annotated[str, Query(pattern=r"^[A-Za-z0-9_.:/#-]{0,64}$")]
Reader = Annotated[Actor, requires_roles(*READERS)]
Holder = Annotated[Actor, requires_roles(Role.KEY_HOLDER)]


def reveal_pages(context: AppContext, release_service: ReleaseService) -> APIRouter:
    """Asking and looking."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/alerts/{alert_id}/reveal")
    def form(actor: Holder, alert_id: AlertId, restriction: Reference = "") -> HTMLResponse:
        now = context.clock()
        with context.reading() as connection:
            found = get_alert(connection, actor, alert_id, context.detections, now, case=restriction)
            facts = facts_of(connection, actor, alert_id, now)
        if found is None:
            raise HTTPException(404)
        in_the_way = hindrance(actor, facts, now)
        if in_the_way is None:
            confirmed(context, actor, _asking(alert_id, restriction))
        values = {"alert": found.alert, "hindrance": in_the_way, "restriction": restriction}
        return gate_page(context, actor, "reveal_ask.html", **values)

    @router.post("/alerts/{alert_id}/reveal")
    def ask(
        actor: Holder,
        alert_id: AlertId,
        account: Account,
        reason: Word = "",
        case: Word = "",
        text: Text = "",
        urgent: Annotated[bool, Form()] = False,
        restriction: Word = "",
    ) -> Response:
        confirmed(context, actor, _asking(alert_id, restriction))
        with context.reading() as connection:
            if not visible_alert(connection, actor, alert_id, context.clock(), restriction):
                raise HTTPException(404)
        asked = Ask(actor, alert_id, account, reason, scrub(text).text, case.strip(), urgent=urgent)
        step = release_service.ask(asked)
        return refused(actor, step.refusal) if step.request is None else to_request(step.request.id)

    @router.get("/reveals/restricted")
    def restricted(actor: Holder, alert: Reference = "", restriction: Reference = "") -> Response:
        """From the case under which a reader was restricted to the page that asks for the name."""
        with context.reading() as connection:
            if not visible_alert(connection, actor, alert, context.clock(), restriction):
                raise HTTPException(404)
        return RedirectResponse(_asking(alert, restriction), 303)

    @router.get("/reveals")
    def requests(actor: Reader) -> HTMLResponse:
        with context.reading() as connection:
            found = visible(connection, actor, context.clock())
            trained = read_trainings(connection) if actor.has(Role.DPO) else ()
            called = names(connection)
        return gate_page(
            context,
            actor,
            "reveals.html",
            found=found,
            trainings=trained,
            called=called,
            judges_trained=context.judges_trained,
        )

    @router.get("/reveals/{request_id}")
    def one(actor: Reader, request_id: RequestId) -> HTMLResponse:
        with context.reading() as connection:
            found = visible_one(connection, actor, request_id, context.clock())
            if found is None:
                raise HTTPException(404)
            steps, called = history(connection, request_id), names(connection)
        return gate_page(
            context, actor, "reveal.html", shown=found, why=stated_reason(steps), steps=steps, called=called
        )

    return router


def _asking(alert_id: str, restriction: str) -> str:
    """Where the name of this alert's reader is asked for."""
    more = f"?{urlencode({'restriction': restriction})}" if restriction else ""
    return f"/alerts/{quote(alert_id, safe='')}/reveal{more}"
