"""The steps of a request, each one transaction: what was decided, the row, the leaf of the audit log.

A step that is refused is a leaf too. What leaves the house, the sealed identity, is handed out by
:meth:`ReleaseService.redeem` after its transaction is on the disk; a crash before that leaves the reader
unnamed.
"""

import secrets
from base64 import b32encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from alerts_api.audit import leaves
from alerts_api.audit.leaves import ActKind
from alerts_api.audit.log import append
from alerts_api.audit.seal_check import Seal, check_seal
from alerts_api.reveal import gate
from alerts_api.reveal.facts import facts_of, takes_two, was_opened
from alerts_api.reveal.gate import (
    Ask,
    RevealDecision,
    RevealReason,
    RevealRefusal,
    RevealRequest,
    SecondPerson,
)
from alerts_api.reveal.ledger import (
    change_request,
    find_by_ticket,
    find_request,
    insert_request,
    newest_release,
)
from alerts_api.reveal.training import TrainingRefusal, may_train
from alerts_api.signin.actors import Actor, Role
from alerts_api.storage import tables
from alerts_api.storage.reveal_tables import trainings
from service.config.tables import RevealSettings

Writing = Callable[[], AbstractContextManager[Connection]]
Notify = Callable[
    [RevealRequest, float], None
]  # tells the DPO of a release; raises where that cannot be done


class StepResult(NamedTuple):
    """What became of a step: refused, or the request as it stands."""

    refusal: RevealRefusal | None
    request: RevealRequest | None = None


class Ticketed(NamedTuple):
    refusal: RevealRefusal | None
    ticket: str = ""  # works once, for :data:`gate.TICKET_SECONDS`


class Released(NamedTuple):
    refusal: RevealRefusal | None
    sealed: bytes = b""  # service.records.identities.SealedIdentity, JSON
    request: RevealRequest | None = None
    seal: Seal = Seal.UNCHECKED


class ReleaseService:
    """Safe to use from several threads.

    Args:
        writing: transactions of a database that is open ``durable``.
        notify: called inside the transaction of a release, which fails if it does.
        notify_rejected: the same, of an urgent request that was found not right.
        seal_keys: file of the keys by which the ingest host signs what it seals.
        sign: signs the log in the transaction of a release, which fails if it does.
        clock: wall clock, s UTC.
    """

    def __init__(
        self,
        writing: Writing,
        settings: RevealSettings,
        notify: Notify,
        clock: Callable[[], float],
        *,
        notify_rejected: Notify | None = None,
        seal_keys: Path | None = None,
        sign: Callable[[Connection, float], None] | None = None,
    ) -> None:
        self._writing = writing
        self._settings = settings
        self._notify = notify
        self._notify_rejected = notify_rejected or _tell_nobody
        self._seal_keys = seal_keys
        self._sign = sign or _sign_nothing
        self._clock = clock

    def ask(self, ask: Ask) -> StepResult:
        """A key-holder wants to know whose account it is."""
        now = self._clock()
        with self._writing() as connection:
            facts = facts_of(connection, ask.holder, ask.alert, now)
            decision = gate.decide(ask, facts, self._settings, now)
            if decision.refusal is not None:
                append(connection, _refused_ask(ask, facts.account, decision.refusal, now))
                return StepResult(decision.refusal)
            request = _request_of(ask, decision, now)
            insert_request(connection, request)
            kind = ActKind.BREAK_GLASS if decision.break_glass else ActKind.REVEAL_REQUESTED
            outcome = "granted" if request.granted_at else f"waits-for-{decision.needs}"
            append(connection, _leaf(kind, ask.holder, Role.KEY_HOLDER, request, now, outcome), ask.text)
        return StepResult(None, request)

    def answer(self, actor: Actor, request_id: str, *, approve: bool, note: str) -> StepResult:
        """A second person approves or denies."""
        now = self._clock()
        with self._writing() as connection:
            request = find_request(connection, request_id)
            refusal = gate.may_answer(actor, request, now) if request else RevealRefusal.NO_REQUEST
            if request is None or refusal is not None:
                return StepResult(_refuse(connection, actor, request, refusal, now))
            change_request(
                connection,
                request,
                answered_at=now,
                answered_by=actor.subject,
                granted_at=now if approve else 0.0,
            )
            kind = ActKind.REVEAL_APPROVED if approve else ActKind.REVEAL_DENIED
            append(connection, _leaf(kind, actor, _second(request), request, now), note)
            return StepResult(None, find_request(connection, request_id))

    def review(self, actor: Actor, request_id: str, *, uphold: bool, note: str) -> StepResult:
        """A second person looks at a broken glass."""
        now = self._clock()
        with self._writing() as connection:
            request = find_request(connection, request_id)
            refusal = gate.may_review(actor, request, now) if request else RevealRefusal.NO_REQUEST
            if request is None or refusal is not None:
                return StepResult(_refuse(connection, actor, request, refusal, now))
            word = gate.UPHELD if uphold else gate.REJECTED
            change_request(connection, request, reviewed_at=now, reviewed_by=actor.subject, review=word)
            append(
                connection,
                _leaf(ActKind.BREAK_GLASS_REVIEWED, actor, _second(request), request, now, word),
                note,
            )
            if not uphold:
                self._notify_rejected(request, now)
            return StepResult(None, find_request(connection, request_id))

    def lift(self, actor: Actor, request_id: str, *, note: str) -> StepResult:
        """The DPO allows the holder of a rejected urgent request urgent ones again."""
        now = self._clock()
        with self._writing() as connection:
            request = find_request(connection, request_id)
            refusal = gate.may_lift(actor, request, now) if request else RevealRefusal.NO_REQUEST
            if request is None or refusal is not None:
                return StepResult(_refuse(connection, actor, request, refusal, now))
            change_request(connection, request, lifted_at=now, lifted_by=actor.subject)
            append(connection, _leaf(ActKind.BREAK_GLASS_LIFTED, actor, Role.DPO, request, now), note)
            return StepResult(None, find_request(connection, request_id))

    def take(self, actor: Actor, request_id: str) -> Ticketed:
        """The holder takes what was granted: a ticket, once."""
        now = self._clock()
        with self._writing() as connection:
            request = find_request(connection, request_id)
            refusal: RevealRefusal | None = RevealRefusal.NO_REQUEST
            if request is not None:
                refusal = gate.may_take(actor, request, facts_of(connection, actor, request.alert, now), now)
            if request is None or refusal is not None:
                return Ticketed(_refuse(connection, actor, request, refusal, now))
            ticket = secrets.token_urlsafe(32)
            change_request(connection, request, ticket=_hash(ticket), ticket_until=now + gate.TICKET_SECONDS)
            append(connection, _leaf(ActKind.REVEAL_TICKETED, actor, Role.KEY_HOLDER, request, now))
        return Ticketed(None, ticket)

    def redeem(self, actor: Actor, ticket: str, request_id: str = "") -> Released:
        """The sealed identity for a ticket, of the named request only. Untold to the DPO nothing leaves."""
        now = self._clock()
        with self._writing() as connection:
            request = find_by_ticket(connection, _hash(ticket))
            refusal: RevealRefusal | None = RevealRefusal.NO_TICKET
            if request is not None and request_id not in {"", request.id}:
                request = None
            if request is not None:
                facts = facts_of(connection, actor, request.alert, now)
                refusal = gate.may_redeem(actor, request, facts, now)
            if request is None or refusal is not None:
                return Released(_refuse(connection, actor, request, refusal, now))
            sealed = _sealed(connection, request.account)
            seal = check_seal(sealed, request.account, self._seal_keys)
            if seal is Seal.WRONG:
                return Released(_refuse(connection, actor, request, RevealRefusal.OTHER_SEAL, now))
            change_request(connection, request, ticket="", released_at=now)
            append(
                connection,
                _leaf(
                    ActKind.REVEAL_RELEASED,
                    actor,
                    Role.KEY_HOLDER,
                    request,
                    now,
                    outcome=seal,
                    digest=_digest(sealed),
                ),
            )
            self._sign(connection, now)
            self._notify(request, now)
        # Only here, where act and leaf are on the disk.
        return Released(None, sealed, request, seal)

    def opened(self, actor: Actor, account: str) -> StepResult:
        """A holder's browser says that it showed this account's name; of two holders it is the second's."""
        now = self._clock()
        with self._writing() as connection:
            request = newest_release(connection, account)
            if request is None or not _may_open(connection, actor, request):
                return StepResult(_refuse(connection, actor, request, RevealRefusal.NOT_RELEASED, now))
            append(connection, _leaf(ActKind.REVEAL_OPENED, actor, Role.KEY_HOLDER, request, now))
        return StepResult(None, request)

    def file(self, actor: Actor, request_id: str, outcome: str, note: str) -> StepResult:
        """The holder tells what became of it."""
        now = self._clock()
        with self._writing() as connection:
            request = find_request(connection, request_id)
            opened = was_opened(connection, request_id)
            refusal = (
                gate.may_file(actor, request, outcome, opened=opened) if request else RevealRefusal.NO_REQUEST
            )
            if request is None or refusal is not None:
                return StepResult(_refuse(connection, actor, request, refusal, now))
            change_request(connection, request, outcome=outcome, outcome_at=now)
            append(
                connection,
                _leaf(ActKind.REVEAL_OUTCOME, actor, Role.KEY_HOLDER, request, now, outcome),
                note,
            )
            return StepResult(None, find_request(connection, request_id))

    def train(self, actor: Actor, subject: str, until: float) -> TrainingRefusal | None:
        """The DPO has seen that this person's training holds until then; a date that is past ends it."""
        now = self._clock()
        row = {"subject": subject, "until": until, "recorded_by": actor.subject, "recorded_at": now}
        with self._writing() as connection:
            if refusal := may_train(connection, actor, subject, until, now):
                return refusal
            connection.execute(delete(trainings).where(trainings.c.subject == subject))
            connection.execute(insert(trainings), row)
            role = leaves.ActRole(actor.acting(Role.DPO))
            leaf = leaves.Leaf(
                kind=ActKind.TRAINING_RECORDED,
                actor=actor.subject,
                role=role,
                at=int(now),
                digest=sha256(f"{subject}|{int(until)}".encode()).hexdigest(),
            )
            append(connection, leaf, f"{subject} until {int(until)}")
        return None


def _request_of(ask: Ask, decision: RevealDecision, now: float) -> RevealRequest:
    return RevealRequest(
        id=f"RV-{b32encode(secrets.token_bytes(10)).decode()[:10]}",
        alert=ask.alert,
        account=ask.account,
        holder=ask.holder.subject,
        reason=ask.reason,
        case_ref=ask.case,
        needs=decision.needs,
        break_glass=decision.break_glass,
        asked_at=now,
        granted_at=now if decision.needs is SecondPerson.NOBODY else 0.0,
    )


def _leaf(
    kind: ActKind,
    actor: Actor,
    role: Role,
    request: RevealRequest,
    now: float,
    outcome: str = "",
    digest: str = "",
) -> leaves.Leaf:
    return leaves.Leaf(
        kind=kind,
        actor=actor.subject,
        role=leaves.ActRole(actor.acting(role)),
        at=int(now),
        alert=request.alert,
        account=request.account,
        reason=request.reason,
        case=request.case_ref,
        outcome=outcome,
        request=request.id,
        digest=digest,
    )


def _refused_ask(ask: Ask, account: str, refusal: RevealRefusal, now: float) -> leaves.Leaf:
    """Of what was sent only what is of our own making: the rest could hold anything."""
    return leaves.Leaf(
        kind=ActKind.REVEAL_REFUSED,
        actor=ask.holder.subject,
        role=leaves.ActRole(ask.holder.acting(Role.KEY_HOLDER)),
        at=int(now),
        alert=ask.alert if account else "",
        account=account,
        reason=ask.reason if ask.reason in set(RevealReason) else "",
        outcome=refusal,
    )


def _refuse(
    connection: Connection,
    actor: Actor,
    request: RevealRequest | None,
    refusal: RevealRefusal | None,
    now: float,
) -> RevealRefusal:
    """Write down a step that goes no further."""
    refusal = refusal or RevealRefusal.NO_REQUEST
    leaf = leaves.Leaf(
        kind=ActKind.REVEAL_REFUSED,
        actor=actor.subject,
        role=leaves.ActRole(actor.acting(Role.KEY_HOLDER, Role.APPROVER, Role.DPO)),
        at=int(now),
        alert=request.alert if request else "",
        account=request.account if request else "",
        request=request.id if request else "",
        outcome=refusal,
    )
    append(connection, leaf)
    return refusal


def _second(request: RevealRequest) -> Role:
    return Role.DPO if request.needs is SecondPerson.DPO else Role.APPROVER


def _may_open(connection: Connection, actor: Actor, request: RevealRequest) -> bool:
    """Who asked may; where it takes two holders, the second too."""
    if not actor.has(Role.KEY_HOLDER):
        return False
    return actor.human == request.human or takes_two(connection, request.account)


def _tell_nobody(_: RevealRequest, __: float) -> None:
    """Where nobody is to be told."""


def _sign_nothing(_: Connection, __: float) -> None:
    """Where no key signs checkpoints."""


def _sealed(connection: Connection, account: str) -> bytes:
    found = select(tables.identities.c.sealed).where(tables.identities.c.pseudonym == account)
    return bytes(connection.execute(found).scalar_one())


def _hash(ticket: str) -> str:
    return sha256(ticket.encode()).hexdigest()


def _digest(sealed: bytes) -> str:
    return sha256(sealed).hexdigest()
