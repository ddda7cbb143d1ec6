"""The pages for analysts. They need no script to read or to judge."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from pydantic import ValidationError
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts_api.alerts.daily_cap import read_overflow
from alerts_api.alerts.databases import read_databases
from alerts_api.alerts.detections import title_of
from alerts_api.alerts.drift import CAUSES, FIGURES, read_drift
from alerts_api.alerts.filters import Filters
from alerts_api.alerts.queries import (
    events_around,
    filter_choices,
    find_alerts,
    get_alert,
    newest_events,
    newest_refused,
    similar_alerts,
)
from alerts_api.alerts.records import AlertRow, JudgedAlert, Status
from alerts_api.alerts.suppression import choices, suppression_of
from alerts_api.alerts.verdicts import NOTE_LENGTH, Verdict, clean_note, record_verdict, verdicts_by_person
from alerts_api.reveal.facts import has_seen, record_view
from alerts_api.reveal.scrub import scrub
from alerts_api.signin.actors import ALERT_READERS, EVERYONE, HEALTH_READERS, Actor, Role
from alerts_api.web.authorization import requires_roles
from alerts_api.web.context import AppContext
from alerts_api.web.judging import check_judge, lacks_training
from alerts_api.web.rendering import page
from alerts_api.web.timelines import days_line, hours_line
from alerts_api.web.travel import journeys

EVENTS = 50  # on a page
_JOURNEY_EVENTS = 2_000  # newest events that journeys are looked for in
_JOURNEYS = 10
_REFUSED = 50  # newest refused lines shown

AlertId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$")]


Reader = Annotated[Actor, requires_roles(*ALERT_READERS)]
Analyst = Annotated[Actor, requires_roles(Role.ANALYST)]
HealthReader = Annotated[Actor, requires_roles(*HEALTH_READERS)]
Anybody = Annotated[Actor, requires_roles(*EVERYONE)]


def html_pages(context: AppContext) -> APIRouter:
    """Queue, alert and help."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/")
    def queue(request: Request, actor: Reader) -> HTMLResponse:
        filters, understood = read_filters(request.query_params)
        with context.reading() as connection:
            return HTMLResponse(_queue(context, connection, actor, filters, understood))

    @router.get("/alerts/{alert_id}")
    def detail(
        actor: Reader, alert_id: AlertId, events: Annotated[int, Query(ge=1, le=100_000)] = 1
    ) -> HTMLResponse:
        with context.reading() as connection:
            found = get_alert(connection, actor, alert_id, context.detections, context.clock())
            if found is None:
                raise HTTPException(404)
            answer = HTMLResponse(_detail(context, connection, actor, found, events))
            seen = has_seen(connection, alert_id, actor.subject)
        if actor.session and not seen:  # a person, whom we know
            with context.writing() as connection:
                record_view(connection, alert_id, actor.subject, context.clock())
        return answer

    @router.post("/alerts/{alert_id}/verdicts")
    def judge(
        actor: Analyst,
        alert_id: AlertId,
        verdict: Annotated[Verdict, Form()],
        note: Annotated[str, Form()] = "",
        quiet_days: Annotated[int, Form(ge=0, le=730)] = 0,
    ) -> Response:
        with context.writing() as connection:
            check_judge(context, connection, actor)
            known = record_verdict(
                connection,
                alert_id,
                verdict,
                scrub(clean_note(note), NOTE_LENGTH).text,
                now=context.clock(),
                actor=actor,
                daily_verdict_limit=context.daily_verdict_limit,
                quiet_days=quiet_days,
            )
            if not known:
                raise HTTPException(404)
        # By GET, so that reloading does not send the form again; the browser moves the focus to the result.
        return RedirectResponse(f"/alerts/{alert_id}#standing", 303)

    @router.get("/drift")
    def drift(actor: HealthReader) -> HTMLResponse:
        with context.reading() as connection:
            status, found = context.status(connection), read_drift(connection)
        words = {"CAUSES": CAUSES, "FIGURES": FIGURES}
        return HTMLResponse(
            page("drift.html", **page_frame(context, actor, status, "drift"), drift=found, **words)
        )

    @router.get("/log")
    def log(actor: HealthReader) -> HTMLResponse:
        with context.reading() as connection:
            status, refused = context.status(connection), newest_refused(connection, _REFUSED)
            databases = read_databases(connection)
        frame = page_frame(context, actor, status, "log")
        return HTMLResponse(page("log.html", **frame, refused=refused, databases=databases))

    @router.get("/help")
    def help_page(actor: Anybody) -> HTMLResponse:
        return HTMLResponse(
            page("help.html", actor=actor, demo=context.demo, here="help", detections=context.detections)
        )

    return router


def read_filters(query: Mapping[str, str]) -> tuple[Filters, bool]:
    """The URL's filters, and whether they were understood; the default ones if not."""
    try:
        return Filters.model_validate({name: value for name, value in query.items() if value}), True
    except ValidationError:
        return Filters.model_validate({}), False


def _queue(
    context: AppContext, connection: Connection, actor: Actor, filters: Filters, understood: bool
) -> str:
    status = context.status(connection)
    reference = context.reference(status.last_event_time)
    found = find_alerts(connection, filters, reference, context.detections, context.daily_cap)
    anytime = filters.model_copy(update={"period": "all", "page": 1, "size": 1})
    older = 0
    if filters.period != "all":
        older = (
            find_alerts(connection, anytime, reference, context.detections, context.daily_cap).total
            - found.total
        )
    return page(
        "queue.html",
        **page_frame(context, actor, status, "queue"),
        filters=filters,
        understood=understood,
        found=found,
        older=older,
        daily_cap=context.daily_cap,
        overflow=read_overflow(connection, context.daily_cap),
        pages=max(1, -(-found.total // found.size)),
        choices=filter_choices(connection),
        judged_lately=verdicts_by_person(connection, context.clock()),
        reference=reference,
    )


def _detail(
    context: AppContext, connection: Connection, actor: Actor, found: JudgedAlert, events: int
) -> str:
    status = context.status(connection)
    alert = found.alert
    same_account, judged = similar_alerts(connection, alert, context.detections)
    travelled = journeys(trace.event for trace in newest_events(connection, alert, _JOURNEY_EVENTS))
    return page(
        "alert.html",
        **page_frame(context, actor, status, "alert"),
        row=found.row,
        untrained=lacks_training(connection, actor, context.clock()),
        judges_trained=context.judges_trained,
        quiet=suppression_of(found),
        quiet_days=context.quiet_days,
        quiet_choices=choices(context.quiet_days),
        alert=alert,
        history=found.history,
        reference=context.reference(status.last_event_time),
        hours=hours_line(alert),
        days=days_line(alert),
        journeys=travelled[:_JOURNEYS],
        more_journeys=max(0, len(travelled) - _JOURNEYS),
        traces=events_around(connection, alert, page=events, size=EVENTS),
        same_account=same_account,
        judged=judged,
        next_alert=_next(context, connection, found.row, context.reference(status.last_event_time)),
    )


def _next(context: AppContext, connection: Connection, row: AlertRow, reference: float) -> AlertRow | None:
    """The open alert to look at after this one: the highest other one."""
    waiting = find_alerts(
        connection,
        Filters.model_validate({"period": "all", "size": 2}),
        reference,
        context.detections,
        context.daily_cap,
    )
    return next((other for other in waiting.alerts if other.alert_id != row.alert_id), None)


def page_frame(context: AppContext, actor: Actor, status: Status, here: str) -> dict[str, object]:
    """What the layout needs."""
    return {
        "status": status,
        "actor": actor,
        "demo": context.demo,
        "here": here,
        "now": context.clock(),
        "detections": context.detections,
        "title_of": lambda name: title_of(name, context.detections),
    }
