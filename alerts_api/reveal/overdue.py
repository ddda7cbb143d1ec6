"""What has to be done after a name was released, by when, and what is told when it was not."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from enum import StrEnum

from alerts_api.audit import leaves
from alerts_api.audit.errors import AuditError
from alerts_api.audit.leaves import ActKind
from alerts_api.audit.log import append
from alerts_api.reveal import workdays
from alerts_api.reveal.gate import RevealRequest
from alerts_api.reveal.ledger import change_request, requests_where
from alerts_api.reveal.release_service import Writing
from alerts_api.storage.errors import StoreError
from alerts_api.storage.reveal_tables import requests

OUTCOME_DAYS = 5  # working days
REVIEW_DAYS = 1
LOOK_SECONDS = 60.0
SYSTEM = "journalguard"

_R = requests.c
_log = logging.getLogger("journalguard.reveal")


class Overdue(StrEnum):
    """What is missing."""

    OUTCOME = "outcome-overdue"
    REVIEW = "review-overdue"


WORDS: Mapping[Overdue, str] = {
    Overdue.OUTCOME: "The key-holder has not told what became of it within five working days.",
    Overdue.REVIEW: "An urgent release has not been looked at by a second person within one working day.",
}


def due_at(request: RevealRequest) -> dict[Overdue, float]:
    """What is still to be done, and by when, s UTC."""
    due = {}
    if request.released_at and not request.outcome_at:
        due[Overdue.OUTCOME] = workdays.after(request.released_at, OUTCOME_DAYS)
    if request.break_glass and not request.reviewed_at:
        due[Overdue.REVIEW] = workdays.after(request.granted_at, REVIEW_DAYS)
    return due


def overdue(request: RevealRequest, now: float) -> tuple[Overdue, ...]:
    """What should have been done by ``now``."""
    return tuple(what for what, by in due_at(request).items() if by < now)


def escalate(
    writing: Writing, notify: Callable[[RevealRequest, Overdue, float], None], clock: Callable[[], float]
) -> int:
    """Tell the DPO once of everything that has become overdue; how much that was.

    A mail that cannot be laid down is tried again with the next call.
    """
    now, sent = clock(), 0
    with writing() as connection:
        unfinished = (_R.released_at > 0) & (_R.outcome_at == 0) | _R.break_glass & (_R.reviewed_at == 0)
        for request in requests_where(connection, unfinished):
            news = [what for what, by in due_at(request).items() if request.escalated_at < by < now]
            for what in news:
                append(connection, _leaf(request, what, now))
                notify(request, what, now)
            if news:
                change_request(connection, request, escalated_at=now)
            sent += len(news)
    return sent


async def watch_overdue(
    writing: Writing, notify: Callable[[RevealRequest, Overdue, float], None], clock: Callable[[], float]
) -> None:
    """Look again and again, beside the pages; what cannot be told now is told later."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await asyncio.to_thread(escalate, writing, notify, clock)
        except (StoreError, AuditError) as error:
            _log.warning("overdue-untold %s; tried again", error)


def _leaf(request: RevealRequest, what: Overdue, now: float) -> leaves.Leaf:
    return leaves.Leaf(
        kind=ActKind.REVEAL_ESCALATED,
        actor=SYSTEM,
        role=leaves.ActRole.SYSTEM,
        at=int(now),
        alert=request.alert,
        account=request.account,
        request=request.id,
        outcome=what,
    )
