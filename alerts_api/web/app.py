"""The analysts' app: the pages, the JSON API, health and metrics over one site's database.

It holds no key and imports nothing of the ingest room: a pseudonym that enters it leaves it as one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from alerts_api.alerts.detections import site_policy
from alerts_api.audit.keeping import CheckpointKeeper
from alerts_api.audit.publishing import CheckpointTargets
from alerts_api.audit.tally import SECONDS as TALLY_SECONDS
from alerts_api.reveal.notices import Notices
from alerts_api.reveal.overdue import watch_overdue
from alerts_api.reveal.release_service import ReleaseService
from alerts_api.storage.backend import DatabaseLocation, is_url
from alerts_api.web import problems
from alerts_api.web.alert_pages import html_pages
from alerts_api.web.api import description, json_api, probes
from alerts_api.web.audit_pages import audit_pages
from alerts_api.web.authentication import RequestAuthenticator
from alerts_api.web.authorization import check_rules
from alerts_api.web.context import AppContext, SinkProgress
from alerts_api.web.evaluation_pages import EvaluationPlace, evaluation_pages
from alerts_api.web.forwarded import ForwardedMiddleware
from alerts_api.web.judging import judging
from alerts_api.web.metrics import Metrics
from alerts_api.web.middleware import SecurityMiddleware, TimingMiddleware
from alerts_api.web.reports import reports_beside
from alerts_api.web.reveal_api import reveal_api
from alerts_api.web.reveal_pages import reveal_pages
from alerts_api.web.reveal_steps import opening, second_persons
from alerts_api.web.rights_pages import rights_pages
from alerts_api.web.schemas import describe
from alerts_api.web.signin_pages import confirm_pages, demo_pages, signin_pages
from service.config.settings import LOOPBACK
from service.config.tables import RevealSettings
from service.policy.model import Policy

if TYPE_CHECKING:
    from alerts_api.signin.provider import Provider

SEAL_KEYS = "seal.pub"  # of the site
_DESCRIPTION = (
    "Alerts about accounts that look stolen, their reasons and the analysts' verdicts. "
    "Accounts, addresses and documents are keyed pseudonyms. Times are seconds since 1970 UTC."
)


def create_app(
    database: DatabaseLocation,
    *,
    create: bool = False,
    demo: bool = False,
    local: bool = True,
    provider: "Provider | None" = None,
    hosts: Sequence[str] = LOOPBACK,
    trusted_proxies: Sequence[str] = (),
    policy: Policy | None = None,
    intake: SinkProgress | None = None,
    reveal: RevealSettings | None = None,
    judges_trained: bool = False,
    checkpoints: CheckpointKeeper | None = None,
    site: Path = Path(),
    evaluation: EvaluationPlace | None = None,
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """The ASGI app over the site's ``database``, which is opened at the first request.

    Args:
        database: the file, or a URL.
        create: make it where there is none; by default that is left to the ingest process.
        demo: say on every page that the readers are simulated.
        local: the pages are served at an address of this machine that no other can reach.
        provider: who knows the staff; none: local users.
        hosts: names, without ports, that the pages may be reached by.
        trusted_proxies: addresses or networks of proxies that say whom they serve.
        policy: texts of the detections, and the ceiling; by default what is in force at the site.
        intake: what feeds the database from Kafka, if this process does that.
        reveal: how often a reader may be named, and who is told; by default the settings' own defaults.
        judges_trained: only who has a valid training judges alerts.
        checkpoints: what signs the audit log; by default nothing does.
        site: folder that paths of ``reveal`` begin at.
        evaluation: where reports are, and the budget; by default beside the database's file.
        clock: wall clock, s UTC.

    Raises:
        service.base.errors.PolicyError: a policy file of the site cannot be read.
    """
    known = site_policy(database) if policy is None else policy
    context = AppContext(
        database,
        policy=known,
        create=create,
        demo=demo,
        judges_trained=judges_trained,
        intake=intake,
        clock=clock,
    )

    metrics = Metrics(context, policy=known.hash, file=None if is_url(database) else Path(database))
    settings = reveal or RevealSettings()
    notices = Notices(settings, site)
    keeper = checkpoints or CheckpointKeeper(None, CheckpointTargets(), leaves=False)
    release_service = ReleaseService(
        context.writing,
        settings,
        notices.released,
        clock,
        notify_rejected=notices.rejected,
        sign=keeper.sign_release,
        seal_keys=site / SEAL_KEYS,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watches = (
            asyncio.create_task(watch_overdue(context.writing, notices.overdue, clock)),
            asyncio.create_task(_write_failures_now_and_then(authenticator)),
            asyncio.create_task(keeper.watch(context.database, clock)),
        )
        yield
        for watch in watches:
            watch.cancel()
        authenticator.write_failures(everything=True)
        context.close()

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
    app.add_middleware(SecurityMiddleware, hosts=hosts)
    app.add_middleware(TimingMiddleware, requests=metrics.requests)
    app.state.metrics = metrics.registry
    app.add_middleware(ForwardedMiddleware, trusted=trusted_proxies)  # the last one is the outermost
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    place = evaluation or EvaluationPlace(reports_beside(database))
    authenticator = RequestAuthenticator(context, local=local, provided=provider is not None)
    app.state.authenticator = authenticator
    routers = [
        json_api(context),
        description(app),
        probes(context, authenticator, metrics.registry),
        html_pages(context),
        judging(context),
        evaluation_pages(context, place),
        rights_pages(context),
        signin_pages(context, authenticator, provider),
        confirm_pages(context, authenticator),
        reveal_api(context),
        opening(context, release_service),  # before the next: /reveals/half is no request's id
        reveal_pages(context, release_service),
        second_persons(context, release_service),
        audit_pages(context, keeper),
    ]
    if provider is not None:
        from alerts_api.web.oidc_pages import oidc_pages  # noqa: PLC0415 - of the extra `oidc`

        routers.append(oidc_pages(context, authenticator, provider))
    if demo:
        routers.append(demo_pages(context, authenticator))
    for router in routers:
        app.include_router(router)
    problems.install(app)
    describe(app)
    check_rules(app)
    return app


async def _write_failures_now_and_then(authenticator: RequestAuthenticator) -> None:
    """What was counted since the last leaf does not wait for the next failure."""
    while True:
        await asyncio.sleep(TALLY_SECONDS)
        await asyncio.to_thread(authenticator.write_failures)
