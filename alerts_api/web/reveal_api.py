"""The JSON API over requests and audit log: for reading only. Asking and answering is for people."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from alerts_api.audit.reading import AuditEntry, AuditFilters, read
from alerts_api.reveal.request_views import READERS, Shown, visible, visible_one
from alerts_api.signin.actors import Actor, Role
from alerts_api.web.authorization import requires_roles
from alerts_api.web.context import AppContext
from alerts_api.web.reveal_frame import RequestId
from alerts_api.web.schemas import answers

Reader = Annotated[Actor, requires_roles(*READERS)]
Watcher = Annotated[Actor, requires_roles(Role.AUDITOR, Role.DPO)]
After = Annotated[int, Query(ge=-1, lt=2**53, description="acts of a higher index; -1: from the first")]
Size = Annotated[int, Query(ge=1, le=1_000, description="acts at most")]


def reveal_api(context: AppContext) -> APIRouter:
    """The routes under ``/api/v1``."""
    router = APIRouter(prefix="/api/v1", tags=["reveals"])

    @router.get("/reveals", summary="Requests that concern you", responses=answers(tuple[Shown, ...]))
    def requests(actor: Reader) -> Response:
        with context.reading() as connection:
            return _json(visible(connection, actor, context.clock()))

    @router.get("/reveals/{request_id}", summary="One of them", responses=answers(Shown))
    def one(actor: Reader, request_id: RequestId) -> Response:
        with context.reading() as connection:
            found = visible_one(connection, actor, request_id, context.clock())
        if found is None:
            raise HTTPException(404)
        return _json(found)

    @router.get("/audit", summary="Acts, oldest first", responses=answers(tuple[AuditEntry, ...]))
    def acts(_: Watcher, after: After = -1, size: Size = 100) -> Response:
        with context.reading() as connection:
            return _json(read(connection, after, size, AuditFilters()))

    return router


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
