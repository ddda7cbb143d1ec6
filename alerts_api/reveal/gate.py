"""What the gate decides, and why: pure functions over what is asked and what the database knows.

Everything is checked here, on the server, and what is not known counts against the request. A step is refused
with one word of a closed list, which goes into the audit log and, in words, to the person.
"""

import re
from enum import StrEnum

import msgspec

from alerts_api.signin.actors import Actor, Role
from service.config.tables import RevealSettings

FRESH_SECONDS = 300.0  # since the holder last proved who it is
DAY_SECONDS = 86_400.0  # of the budget; also how long a grant may lie before it is taken
WAITING_SECONDS = 3 * DAY_SECONDS  # for an answer; then it has to be asked anew
TICKET_SECONDS = 900.0
SHORTEST_TEXT = 30  # characters
UPHELD, REJECTED = "upheld", "rejected"  # a broken glass, looked at afterwards

_RECORDED = re.compile(r"[A-Za-z0-9_.:/#-]{1,64}")  # what the audit log has a place for


class RevealReason(StrEnum):
    """What a name may be asked for. A new purpose is a new promise to readers, so no setting."""

    COMPROMISE = "suspected_compromise"
    FALSE_POSITIVE = "confirm_false_positive_with_user"


class RevealOutcome(StrEnum):
    """What became of it."""

    SECURED = "account_secured"
    OWN_USE = "reader_confirmed_own_use"
    NOT_REACHED = "reader_not_reached"
    NOT_OPENED = "not_opened"


class SecondPerson(StrEnum):
    """Whose answer a request waits for."""

    NOBODY = ""
    APPROVER = "approver"  # or the DPO
    DPO = "dpo"


class RevealRefusal(StrEnum):
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
    OTHER_SEAL = "sealed-for-another"
    UNDER_WAY = "under-way"
    UNREVIEWED = "break-glass-unreviewed"
    BARRED = "urgent-barred"
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
    CONTRADICTED = "outcome-contradicted"
    NOT_REJECTED = "not-rejected"
    NO_OUTCOME = "no-such-outcome"


class RequestState(StrEnum):
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


class RevealFacts(msgspec.Struct, frozen=True):
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
    barred: bool = True  # an urgent request of the holder was rejected, and the DPO has not lifted it


class RevealDecision(msgspec.Struct, frozen=True):
    """Refused; or granted; or granted once somebody has answered."""

    refusal: RevealRefusal | None
    needs: SecondPerson = SecondPerson.NOBODY
    break_glass: bool = False


class RevealRequest(msgspec.Struct, frozen=True):
    """A request that was not refused, as it stands. Times are wall clock, s UTC, 0.0 for not yet."""

    id: str
    alert: str
    account: str
    holder: str
    reason: str
    case_ref: str
    needs: SecondPerson
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
    lifted_at: float = 0.0  # when the DPO allowed urgent requests again after this one was rejected
    lifted_by: str = ""
    person: str = ""  # the human who asked, whatever the way in; "": the holder's own sign-in alone

    @property
    def human(self) -> str:
        """By what who asked is told from other people."""
        return self.person or self.holder


def decide(ask: Ask, facts: RevealFacts, settings: RevealSettings, now: float) -> RevealDecision:
    """The first thing that speaks against it, or whom it needs."""
    refusal = _of_holder(ask.holder, facts, now) or _of_alert(ask.account, facts) or _of_words(ask, settings)
    if refusal is not None:
        return RevealDecision(refusal)
    if facts.under_way:
        return RevealDecision(RevealRefusal.UNDER_WAY)
    if facts.restricted:
        return RevealDecision(None, SecondPerson.DPO)
    if facts.by_holder < settings.per_holder and facts.by_site < settings.per_site:
        return RevealDecision(None)
    return _urgent(facts) if ask.urgent else RevealDecision(None, SecondPerson.APPROVER)


def _urgent(facts: RevealFacts) -> RevealDecision:
    """Above the budget and without waiting: once, until somebody has looked at it and found it right."""
    if facts.barred:
        return RevealDecision(RevealRefusal.BARRED)
    if facts.unreviewed:
        return RevealDecision(RevealRefusal.UNREVIEWED)
    return RevealDecision(None, break_glass=True)


def hindrance(holder: Actor, facts: RevealFacts, now: float) -> RevealRefusal | None:
    """What no form can mend, to be told before one is shown."""
    refusal = _of_holder(holder, facts, now, fresh=now) or _of_alert(facts.account, facts)
    return refusal or (RevealRefusal.UNDER_WAY if facts.under_way else None)


def may_answer(actor: Actor, request: RevealRequest, now: float) -> RevealRefusal | None:
    """Whether this person may approve or deny."""
    if state(request, now) is not RequestState.WAITING:
        return RevealRefusal.NOT_WAITING
    return _second_person(actor, request, now)


def may_review(actor: Actor, request: RevealRequest, now: float) -> RevealRefusal | None:
    """Whether this person may look at a broken glass afterwards."""
    if not request.break_glass or request.reviewed_at:
        return RevealRefusal.NOT_WAITING
    return _second_person(actor, request, now)


def may_lift(actor: Actor, request: RevealRequest, now: float) -> RevealRefusal | None:
    """Whether this person may allow the holder urgent requests again."""
    if not barring(request):
        return RevealRefusal.NOT_REJECTED
    if not actor.has(Role.DPO):
        return RevealRefusal.NOT_THE_DPO
    return _second_person(actor, request, now)


def barring(request: RevealRequest) -> bool:
    """Whether this request keeps its holder from further urgent ones."""
    return request.break_glass and request.review == REJECTED and not request.lifted_at


def may_take(actor: Actor, request: RevealRequest, facts: RevealFacts, now: float) -> RevealRefusal | None:
    """Whether the holder may have a ticket: all that spoke for the grant must still hold."""
    if request.human != actor.human:
        return RevealRefusal.NOT_YOURS
    if state(request, now) is not RequestState.GRANTED:
        return RevealRefusal.NOT_GRANTED
    return _still(actor, request, facts, now)


def may_redeem(actor: Actor, request: RevealRequest, facts: RevealFacts, now: float) -> RevealRefusal | None:
    """Whether this ticket's sealed identity may leave now."""
    if request.human != actor.human:
        return RevealRefusal.NOT_YOURS
    if state(request, now) is not RequestState.TICKETED:
        return RevealRefusal.NO_TICKET
    return _still(actor, request, facts, now, fresh=FRESH_SECONDS + TICKET_SECONDS)


def may_file(
    actor: Actor, request: RevealRequest, outcome: str, *, opened: bool = False
) -> RevealRefusal | None:
    """Whether the holder may file this outcome; late ones too. ``opened``: the log says that it was."""
    if request.human != actor.human:
        return RevealRefusal.NOT_YOURS
    if not request.released_at:
        return RevealRefusal.NOT_RELEASED
    if request.outcome_at:
        return RevealRefusal.FILED
    if outcome not in set(RevealOutcome):
        return RevealRefusal.NO_OUTCOME
    return RevealRefusal.CONTRADICTED if opened and outcome == RevealOutcome.NOT_OPENED else None


def state(request: RevealRequest, now: float) -> RequestState:
    """Where a request stands at a moment."""
    if request.released_at:
        return RequestState.CLOSED if request.outcome_at else RequestState.RELEASED
    if request.review == REJECTED:
        return RequestState.DENIED
    if request.ticket_until:
        return RequestState.TICKETED if now <= request.ticket_until else RequestState.LAPSED
    if request.granted_at:
        return RequestState.GRANTED if now <= request.granted_at + DAY_SECONDS else RequestState.LAPSED
    if request.answered_at:
        return RequestState.DENIED
    return RequestState.WAITING if now <= request.asked_at + WAITING_SECONDS else RequestState.LAPSED


def _of_holder(
    holder: Actor, facts: RevealFacts, now: float, fresh: float = FRESH_SECONDS
) -> RevealRefusal | None:
    if Role.KEY_HOLDER not in holder.roles:
        return RevealRefusal.NOT_A_HOLDER
    if facts.trained_until <= now:
        return RevealRefusal.UNTRAINED
    return None if _confirmed(holder, now, fresh) else RevealRefusal.NOT_CONFIRMED


def _of_alert(account: str, facts: RevealFacts) -> RevealRefusal | None:
    if not facts.account:
        return RevealRefusal.NO_ALERT
    if facts.account != account:
        return RevealRefusal.OTHER_ACCOUNT
    if not facts.triaged:
        return RevealRefusal.NOT_TRIAGED
    if not facts.seen:
        return RevealRefusal.UNSEEN
    return None if facts.sealed else RevealRefusal.NOT_SEALED


def _of_words(ask: Ask, settings: RevealSettings) -> RevealRefusal | None:
    if ask.reason not in set(RevealReason):
        return RevealRefusal.NO_REASON
    if len(ask.text) < SHORTEST_TEXT:
        return RevealRefusal.SHORT_TEXT
    fits = _RECORDED.fullmatch(ask.case) and re.fullmatch(settings.case_pattern, ask.case)
    return None if fits else RevealRefusal.NO_CASE


def _still(
    actor: Actor, request: RevealRequest, facts: RevealFacts, now: float, fresh: float = FRESH_SECONDS
) -> RevealRefusal | None:
    if refusal := _of_holder(actor, facts, now, fresh):
        return refusal
    if facts.account != request.account:
        return RevealRefusal.NO_ALERT
    if facts.restricted and request.needs is not SecondPerson.DPO:
        return RevealRefusal.RESTRICTED
    return None if facts.sealed else RevealRefusal.NOT_SEALED


def _second_person(actor: Actor, request: RevealRequest, now: float) -> RevealRefusal | None:
    """Somebody else, who has the role for it and has just proved it."""
    if not actor.has(Role.APPROVER, Role.DPO):
        return RevealRefusal.NOT_AN_APPROVER
    if request.needs is SecondPerson.DPO and not actor.has(Role.DPO):
        return RevealRefusal.NOT_THE_DPO
    if actor.human == request.human:
        return RevealRefusal.OWN_REQUEST
    return None if _confirmed(actor, now, FRESH_SECONDS) else RevealRefusal.NOT_CONFIRMED


def _confirmed(actor: Actor, now: float, within: float) -> bool:
    return 0 <= now - actor.confirmed_at <= within
