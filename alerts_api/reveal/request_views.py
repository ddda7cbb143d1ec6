"""Requests as the pages show them: with their state, what is due, the people's names, their own history."""

from collections import Counter

import msgspec
from sqlalchemy import Connection, select

from alerts_api.audit.leaves import ActKind
from alerts_api.audit.reading import AuditEntry, AuditFilters, read
from alerts_api.reveal.gate import RequestState, RevealRequest, may_answer, may_lift, may_review, state
from alerts_api.reveal.ledger import find_request, requests_where
from alerts_api.reveal.overdue import Overdue, due_at, overdue
from alerts_api.signin.actors import Actor, Role
from alerts_api.storage.reveal_tables import trainings
from alerts_api.storage.signin_tables import people

READERS = (Role.KEY_HOLDER, Role.APPROVER, Role.DPO, Role.AUDITOR)
WATCHERS = (Role.DPO, Role.AUDITOR)  # who see every request

_STEPS = 100  # acts of one request that are shown
_ASKED = {ActKind.REVEAL_REQUESTED, ActKind.BREAK_GLASS}


class Shown(msgspec.Struct, frozen=True):
    """One request on a page."""

    request: RevealRequest
    state: RequestState
    due: dict[Overdue, float]
    overdue: tuple[Overdue, ...]
    answerable: bool  # by the visitor
    reviewable: bool
    liftable: bool


class RequestCounts(msgspec.Struct, frozen=True):
    """All requests, counted."""

    states: dict[str, int]
    overdue: int


class HolderTraining(msgspec.Struct, frozen=True):
    """Until when a key-holder's training holds."""

    subject: str
    until: float


def shown(request: RevealRequest, actor: Actor, now: float) -> Shown:
    """The request as this visitor may see it. Freshness is asked for when a form is sent."""
    known = msgspec.structs.replace(actor, confirmed_at=now)
    return Shown(
        request=request,
        state=state(request, now),
        due=due_at(request),
        overdue=overdue(request, now),
        answerable=may_answer(known, request, now) is None,
        reviewable=may_review(known, request, now) is None,
        liftable=may_lift(known, request, now) is None,
    )


def visible(connection: Connection, actor: Actor, now: float) -> tuple[Shown, ...]:
    """The requests that concern this visitor, the newest first."""
    found = (shown(each, actor, now) for each in requests_where(connection))
    return tuple(each for each in found if _concerns(each, actor))


def visible_one(connection: Connection, actor: Actor, request_id: str, now: float) -> Shown | None:
    """One request, if it concerns this visitor."""
    request = find_request(connection, request_id)
    found = shown(request, actor, now) if request else None
    return found if found is not None and _concerns(found, actor) else None


def history(connection: Connection, request_id: str) -> tuple[AuditEntry, ...]:
    """What the audit log says of the request, oldest first."""
    return read(connection, -1, _STEPS, AuditFilters(request=request_id))


def stated_reason(entries: tuple[AuditEntry, ...]) -> str:
    """The holder's own words; empty once they were erased."""
    return next((each.note for each in entries if each.record and each.record.kind in _ASKED), "")


def names(connection: Connection) -> dict[str, str]:
    """What pages call a subject of the audit log."""
    return dict(connection.execute(select(people.c.subject, people.c.name)).all())


def read_trainings(connection: Connection) -> tuple[HolderTraining, ...]:
    found = select(trainings.c.subject, trainings.c.until).order_by(trainings.c.subject)
    return tuple(HolderTraining(*row) for row in connection.execute(found))


def count_requests(connection: Connection, now: float) -> RequestCounts:
    """How many requests stand where."""
    found = requests_where(connection)
    states = Counter(state(each, now).value for each in found)
    return RequestCounts(
        {each.value: states[each] for each in RequestState}, sum(bool(overdue(r, now)) for r in found)
    )


def _concerns(each: Shown, actor: Actor) -> bool:
    steps = {each.request.human, each.request.holder, each.request.answered_by, each.request.reviewed_by}
    mine = not steps.isdisjoint({actor.subject, actor.human})
    return mine or actor.has(*WATCHERS) or each.answerable or each.reviewable
