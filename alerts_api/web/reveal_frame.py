"""What the gate's routes share: their pages' frame and the answer to a step that goes no further."""

from typing import Annotated

from fastapi import Form, Path
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts_api.reveal.gate import FRESH_SECONDS, RevealRefusal
from alerts_api.reveal.words import OUTCOMES, REASONS, REFUSALS, STATES
from alerts_api.signin.actors import Actor
from alerts_api.web.authorization import fresh
from alerts_api.web.context import AppContext
from alerts_api.web.problems import problem_response
from alerts_api.web.rendering import page

RequestId = Annotated[str, Path(pattern=r"^RV-[A-Z2-7]{10}$")]
Text = Annotated[str, Form(max_length=4_000)]
Word = Annotated[str, Form(max_length=200)]
Account = Annotated[str, Form(pattern=r"^u[0-9A-Za-z]{1,8}_[a-z2-7]{24}$")]
Subject = Annotated[str, Form(pattern=r"^[\x21-\x7e]{1,255}$")]  # as the audit log writes one

_GONE = frozenset({RevealRefusal.NO_ALERT, RevealRefusal.NO_REQUEST})


def gate_page(context: AppContext, actor: Actor, template: str, **values: object) -> HTMLResponse:
    """A page of the gate."""
    words = {"REASONS": REASONS, "OUTCOMES": OUTCOMES, "STATES": STATES, "REFUSALS": REFUSALS}
    frame = {"actor": actor, "demo": context.demo, "here": "reveals", "now": context.clock()}
    return HTMLResponse(page(template, **frame, **words, **values))


def confirmed(context: AppContext, actor: Actor, back: str) -> None:
    """Go on only if this person has just proved who it is. Raises ``NotConfirmedError``."""
    fresh(actor, FRESH_SECONDS, now=context.clock(), back=back)


def to_request(request_id: str) -> Response:
    """By GET, so that reloading does not send the form again."""
    return RedirectResponse(f"/reveals/{request_id}#standing", 303)


def refused(actor: Actor, refusal: RevealRefusal | None) -> Response:
    """What speaks against it, in words; the audit log has it already."""
    if refusal is None:
        raise HTTPException(500)
    status = 404 if refusal in _GONE else 409
    return problem_response({"path": "/reveals"}, status, REFUSALS[refusal], actor)
