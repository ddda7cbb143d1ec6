"""Judging: who may, how fast, and taking a burst of verdicts back by one act."""

from typing import Annotated

from fastapi import APIRouter, Form
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from alerts_api.alerts.verdicts import LATELY_SECONDS, take_back, verdicts_since
from alerts_api.reveal.training import is_trained
from alerts_api.signin.actors import Actor, RefusalError, Role, TooOftenError
from alerts_api.signin.persons import subjects_of
from alerts_api.web.authorization import requires_roles
from alerts_api.web.context import AppContext

FEWEST = 20  # verdicts of one person in an hour that are always taken
_HOUR = 3_600.0
_UNTRAINED = "No valid training is recorded for you. The data protection officer records it."
_TOO_FAST = (
    "That is more alerts than one person looks at in an hour. Go on later; if it was not you, have your "
    "verdicts taken back on the queue's page and your sign-in ended."
)

Undoer = Annotated[Actor, requires_roles(Role.ANALYST, Role.DPO)]
Subject = Annotated[str, Form(pattern=r"^[\x21-\x7e]{1,255}$")]


def judging(context: AppContext) -> APIRouter:
    """Taking verdicts back."""
    router = APIRouter(include_in_schema=False)

    @router.post("/verdicts/undo")
    def undo(actor: Undoer, subject: Subject) -> Response:
        now = context.clock()
        with context.writing() as connection:
            theirs = subjects_of(connection, subject)
            take_back(connection, theirs, now - LATELY_SECONDS, now=now, actor=actor)
        return RedirectResponse("/#judged", 303)

    return router


def lacks_training(connection: Connection, actor: Actor, now: float) -> bool:
    """Has nobody recorded a training of theirs that holds?

    Before the first user, and in a demonstration, there is nobody whose training could be recorded.
    """
    return actor.via not in {"open", "demo"} and not is_trained(connection, actor, now)


def check_judge(context: AppContext, connection: Connection, actor: Actor) -> None:
    """Raises ``RefusalError`` for who may not judge, or not so fast."""
    now = context.clock()
    if context.judges_trained and lacks_training(connection, actor, now):
        raise RefusalError("untrained", _UNTRAINED, actor)
    theirs = subjects_of(connection, actor.human) | {actor.subject}
    if verdicts_since(connection, theirs, now - _HOUR) >= max(FEWEST, context.daily_verdict_limit):
        raise TooOftenError("too-many-verdicts", _TOO_FAST, actor)
