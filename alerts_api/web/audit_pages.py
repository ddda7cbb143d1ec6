"""The audit log for auditor and DPO: what was done, refused and failed; whether it holds; copies of it."""

from tempfile import SpooledTemporaryFile
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, Response, StreamingResponse

from alerts_api.audit.export import write_export
from alerts_api.audit.keeping import CheckpointKeeper
from alerts_api.audit.leaves import ActKind, ActRole, Leaf
from alerts_api.audit.log import append
from alerts_api.audit.log_status import LogWatch
from alerts_api.audit.reading import AuditFilters, latest
from alerts_api.audit.table import as_csv
from alerts_api.reveal.request_views import names
from alerts_api.signin.actors import Actor, Role
from alerts_api.web.authorization import requires_roles
from alerts_api.web.context import AppContext
from alerts_api.web.rendering import page

ENTRIES = 100  # on a page
MOST = 100_000  # acts of one table
_IN_MEMORY = 8 * 1024 * 1024  # bytes of an export

Watcher = Annotated[Actor, requires_roles(Role.AUDITOR, Role.DPO)]


Text = Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]  # PostgreSQL takes no NUL


class AuditQuery(BaseModel):
    """The page's filters, as they stand in its address."""

    model_config = ConfigDict(extra="ignore")

    act: ActKind | None = None
    actor: Text = ""
    alert: Text = ""
    request: Text = ""
    before: Annotated[int, Field(ge=0, lt=2**53)] | None = None

    def filters(self) -> AuditFilters:
        kinds = (self.act,) if self.act else ()
        return AuditFilters(kinds=kinds, actor=self.actor, alert=self.alert, request=self.request)


def audit_pages(context: AppContext, keeper: CheckpointKeeper) -> APIRouter:
    """The log as page, as table, and as the export that ``journalguard audit verify`` checks."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    watch = LogWatch()

    @router.get("/audit")
    def log(actor: Watcher, wanted: Annotated[AuditQuery, Query()]) -> HTMLResponse:
        with context.reading() as connection:
            found = latest(connection, wanted.before, ENTRIES, wanted.filters())
            held = watch.status(connection, context.clock(), wanted.filters())
            called = names(connection)
        return HTMLResponse(
            page(
                "audit.html",
                actor=actor,
                demo=context.demo,
                here="audit",
                wanted=wanted,
                entries_shown=found,
                log_status=held,
                warning=keeper.warning,
                called=called,
                kinds=tuple(ActKind),
                older=found[-1].index if len(found) == ENTRIES else None,
            )
        )

    @router.get("/audit/acts.csv")
    def table(actor: Watcher, wanted: Annotated[AuditQuery, Query()]) -> Response:
        _exported(context, actor, "table")
        with context.reading() as connection:
            text = as_csv(reversed(latest(connection, None, MOST, wanted.filters())))
        return Response(text, media_type="text/csv; charset=utf-8", headers=_saved_as("acts.csv"))

    @router.get("/audit/export")
    def export(actor: Watcher) -> Response:
        _exported(context, actor, "whole")
        out = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it was sent
        with context.reading() as connection:
            write_export(connection, out)
        out.seek(0)
        return StreamingResponse(out, media_type="application/jsonl", headers=_saved_as("audit.jsonl"))

    return router


def _exported(context: AppContext, actor: Actor, what: str) -> None:
    """Who takes the log away is in it, and in the copy."""
    role = ActRole(actor.acting(Role.AUDITOR, Role.DPO))
    at = int(context.clock())
    with context.writing() as connection:
        leaf = Leaf(kind=ActKind.AUDIT_EXPORTED, actor=actor.subject, role=role, at=at, outcome=what)
        append(connection, leaf)


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
