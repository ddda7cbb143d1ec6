"""The analysts' app: the pages, the JSON API, health and metrics over one site's database.

It holds no key and imports nothing of the ingest room: a pseudonym that enters it leaves it as one.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from alerts_api import problems
from alerts_api.actors import check_rules
from alerts_api.api import description, json_api, probes
from alerts_api.backend import Place
from alerts_api.detections import Detections, site_detections
from alerts_api.guard import LOOPBACK, Guard
from alerts_api.pages import html_pages
from alerts_api.room import Intake, Room
from alerts_api.schemas import describe
from alerts_api.signin.door import SignInDoor
from alerts_api.signin.pages import signin_pages

_DESCRIPTION = (
    "Alerts about accounts that look stolen, their reasons and the analysts' verdicts. "
    "Accounts, addresses and documents are keyed pseudonyms. Times are seconds since 1970 UTC."
)


def create_app(
    database: Place,
    *,
    create: bool = False,
    demo: bool = False,
    local: bool = True,
    hosts: Sequence[str] = LOOPBACK,
    detections: Detections | None = None,
    intake: Intake | None = None,
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """The ASGI app over the site's ``database``, which is opened at the first request.

    Args:
        database: the file, or a URL.
        create: make it where there is none; by default that is left to the ingest process.
        demo: say on every page that the readers are simulated.
        local: the pages are served at an address of this machine that no other can reach.
        hosts: names, without ports, that the pages may be reached by.
        detections: texts of the detections; by default those in force at the site.
        intake: what feeds the database from Kafka, if this process does that.
        clock: wall clock, s UTC.

    Raises:
        service.errors.PolicyError: a policy file of the site cannot be read.
    """
    known = site_detections(database) if detections is None else detections
    room = Room(database, known, create=create, demo=demo, intake=intake, clock=clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        room.close()

    # FastAPI's own documentation pages load scripts from a CDN.
    app = FastAPI(
        title="journalguard",
        version=version("journalguard"),
        description=_DESCRIPTION,
        openapi_url=None,  # served by a route with a rule
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(Guard, hosts=hosts)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    door = SignInDoor(room, local=local)
    app.state.door = door
    for router in (
        json_api(room),
        description(app),
        probes(room),
        html_pages(room),
        signin_pages(room, door),
    ):
        app.include_router(router)
    problems.install(app)
    describe(app)
    check_rules(app)
    return app
