"""The steps of a request against a real database: what leaves, what is written down, who is told."""

from collections.abc import Iterator
from hashlib import sha256

import msgspec
import pytest
from sqlalchemy import select

from alerts_api.alerts.restrictions import restrict
from alerts_api.audit.errors import HandOverError
from alerts_api.audit.leaves import ActKind
from alerts_api.audit.standing import log_status
from alerts_api.reveal.facts import facts_of
from alerts_api.reveal.gate import (
    RequestState,
    RevealOutcome,
    RevealRefusal,
    RevealRequest,
    SecondPerson,
    state,
)
from alerts_api.reveal.ledger import find_request
from alerts_api.reveal.overdue import Overdue, escalate
from alerts_api.rights.erasing import erase_accounts, erase_identities, rows_left
from alerts_api.rights.retention import enforce
from alerts_api.signin.actors import Actor
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.reveal_tables import requests
from pseudonymiser import keyholder
from pseudonymiser.keyholder import OpenedIdentity
from service.config.settings import RetentionSettings
from tests.alerts_api.reveal.world import (
    ANALYST,
    APPROVER,
    DAY,
    DPO,
    HOLDER,
    KEY,
    OTHER_HOLDER,
    World,
    judge,
)


@pytest.fixture
def world(database: DatabaseLocation) -> Iterator[World]:
    made = World(database, alerts=8)
    yield made
    made.close()


def kinds(world: World, request: str) -> list[ActKind]:
    return [leaf.kind for leaf in world.leaves() if leaf.request == request]


def used_up(world: World) -> None:
    for alert in world.alerts[:5]:
        assert world.release(alert).refusal is None


def found(world: World, request: str) -> RevealRequest:
    with world.database.reading() as connection:
        one = find_request(connection, request)
    assert one is not None
    return one


def test_the_whole_way(world: World) -> None:
    asked = world.release_service.ask(world.ask()).request
    assert asked is not None
    ticket = world.release_service.take(world.fresh(HOLDER), asked.id).ticket
    released = world.release_service.redeem(world.fresh(HOLDER), ticket)
    opened = KEY.open(keyholder.decode(released.sealed, ""))
    assert opened == OpenedIdentity("jdoe", "", False)
    assert world.release_service.opened(HOLDER, asked.account).refusal is None
    assert (
        world.release_service.file(HOLDER, asked.id, RevealOutcome.SECURED, "Password reset.").refusal is None
    )
    assert kinds(world, asked.id) == [
        ActKind.REVEAL_REQUESTED,
        ActKind.REVEAL_TICKETED,
        ActKind.REVEAL_RELEASED,
        ActKind.REVEAL_OPENED,
        ActKind.REVEAL_OUTCOME,
    ]
    release = next(leaf for leaf in world.leaves() if leaf.kind is ActKind.REVEAL_RELEASED)
    assert release.digest == sha256(released.sealed).hexdigest()
    assert [each.request for each in world.told] == [asked.id]
    assert state(found(world, asked.id), world.now) is RequestState.CLOSED


def test_a_refused_request_is_in_the_log_without_a_word_of_what_was_sent(world: World) -> None:
    sent = msgspec.structs.replace(world.ask(), case="canary case", reason="canary-reason", text="canary")
    assert world.release_service.ask(sent).refusal is RevealRefusal.NO_REASON
    leaf = world.leaves()[-1]
    assert (leaf.kind, leaf.outcome, leaf.reason, leaf.case) == (
        ActKind.REVEAL_REFUSED,
        RevealRefusal.NO_REASON,
        "",
        "",
    )
    assert leaf.alert == sent.alert


def test_an_alert_that_is_not_there_is_refused_whatever_it_is_called(world: World) -> None:
    sent = msgspec.structs.replace(world.ask(), alert="'; DROP TABLE alerts; --", account="jdoe@example.org")
    assert world.release_service.ask(sent).refusal is RevealRefusal.NO_ALERT


@pytest.mark.parametrize("who", [OTHER_HOLDER, APPROVER, DPO])
def test_a_ticket_is_for_one_person_and_one_time(world: World, who: Actor) -> None:
    asked = world.release_service.ask(world.ask()).request
    assert asked is not None
    ticket = world.release_service.take(world.fresh(HOLDER), asked.id).ticket
    assert world.release_service.redeem(world.fresh(who), ticket).refusal is RevealRefusal.NOT_YOURS
    assert world.release_service.take(world.fresh(HOLDER), asked.id).refusal is RevealRefusal.NOT_GRANTED
    assert world.release_service.redeem(world.fresh(HOLDER), ticket).refusal is None
    assert world.release_service.redeem(world.fresh(HOLDER), ticket).refusal is RevealRefusal.NO_TICKET


def test_a_ticket_runs_out(world: World) -> None:
    asked = world.release_service.ask(world.ask()).request
    assert asked is not None
    ticket = world.release_service.take(world.fresh(HOLDER), asked.id).ticket
    world.now += 901
    assert world.release_service.redeem(world.fresh(HOLDER), ticket).refusal is RevealRefusal.NO_TICKET
    assert world.release_service.ask(world.ask()).refusal is None, "it can be asked anew"


def test_above_the_budget_somebody_else_answers(world: World) -> None:
    used_up(world)
    asked = world.release_service.ask(world.ask(world.alerts[5])).request
    assert asked is not None
    assert asked.needs is SecondPerson.APPROVER
    assert world.release_service.take(world.fresh(HOLDER), asked.id).refusal is RevealRefusal.NOT_GRANTED
    step = world.release_service.answer(world.fresh(APPROVER), asked.id, approve=True, note="Seen the alert.")
    assert step.refusal is None
    assert world.release_service.take(world.fresh(HOLDER), asked.id).refusal is None
    world.now += DAY + 1
    after = world.release_service.ask(world.ask(world.alerts[6])).request
    assert after is not None
    assert after.needs is SecondPerson.NOBODY


def test_what_was_denied_stays_so(world: World) -> None:
    used_up(world)
    asked = world.release_service.ask(world.ask(world.alerts[5])).request
    assert asked is not None
    world.release_service.answer(world.fresh(APPROVER), asked.id, approve=False, note="")
    again = world.release_service.answer(world.fresh(DPO), asked.id, approve=True, note="")
    assert again.refusal is RevealRefusal.NOT_WAITING
    assert world.release_service.take(world.fresh(HOLDER), asked.id).refusal is RevealRefusal.NOT_GRANTED


def test_a_restricted_reader_needs_the_dpo_also_when_restricted_after_the_grant(world: World) -> None:
    asked = world.release_service.ask(world.ask()).request
    assert asked is not None
    with world.writing() as connection:
        restrict(connection, [asked.account], "CASE-1", world.now)
    assert world.release_service.take(world.fresh(HOLDER), asked.id).refusal is RevealRefusal.RESTRICTED
    world.now += DAY + 1
    again = world.release_service.ask(world.ask()).request
    assert again is not None
    assert again.needs is SecondPerson.DPO
    assert world.release_service.answer(world.fresh(APPROVER), again.id, approve=True, note="").refusal is (
        RevealRefusal.NOT_THE_DPO
    )
    assert world.release_service.answer(world.fresh(DPO), again.id, approve=True, note="").refusal is None
    assert world.release_service.take(world.fresh(HOLDER), again.id).refusal is None


def test_the_glass_is_broken_once_and_then_looked_at(world: World) -> None:
    used_up(world)
    asked = world.release_service.ask(world.ask(world.alerts[5], urgent=True)).request
    assert asked is not None
    assert asked.break_glass
    assert world.release_service.take(world.fresh(HOLDER), asked.id).refusal is None
    assert (
        world.release_service.ask(world.ask(world.alerts[6], urgent=True)).refusal is RevealRefusal.UNREVIEWED
    )
    assert world.release_service.review(world.fresh(APPROVER), asked.id, uphold=True, note="").refusal is None
    assert world.release_service.ask(world.ask(world.alerts[6], urgent=True)).refusal is None


def test_a_verdict_by_somebody_who_has_not_seen_the_evidence_does_not_count(world: World) -> None:
    alert = world.alerts[0]
    with world.writing() as connection:
        judge(connection, alert.alert_id, "program-1", world.now)
        assert not facts_of(connection, HOLDER, alert.alert_id, world.now).seen
        judge(connection, alert.alert_id, ANALYST.subject, world.now)
        assert facts_of(connection, HOLDER, alert.alert_id, world.now).seen
    assert world.release_service.ask(world.ask()).refusal is None


def test_while_the_dpo_cannot_be_told_nothing_leaves(world: World) -> None:
    asked = world.release_service.ask(world.ask()).request
    assert asked is not None
    ticket = world.release_service.take(world.fresh(HOLDER), asked.id).ticket

    def full(_: RevealRequest, __: float) -> None:
        raise HandOverError("the folder is full")

    world.release_service._notify = full
    with pytest.raises(HandOverError):
        world.release_service.redeem(world.fresh(HOLDER), ticket)
    assert ActKind.REVEAL_RELEASED not in kinds(world, asked.id)
    world.release_service._notify = world.tell
    assert world.release_service.redeem(world.fresh(HOLDER), ticket).refusal is None, (
        "the ticket was not spent"
    )


def test_what_is_overdue_is_told_once(world: World) -> None:
    used_up(world)
    asked = world.release_service.ask(world.ask(world.alerts[5], urgent=True)).request
    assert asked is not None
    ticket = world.release_service.take(world.fresh(HOLDER), asked.id).ticket
    world.release_service.redeem(world.fresh(HOLDER), ticket)
    told: list[tuple[str, Overdue]] = []

    def tell(request: RevealRequest, what: Overdue, _: float) -> None:
        told.append((request.id, what))

    def look() -> None:
        escalate(world.writing, tell, lambda: world.now)

    look()
    assert told == []
    world.now += 2 * DAY
    look()
    look()
    assert told == [(asked.id, Overdue.REVIEW)]
    world.release_service.file(HOLDER, asked.id, RevealOutcome.SECURED, "")
    world.now += 8 * DAY
    look()
    look()
    assert len(told) == 6, "the other five have no outcome yet"
    assert [leaf.kind for leaf in world.leaves()].count(ActKind.REVEAL_ESCALATED) == 6


def test_an_erased_reader_is_in_no_request_any_more_and_the_log_still_holds(world: World) -> None:
    account = world.alerts[0].account
    assert world.release().refusal is None
    with world.writing() as connection:
        erase_accounts(connection, [account])
        erase_identities(connection, [account])
        assert rows_left(connection, account) == {}
    with world.database.reading() as connection:
        assert log_status(connection).broken == ""
    assert world.release_service.ask(world.ask()).refusal is RevealRefusal.NO_ALERT


def test_requests_go_when_the_audit_log_forgets_whose_account_they_were(world: World) -> None:
    assert world.release().refusal is None
    later = world.now + 731 * DAY
    with world.writing() as connection:
        enforce(connection, RetentionSettings(), int(later), later)
        assert connection.execute(select(requests.c.id)).all() == []
