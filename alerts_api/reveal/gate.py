"""What the gate decides, and why: pure functions over what is asked and what the database knows.

Everything is checked here, on the server, and what is not known counts against the request. A step is refused
with one word of a closed list, which goes into the audit log and, in words, to the person.
"""

import re
from enum import StrEnum

import msgspec

from alerts_api.signin.actors import Actor, Role
from service.config.settings import RevealSettings

FRESH_SECONDS = 300.0  # since the holder last proved who it is
DAY_SECONDS = 86_400.0  # of the budget; also how long a grant may lie before it is taken
WAITING_SECONDS = 3 * DAY_SECONDS  # for an answer; then it has to be asked anew
TICKET_SECONDS = 900.0
SHORTEST_TEXT = 30  # characters

_RECORDED = re.compile(r"[A-Za-z0-9_.:/#-]{1,64}")  # what the audit log has a place for


class Reason(StrEnum):
    """What a name may be asked for. A new purpose is a new promise to readers, so no setting."""

    COMPROMISE = "suspected_compromise"
    FALSE_POSITIVE = "confirm_false_positive_with_user"


class Outcome(StrEnum):
    """What became of it."""

    SECURED = "account_secured"
    OWN_USE = "reader_confirmed_own_use"
    NOT_REACHED = "reader_not_reached"
    NOT_OPENED = "not_opened"


class Needs(StrEnum):
    """Whose answer a request waits for."""

    NOBODY = ""
    APPROVER = "approver"  # or the DPO
    DPO = "dpo"


class Refusal(StrEnum):
    """Why a step goes no further."""

    NOT_A_HOLDER = "not-a-holder"
    UNTRAINED = "untrained"
    NOT_CONFIRMED = "not-confirmed"
    NO_ALERT = "no-alert"
    OTHER_ACCOUNT = "other-account"
    NOT_TRIAGED = "not-triaged"
    UNSEEN = "evidence-unseen"
    NO_REASON = "no-such-reason"
    SHORT_TEXT = "short-text"
    NO_CASE = "no-such-case"
    NOT_SEALED = "not-sealed"
    UNDER_WAY = "under-way"
    UNREVIEWED = "break-glass-unreviewed"
    NO_REQUEST = "no-request"
    NOT_YOURS = "not-yours"
    OWN_REQUEST = "own-request"
    NOT_AN_APPROVER = "not-an-approver"
    NOT_THE_DPO = "not-the-dpo"
    NOT_WAITING = "not-waiting"
    NOT_GRANTED = "not-granted"
    RESTRICTED = "restricted-since"
    NO_TICKET = "no-such-ticket"
    NOT_RELEASED = "not-released"
    FILED = "filed-already"
    NO_OUTCOME = "no-such-outcome"


class State(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    DENIED = "denied"
    LAPSED = "lapsed"  # nobody answered, or it was not taken in time
    GRANTED = "granted"
    TICKETED = "ticketed"
    RELEASED = "released"  # the outcome is due
    CLOSED = "closed"


class Ask(msgspec.Struct, frozen=True):
    """A request as it was sent; ``text`` has been through :mod:`alerts_api.reveal.scrub`."""

    holder: Actor
    alert: str
    account: str
    reason: str
    text: str
    case: str
    urgent: bool = False  # break-glass: now, and looked at afterwards


class Facts(msgspec.Struct, frozen=True):
    """What the database knows about it."""

    account: str = ""  # that the alert is about; "" if there is no such alert
    triaged: bool = False  # has a verdict
    seen: bool = False  # by somebody who had opened the alert's page before that
    sealed: bool = False  # the identity is in the vault
    restricted: bool = True  # the reader is to be left alone
    trained_until: float = 0.0  # the holder, s UTC
    by_holder: int = 0  # releases of the last day, and grants that may still become one
    by_site: int = 0
    under_way: bool = True  # the holder has a request for this alert that is not done with
    unreviewed: bool = True  # the holder broke the glass before and nobody has looked at it yet


class Decision(msgspec.Struct, frozen=True):
    """Refused; or granted; or granted once somebody has answered."""

    refusal: Refusal | None
    needs: Needs = Needs.NOBODY
    break_glass: bool = False


class Request(msgspec.Struct, frozen=True):
    """A request that was not refused, as it stands. Times are wall clock, s UTC, 0.0 for not yet."""

    id: str
    alert: str
    account: str
    holder: str
    reason: str
    case_ref: str
    needs: Needs
    break_glass: bool
    asked_at: float
    answered_at: float = 0.0
    answered_by: str = ""
    granted_at: float = 0.0
    ticket_until: float = 0.0
    released_at: float = 0.0
    outcome: str = ""
    outcome_at: float = 0.0
    reviewed_at: float = 0.0
    reviewed_by: str = ""
    review: str = ""
    escalated_at: float = 0.0  # when the DPO was told last that something is overdue


def decide(ask: Ask, facts: Facts, settings: RevealSettings, now: float) -> Decision:
    """The first thing that speaks against it, or whom it needs."""
    refusal = _of_holder(ask.holder, facts, now) or _of_alert(ask.account, facts) or _of_words(ask, settings)
    if refusal is not None:
        return Decision(refusal)
    if facts.under_way:
        return Decision(Refusal.UNDER_WAY)
    if facts.restricted:
        return Decision(None, Needs.DPO)
    if facts.by_holder < settings.per_holder and facts.by_site < settings.per_site:
        return Decision(None)
    if not ask.urgent:
        return Decision(None, Needs.APPROVER)
    return Decision(Refusal.UNREVIEWED) if facts.unreviewed else Decision(None, break_glass=True)


def hindrance(holder: Actor, facts: Facts, now: float) -> Refusal | None:
    """What no form can mend, to be told before one is shown."""
    refusal = _of_holder(holder, facts, now, fresh=now) or _of_alert(facts.account, facts)
    return refusal or (Refusal.UNDER_WAY if facts.under_way else None)


def may_answer(actor: Actor, request: Request, now: float) -> Refusal | None:
    """Whether this person may approve or deny."""
    if state(request, now) is not State.WAITING:
        return Refusal.NOT_WAITING
    return _second_person(actor, request, now)


def may_review(actor: Actor, request: Request, now: float) -> Refusal | None:
    """Whether this person may look at a broken glass afterwards."""
    if not request.break_glass or request.reviewed_at:
        return Refusal.NOT_WAITING
    return _second_person(actor, request, now)


def may_take(actor: Actor, request: Request, facts: Facts, now: float) -> Refusal | None:
    """Whether the holder may have a ticket: all that spoke for the grant must still hold."""
    if request.holder != actor.subject:
        return Refusal.NOT_YOURS
    if state(request, now) is not State.GRANTED:
        return Refusal.NOT_GRANTED
    return _still(actor, request, facts, now)


def may_redeem(actor: Actor, request: Request, facts: Facts, now: float) -> Refusal | None:
    """Whether this ticket's sealed identity may leave now."""
    if request.holder != actor.subject:
        return Refusal.NOT_YOURS
    if state(request, now) is not State.TICKETED:
        return Refusal.NO_TICKET
    return _still(actor, request, facts, now, fresh=FRESH_SECONDS + TICKET_SECONDS)


def may_file(actor: Actor, request: Request, outcome: str) -> Refusal | None:
    """Whether the holder may file this outcome; late ones too."""
    if request.holder != actor.subject:
        return Refusal.NOT_YOURS
    if not request.released_at:
        return Refusal.NOT_RELEASED
    if request.outcome_at:
        return Refusal.FILED
    return None if outcome in set(Outcome) else Refusal.NO_OUTCOME


def state(request: Request, now: float) -> State:
    """Where a request stands at a moment."""
    if request.released_at:
        return State.CLOSED if request.outcome_at else State.RELEASED
    if request.ticket_until:
        return State.TICKETED if now <= request.ticket_until else State.LAPSED
    if request.granted_at:
        return State.GRANTED if now <= request.granted_at + DAY_SECONDS else State.LAPSED
    if request.answered_at:
        return State.DENIED
    return State.WAITING if now <= request.asked_at + WAITING_SECONDS else State.LAPSED


def _of_holder(holder: Actor, facts: Facts, now: float, fresh: float = FRESH_SECONDS) -> Refusal | None:
    if Role.KEY_HOLDER not in holder.roles:
        return Refusal.NOT_A_HOLDER
    if facts.trained_until <= now:
        return Refusal.UNTRAINED
    return None if _confirmed(holder, now, fresh) else Refusal.NOT_CONFIRMED


def _of_alert(account: str, facts: Facts) -> Refusal | None:
    if not facts.account:
        return Refusal.NO_ALERT
    if facts.account != account:
        return Refusal.OTHER_ACCOUNT
    if not facts.triaged:
        return Refusal.NOT_TRIAGED
    if not facts.seen:
        return Refusal.UNSEEN
    return None if facts.sealed else Refusal.NOT_SEALED


def _of_words(ask: Ask, settings: RevealSettings) -> Refusal | None:
    if ask.reason not in set(Reason):
        return Refusal.NO_REASON
    if len(ask.text) < SHORTEST_TEXT:
        return Refusal.SHORT_TEXT
    fits = _RECORDED.fullmatch(ask.case) and re.fullmatch(settings.case_pattern, ask.case)
    return None if fits else Refusal.NO_CASE


def _still(
    actor: Actor, request: Request, facts: Facts, now: float, fresh: float = FRESH_SECONDS
) -> Refusal | None:
    if refusal := _of_holder(actor, facts, now, fresh):
        return refusal
    if facts.account != request.account:
        return Refusal.NO_ALERT
    if facts.restricted and request.needs is not Needs.DPO:
        return Refusal.RESTRICTED
    return None if facts.sealed else Refusal.NOT_SEALED


def _second_person(actor: Actor, request: Request, now: float) -> Refusal | None:
    """Somebody else, who has the role for it and has just proved it."""
    if not actor.has(Role.APPROVER, Role.DPO):
        return Refusal.NOT_AN_APPROVER
    if request.needs is Needs.DPO and not actor.has(Role.DPO):
        return Refusal.NOT_THE_DPO
    if actor.subject == request.holder:
        return Refusal.OWN_REQUEST
    return None if _confirmed(actor, now, FRESH_SECONDS) else Refusal.NOT_CONFIRMED


def _confirmed(actor: Actor, now: float, within: float) -> bool:
    return 0 <= now - actor.confirmed_at <= within
