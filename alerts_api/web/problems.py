"""What a caller sees when something is wrong: a page for people, RFC 9457 problem JSON for programs.

No answer repeats what was sent, and none tells more of a fault than the operator needs.
"""

import logging
from http import HTTPStatus
from urllib.parse import urlencode

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from alerts_api.audit.errors import AuditError
from alerts_api.signin.actors import SAFE_METHODS, Actor, NotConfirmedError, NotSignedInError, RefusalError
from alerts_api.storage.errors import StoreBusyError, StoreError, StoreFullError
from alerts_api.web.rendering import page

log = logging.getLogger(__name__)

_SENTENCES = {
    404: "There is nothing here. The alert may belong to another site, or the address is mistyped.",
    405: "This address does not take that.",
    413: "That is more than these pages take. Shorten it and send it again.",
    422: "Something in the request is not understood.",
    500: "The pages failed. The cause is in journalguard's log; nothing you entered before is lost.",
}
_UNRECORDED = (
    "It could not be written down in the audit log, or not be told to the data protection officer, so it is "
    "not done. The cause is in journalguard's log."
)
_PROGRAMS = ("/api/", "/healthz", "/metrics")


def problem_response(scope: Scope, status: int, sentence: str, actor: Actor | None = None) -> Response:
    """The answer to a request that failed, in the form its caller reads."""
    title = HTTPStatus(status).phrase
    if scope["path"].startswith(_PROGRAMS):
        body = msgspec.json.encode(
            {"type": "about:blank", "title": title, "status": status, "detail": sentence}
        )
        return Response(body, status, media_type="application/problem+json")
    return Response(
        page(
            "problem.html",
            title=title,
            status_code=status,
            sentence=sentence,
            actor=actor,
            demo=actor is not None and actor.via == "demo",
        ),
        status,
        media_type="text/html",
    )


def install(app: FastAPI) -> None:
    """Answer every exception of ``app`` in this way."""

    async def http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        response = problem_response(request.scope, status, _SENTENCES.get(status, HTTPStatus(status).phrase))
        response.headers.update(getattr(error, "headers", None) or {})
        return response

    async def refused(request: Request, error: Exception) -> Response:
        return (
            refusal_response(request, error)
            if isinstance(error, RefusalError)
            else await unexpected(request, error)
        )

    async def invalid(request: Request, error: Exception) -> Response:
        fields = error.errors() if isinstance(error, RequestValidationError) else []
        names = ", ".join(sorted({str(field["loc"][-1]) for field in fields if field["loc"][0] != "body"}))
        where = f" See: {names}." if names else ""
        return problem_response(request.scope, 422, f"{_SENTENCES[422]}{where}")

    async def store(request: Request, error: Exception) -> Response:
        log.error("%s", error)
        return problem_response(request.scope, 503, store_sentence(error))

    async def unrecorded(request: Request, error: Exception) -> Response:
        log.error("%s", error)
        await run_in_threadpool(app.state.authenticator.failed, request)
        return problem_response(request.scope, 503, _UNRECORDED)

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
        await run_in_threadpool(app.state.authenticator.failed, request)
        return problem_response(request.scope, 500, _SENTENCES[500])

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RefusalError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(StoreError, store)
    app.add_exception_handler(AuditError, unrecorded)
    app.add_exception_handler(Exception, unexpected)


def refusal_response(request: Request, refused: RefusalError) -> Response:
    """Programs and forms are told; who opens a page is led to where this can be mended."""
    path = request.url.path
    if not path.startswith(_PROGRAMS):
        if isinstance(refused, NotConfirmedError):
            return RedirectResponse(f"/signin/confirm?{urlencode({'next': refused.back})}", 303)
        if isinstance(refused, NotSignedInError) and request.method in SAFE_METHODS:
            return _to_sign_in(request)
    response = problem_response(request.scope, refused.status, refused.sentence, refused.actor)
    if refused.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _to_sign_in(request: Request) -> Response:
    here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    # From a link in a mail a browser brings no cookie of ours; asked by a page of ours, it does.
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        return HTMLResponse(page("onward.html", onward=here))
    return RedirectResponse(f"/signin?{urlencode({'next': here})}", 303)


def store_sentence(error: Exception) -> str:
    """What an analyst is told of a database that does not answer: no path, and what to do."""
    if isinstance(error, StoreBusyError):
        return "The database is busy. Nothing was saved; try again in a moment."
    if isinstance(error, StoreFullError):
        return "The disk of journalguard's machine is full. Nothing was saved; tell its operator."
    return "The database cannot be read. Tell the operator; the cause is in journalguard's log."
