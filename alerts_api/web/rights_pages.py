"""The data protection officer's page: cases with their dates, restrictions, complaints, retention."""

from typing import Annotated

from fastapi import APIRouter, Form, Path
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts_api.alerts.restrictions import read_restrictions
from alerts_api.audit.leaves import ActKind, Leaf
from alerts_api.audit.leaves import ActRole as LeafRole
from alerts_api.audit.log import append
from alerts_api.rights.cases import (
    ANSWER_DAYS,
    acknowledge,
    close_complaint,
    complaint_reference,
    open_complaint,
    read_cases,
)
from alerts_api.rights.retention import read_runs
from alerts_api.signin.actors import Actor, Role
from alerts_api.web.alert_pages import page_frame
from alerts_api.web.authorization import requires_roles
from alerts_api.web.context import AppContext
from alerts_api.web.rendering import page

Officer = Annotated[Actor, requires_roles(Role.DPO)]
# The same as in a leaf of the audit log.
Reference = Annotated[str, Form(pattern=r"^[A-Za-z0-9_.:/#-]{1,64}$")]
CaseNumber = Annotated[int, Path(ge=0, lt=2**53)]
Outcome = Annotated[str, Form(pattern=r"^(upheld|not-upheld|withdrawn)$")]


def rights_pages(context: AppContext) -> APIRouter:
    """What the DPO reads, and what only the DPO enters: complaints."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/rights")
    def rights(actor: Officer) -> HTMLResponse:
        with context.reading() as connection:
            return HTMLResponse(
                page(
                    "rights.html",
                    **page_frame(context, actor, context.status(connection), "rights"),
                    cases=read_cases(connection),
                    restrictions=read_restrictions(connection),
                    runs=read_runs(connection),
                    days=ANSWER_DAYS,
                )
            )

    @router.post("/rights/complaints")
    def complain(actor: Officer, reference: Reference) -> Response:
        with context.writing() as connection:
            case = open_complaint(connection, reference, actor.subject, context.clock())
            _record(connection, context, actor, case, reference, "received")
        return RedirectResponse("/rights#cases", 303)

    @router.post("/rights/complaints/{case}/acknowledge")
    def acknowledged(actor: Officer, case: CaseNumber) -> Response:
        with context.writing() as connection:
            if not acknowledge(connection, case, context.clock()):
                raise HTTPException(404)
            reference = complaint_reference(connection, case)
            _record(connection, context, actor, case, reference, "acknowledged")
        return RedirectResponse("/rights#cases", 303)

    @router.post("/rights/complaints/{case}/close")
    def closed(actor: Officer, case: CaseNumber, outcome: Outcome) -> Response:
        with context.writing() as connection:
            if not close_complaint(connection, case, outcome, context.clock()):
                raise HTTPException(404)
            _record(connection, context, actor, case, complaint_reference(connection, case), outcome)
        return RedirectResponse("/rights#cases", 303)

    return router


def _record(
    connection: Connection, context: AppContext, actor: Actor, case: int, reference: str, outcome: str
) -> None:
    leaf = Leaf(
        kind=ActKind.COMPLAINT,
        actor=actor.subject,
        role=LeafRole.DPO,
        at=int(context.clock()),
        case=reference,
        outcome=outcome,
        request=f"rights/{case}",
    )
    append(connection, leaf)
