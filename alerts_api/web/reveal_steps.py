"""The gate's further steps: answering, opening in the browser or with the command, telling the outcome."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts_api.reveal.release_service import ReleaseService
from alerts_api.reveal.request_views import visible_one
from alerts_api.reveal.scrub import scrub
from alerts_api.reveal.training import WORDS
from alerts_api.signin.actors import Actor, Role
from alerts_api.web.authorization import requires_roles
from alerts_api.web.context import AppContext
from alerts_api.web.problems import problem_response
from alerts_api.web.reveal_frame import (
    Account,
    RequestId,
    Subject,
    Text,
    Word,
    confirmed,
    gate_page,
    refused,
    to_request,
)

Holder = Annotated[Actor, requires_roles(Role.KEY_HOLDER)]
Second = Annotated[Actor, requires_roles(Role.APPROVER, Role.DPO)]
Dpo = Annotated[Actor, requires_roles(Role.DPO)]


def second_persons(context: AppContext, release_service: ReleaseService) -> APIRouter:
    """What approver and DPO do."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.post("/reveals/{request_id}/answer")
    def answer(
        actor: Second, request_id: RequestId, approve: Annotated[bool, Form()], note: Text = ""
    ) -> Response:
        confirmed(context, actor, f"/reveals/{request_id}")
        step = release_service.answer(actor, request_id, approve=approve, note=scrub(note).text)
        return refused(actor, step.refusal) if step.refusal else to_request(request_id)

    @router.post("/reveals/{request_id}/review")
    def review(
        actor: Second, request_id: RequestId, uphold: Annotated[bool, Form()], note: Text = ""
    ) -> Response:
        confirmed(context, actor, f"/reveals/{request_id}")
        step = release_service.review(actor, request_id, uphold=uphold, note=scrub(note).text)
        return refused(actor, step.refusal) if step.refusal else to_request(request_id)

    @router.post("/reveals/{request_id}/lift")
    def lift(actor: Dpo, request_id: RequestId, note: Text = "") -> Response:
        confirmed(context, actor, f"/reveals/{request_id}")
        step = release_service.lift(actor, request_id, note=scrub(note).text)
        return refused(actor, step.refusal) if step.refusal else to_request(request_id)

    @router.post("/trainings")
    def train(actor: Dpo, subject: Subject, until: Annotated[datetime, Form()]) -> Response:
        confirmed(context, actor, "/reveals")
        if refusal := release_service.train(actor, subject, until.replace(tzinfo=UTC).timestamp()):
            return problem_response({"path": "/reveals"}, 409, WORDS[refusal], actor)
        return RedirectResponse("/reveals#trainings", 303)

    return router


def opening(context: AppContext, release_service: ReleaseService) -> APIRouter:
    """What the holder does with what was granted."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/reveals/half")
    def half(actor: Holder) -> HTMLResponse:
        return gate_page(context, actor, "reveal_open.html", request=None, ticket="")

    @router.post("/reveals/opened")
    def opened(actor: Holder, account: Account) -> Response:
        step = release_service.opened(actor, account)
        return Response(status_code=204 if step.refusal is None else 409)

    @router.post("/reveals/{request_id}/ticket")
    def ticket(actor: Holder, request_id: RequestId) -> Response:
        """No redirect: a ticket stands in no address."""
        confirmed(context, actor, f"/reveals/{request_id}")
        taken = release_service.take(actor, request_id)
        if taken.refusal is not None:
            return refused(actor, taken.refusal)
        with context.reading() as connection:
            found = visible_one(connection, actor, request_id, context.clock())
        return gate_page(
            context, actor, "reveal_open.html", request=found.request if found else None, ticket=taken.ticket
        )

    @router.post("/reveals/{request_id}/identity")
    def identity(actor: Holder, request_id: RequestId, ticket: Word) -> Response:
        released = release_service.redeem(actor, ticket, request_id)
        if released.refusal is not None:
            return refused(actor, released.refusal)
        return Response(
            released.sealed,
            media_type="application/json",
            headers={
                "Content-Disposition": f'attachment; filename="{request_id}.json"',
                "X-Seal": released.seal.value,
            },
        )

    @router.post("/reveals/{request_id}/outcome")
    def outcome(actor: Holder, request_id: RequestId, outcome: Word, note: Text = "") -> Response:
        step = release_service.file(actor, request_id, outcome, scrub(note).text)
        return refused(actor, step.refusal) if step.refusal else to_request(request_id)

    return router
