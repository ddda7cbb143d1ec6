"""Pages for the statistics team: how alerts fare now, and the reports of ``journalguard evaluate``."""

from pathlib import Path as FilePath
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from alerts_api.signin.actors import MODEL_READERS, Actor
from alerts_api.web.alert_pages import page_frame
from alerts_api.web.authorization import requires_roles
from alerts_api.web.context import AppContext
from alerts_api.web.live_figures import live, read_own
from alerts_api.web.rendering import page
from alerts_api.web.reports import body, entries, find


class EvaluationPlace(msgspec.Struct, frozen=True):
    """What the pages must know of a site to show its evaluation."""

    reports: FilePath | None = None  # folder; None where only a database is known
    budget: float = 0.0  # alerts a day; 0 unknown


Reader = Annotated[Actor, requires_roles(*MODEL_READERS)]


def evaluation_pages(context: AppContext, place: EvaluationPlace) -> APIRouter:
    """The list with what is known now, and one report."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/evaluation")
    def overview(actor: Reader) -> HTMLResponse:
        with context.reading() as connection:
            status, now = context.status(connection), live(read_own(connection, place.budget))
        shown = page_frame(context, actor, status, "evaluation")
        return HTMLResponse(page("evaluations.html", **shown, live=now, reports=entries(place.reports)))

    @router.get("/evaluation/{name}")
    def report(actor: Reader, name: Annotated[str, Path(max_length=60)]) -> HTMLResponse:
        found = find(place.reports, name)
        if found is None:
            raise HTTPException(404)
        with context.reading() as connection:
            status = context.status(connection)
        return HTMLResponse(
            page("evaluation.html", **page_frame(context, actor, status, "evaluation"), **body(found))
        )

    return router
