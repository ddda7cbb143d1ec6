"""The JSON API under ``/api/v1``, and what machines ask: ``/healthz``, ``/metrics``."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Body, FastAPI, Path, Query, Request
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from alerts_api.alerts.drift import read_drift
from alerts_api.alerts.filters import Filters
from alerts_api.alerts.queries import events_around, find_alerts, get_alert, newest_refused, read_progress
from alerts_api.alerts.records import AlertPage, JudgedAlert, Judgement, Refused, Status, TracePage
from alerts_api.alerts.verdicts import NOTE_LENGTH, Verdict, clean_note, read_history, record_verdict
from alerts_api.reveal.scrub import scrub
from alerts_api.signin.actors import ALERT_READERS, EVERYONE, HEALTH_READERS, Actor, Role
from alerts_api.storage.errors import StoreError
from alerts_api.web.authentication import RequestAuthenticator
from alerts_api.web.authorization import requires_roles
from alerts_api.web.context import AppContext
from alerts_api.web.judging import check_judge
from alerts_api.web.metrics import TEXT
from alerts_api.web.problems import problem_response, store_sentence
from alerts_api.web.schemas import REFUSALS, answers
from service.records.drift_report import DriftReport

AlertId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$", description="the alert's lasting id")]
PageNumber = Annotated[int, Query(ge=1, le=100_000, description="from 1")]
PageSize = Annotated[int, Query(ge=1, le=500, description="events on a page")]


class VerdictBody(BaseModel):
    """A verdict to add."""

    verdict: Verdict = Field(description="the analyst's word; reopened takes the last one back")
    quiet_days: int | None = Field(
        None,
        ge=0,
        le=730,
        description="with expected: for so many days the like raises no alert of the account; by default the "
        "policy's",
    )
    note: str = Field(
        "", max_length=4 * NOTE_LENGTH, description=f"why; the first {NOTE_LENGTH} characters are kept"
    )


Reader = Annotated[Actor, requires_roles(*ALERT_READERS)]
Analyst = Annotated[Actor, requires_roles(Role.ANALYST)]
HealthReader = Annotated[Actor, requires_roles(*HEALTH_READERS)]
Scraper = Annotated[Actor, requires_roles(Role.ADMIN, loopback=True)]
Anybody = Annotated[Actor, requires_roles(*EVERYONE)]


_HEALTH = {
    **REFUSALS,
    200: {
        "description": "At least `status`; who may see alerts, and this machine, is told the figures too",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["status"],
                    "properties": {"status": {"enum": ["ok", "degraded", "stale", "empty"]}},
                }
            }
        },
    },
}


def json_api(context: AppContext) -> APIRouter:
    """The routes under ``/api/v1``."""
    router = APIRouter(prefix="/api/v1", tags=["alerts"])

    @router.get("/alerts", summary="The queue", responses=answers(AlertPage))
    def alerts(_: Reader, filters: Annotated[Filters, Query()]) -> Response:
        with context.reading() as connection:
            reference = context.reference(read_progress(connection).last_event_time)
            return _json(find_alerts(connection, filters, reference, context.detections, context.daily_cap))

    @router.get("/alerts/{alert_id}", summary="One alert with its history", responses=answers(JudgedAlert))
    def alert(actor: Reader, alert_id: AlertId) -> Response:
        return _json(_found(context, actor, alert_id))

    @router.get("/alerts/{alert_id}/events", summary="Its account's events", responses=answers(TracePage))
    def events(actor: Reader, alert_id: AlertId, page: PageNumber = 1, size: PageSize = 50) -> Response:
        found = _found(context, actor, alert_id)
        with context.reading() as connection:
            return _json(events_around(connection, found.alert, page=page, size=size))

    @router.get(
        "/alerts/{alert_id}/verdicts", summary="Its history", responses=answers(tuple[Judgement, ...])
    )
    def verdicts(actor: Reader, alert_id: AlertId) -> Response:
        return _json(_found(context, actor, alert_id).history)

    @router.post(
        "/alerts/{alert_id}/verdicts",
        summary="Add a verdict",
        status_code=201,
        responses=answers(tuple[Judgement, ...], 201),
    )
    def judge(actor: Analyst, alert_id: AlertId, body: Annotated[VerdictBody, Body()]) -> Response:
        with context.writing() as connection:
            check_judge(context, connection, actor)
            note = scrub(clean_note(body.note), NOTE_LENGTH).text
            known = record_verdict(
                connection,
                alert_id,
                body.verdict,
                note,
                now=context.clock(),
                actor=actor,
                daily_verdict_limit=context.daily_verdict_limit,
                quiet_days=context.quiet_days if body.quiet_days is None else body.quiet_days,
            )
            if not known:
                raise HTTPException(404)
            return _json(read_history(connection, alert_id), 201)

    @router.get("/status", summary="The state of the service", tags=["status"], responses=answers(Status))
    def status(_: HealthReader) -> Response:
        with context.reading() as connection:
            return _json(context.status(connection))

    @router.get("/drift", summary="What moved at the site", tags=["status"], responses=answers(DriftReport))
    def drift(_: HealthReader) -> Response:
        with context.reading() as connection:
            return _json(read_drift(connection))

    @router.get(
        "/rejected", summary="Newest refused lines", tags=["status"], responses=answers(tuple[Refused, ...])
    )
    def refused(_: HealthReader, size: PageSize = 50) -> Response:
        with context.reading() as connection:
            return _json(newest_refused(connection, size))

    return router


def description(app: FastAPI) -> APIRouter:
    """What the API can do, for programs: OpenAPI."""
    router = APIRouter(include_in_schema=False)

    @router.get("/api/v1/openapi.json")
    def openapi(_: Anybody) -> Response:
        return _json(app.openapi())

    return router


def probes(
    context: AppContext, authenticator: RequestAuthenticator, registry: CollectorRegistry
) -> APIRouter:
    """Health and metrics."""
    router = APIRouter(tags=["status"])

    @router.get(
        "/healthz",
        summary="Whether it works; 503 only if the database cannot be read",
        responses=_HEALTH,
    )
    def health(request: Request) -> Response:
        """Strangers learn no more than whether it works: how many alerts there are would warn a thief."""
        try:
            with context.reading() as connection:
                status = context.status(connection)
            if authenticator.tells_details(request):
                return _json(status)
            return _json({"status": "ok" if status.status == "ok" else "degraded"})
        except StoreError as error:
            return problem_response({"path": "/healthz"}, 503, store_sentence(error))

    @router.get(
        "/metrics", summary="For Prometheus", responses={**REFUSALS, 200: {"content": {"text/plain": {}}}}
    )
    def metrics(_: Scraper) -> Response:
        return Response(generate_latest(registry), media_type=TEXT)

    return router


def _found(context: AppContext, actor: Actor, alert_id: str) -> JudgedAlert:
    with context.reading() as connection:
        found = get_alert(connection, actor, alert_id, context.detections, context.clock())
    if found is None:
        raise HTTPException(404)
    return found


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
