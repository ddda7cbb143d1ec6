"""The steps of a request against a real database: what leaves, what is written down, who is told."""

from collections.abc import Iterator
from hashlib import sha256

import msgspec
import pytest
from sqlalchemy import select

from alerts_api.alerts.restrictions import restrict
from alerts_api.audit.errors import HandOverError
from alerts_api.audit.leaves import ActKind
from alerts_api.audit.log_status import LogWatch
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
from alerts_api.reveal.training import TrainingRefusal
from alerts_api.rights.erasure import erase_accounts, erase_identities, rows_left
from alerts_api.rights.retention import enforce
from alerts_api.signin import sessions
from alerts_api.signin.actors import Actor, Role
from alerts_api.signin.persons import link
from alerts_api.storage import tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.reveal_tables import requests
from pseudonymiser import holder_key
from pseudonymiser.holder_key import OpenedIdentity
from service.config.tables import RetentionSettings
from tests.alerts_api.reveal.reveal_site import (
    ANALYST,
    APPROVER,
    DAY,
    DPO,
    HOLDER,
    KEY,
    OTHER_HOLDER,
    RevealSite,
    judge,
    train,
)


@pytest.fixture
def site(database: DatabaseLocation) -> Iterator[RevealSite]:
    made = RevealSite(database, alerts=8)
    yield made
    made.close()


def kinds(site: RevealSite, request: str) -> list[ActKind]:
    return [leaf.kind for leaf in site.leaves() if leaf.request == request]


def used_up(site: RevealSite) -> None:
    for alert in site.alerts[:5]:
        assert site.release(alert).refusal is None


def found(site: RevealSite, request: str) -> RevealRequest:
    with site.database.reading() as connection:
        one = find_request(connection, request)
    assert one is not None
    return one


def test_the_whole_way(site: RevealSite) -> None:
    asked = site.release_service.ask(site.ask()).request
    assert asked is not None
    ticket = site.release_service.take(site.fresh(HOLDER), asked.id).ticket
    released = site.release_service.redeem(site.fresh(HOLDER), ticket)
    opened = KEY.open(holder_key.decode(released.sealed, ""))
    assert opened == OpenedIdentity("jdoe", "", False)
    assert site.release_service.opened(HOLDER, asked.account).refusal is None
    assert (
        site.release_service.file(HOLDER, asked.id, RevealOutcome.SECURED, "Password reset.").refusal is None
    )
    assert kinds(site, asked.id) == [
        ActKind.REVEAL_REQUESTED,
        ActKind.REVEAL_TICKETED,
        ActKind.REVEAL_RELEASED,
        ActKind.REVEAL_OPENED,
        ActKind.REVEAL_OUTCOME,
    ]
    release = next(leaf for leaf in site.leaves() if leaf.kind is ActKind.REVEAL_RELEASED)
    assert release.digest == sha256(released.sealed).hexdigest()
    assert [each.request for each in site.reported] == [asked.id]
    assert state(found(site, asked.id), site.now) is RequestState.CLOSED


def test_a_refused_request_is_in_the_log_without_a_word_of_what_was_sent(site: RevealSite) -> None:
    sent = msgspec.structs.replace(site.ask(), case="canary case", reason="canary-reason", text="canary")
    assert site.release_service.ask(sent).refusal is RevealRefusal.NO_REASON
    leaf = site.leaves()[-1]
    assert (leaf.kind, leaf.outcome, leaf.reason, leaf.case) == (
        ActKind.REVEAL_REFUSED,
        RevealRefusal.NO_REASON,
        "",
        "",
    )
    assert leaf.alert == sent.alert


def test_an_alert_that_is_not_there_is_refused_whatever_it_is_called(site: RevealSite) -> None:
    sent = msgspec.structs.replace(site.ask(), alert="'; DROP TABLE alerts; --", account="jdoe@example.org")
    assert site.release_service.ask(sent).refusal is RevealRefusal.NO_ALERT


@pytest.mark.parametrize("who", [OTHER_HOLDER, APPROVER, DPO])
def test_a_ticket_is_for_one_person_and_one_time(site: RevealSite, who: Actor) -> None:
    asked = site.release_service.ask(site.ask()).request
    assert asked is not None
    ticket = site.release_service.take(site.fresh(HOLDER), asked.id).ticket
    assert site.release_service.redeem(site.fresh(who), ticket).refusal is RevealRefusal.NOT_YOURS
    assert site.release_service.take(site.fresh(HOLDER), asked.id).refusal is RevealRefusal.NOT_GRANTED
    assert site.release_service.redeem(site.fresh(HOLDER), ticket).refusal is None
    assert site.release_service.redeem(site.fresh(HOLDER), ticket).refusal is RevealRefusal.NO_TICKET


def test_a_ticket_runs_out(site: RevealSite) -> None:
    asked = site.release_service.ask(site.ask()).request
    assert asked is not None
    ticket = site.release_service.take(site.fresh(HOLDER), asked.id).ticket
    site.now += 901
    assert site.release_service.redeem(site.fresh(HOLDER), ticket).refusal is RevealRefusal.NO_TICKET
    assert site.release_service.ask(site.ask()).refusal is None, "it can be asked anew"


def test_above_the_budget_somebody_else_answers(site: RevealSite) -> None:
    used_up(site)
    asked = site.release_service.ask(site.ask(site.alerts[5])).request
    assert asked is not None
    assert asked.needs is SecondPerson.APPROVER
    assert site.release_service.take(site.fresh(HOLDER), asked.id).refusal is RevealRefusal.NOT_GRANTED
    step = site.release_service.answer(site.fresh(APPROVER), asked.id, approve=True, note="Seen the alert.")
    assert step.refusal is None
    assert site.release_service.take(site.fresh(HOLDER), asked.id).refusal is None
    site.now += DAY + 1
    after = site.release_service.ask(site.ask(site.alerts[6])).request
    assert after is not None
    assert after.needs is SecondPerson.NOBODY


def test_what_was_denied_stays_so(site: RevealSite) -> None:
    used_up(site)
    asked = site.release_service.ask(site.ask(site.alerts[5])).request
    assert asked is not None
    site.release_service.answer(site.fresh(APPROVER), asked.id, approve=False, note="")
    again = site.release_service.answer(site.fresh(DPO), asked.id, approve=True, note="")
    assert again.refusal is RevealRefusal.NOT_WAITING
    assert site.release_service.take(site.fresh(HOLDER), asked.id).refusal is RevealRefusal.NOT_GRANTED


def test_a_restricted_reader_needs_the_dpo_also_when_restricted_after_the_grant(site: RevealSite) -> None:
    asked = site.release_service.ask(site.ask()).request
    assert asked is not None
    with site.writing() as connection:
        restrict(connection, [asked.account], "CASE-1", site.now)
    assert site.release_service.take(site.fresh(HOLDER), asked.id).refusal is RevealRefusal.RESTRICTED
    site.now += DAY + 1
    again = site.release_service.ask(site.ask()).request
    assert again is not None
    assert again.needs is SecondPerson.DPO
    assert site.release_service.answer(site.fresh(APPROVER), again.id, approve=True, note="").refusal is (
        RevealRefusal.NOT_THE_DPO
    )
    assert site.release_service.answer(site.fresh(DPO), again.id, approve=True, note="").refusal is None
    assert site.release_service.take(site.fresh(HOLDER), again.id).refusal is None


def test_the_glass_is_broken_once_and_then_looked_at(site: RevealSite) -> None:
    used_up(site)
    asked = site.release_service.ask(site.ask(site.alerts[5], urgent=True)).request
    assert asked is not None
    assert asked.break_glass
    assert site.release_service.take(site.fresh(HOLDER), asked.id).refusal is None
    assert site.release_service.ask(site.ask(site.alerts[6], urgent=True)).refusal is RevealRefusal.UNREVIEWED
    assert site.release_service.review(site.fresh(APPROVER), asked.id, uphold=True, note="").refusal is None
    assert site.release_service.ask(site.ask(site.alerts[6], urgent=True)).refusal is None


def test_a_verdict_by_somebody_who_has_not_seen_the_evidence_does_not_count(site: RevealSite) -> None:
    alert = site.alerts[0]
    with site.writing() as connection:
        judge(connection, alert.alert_id, "program-1", site.now)
        assert not facts_of(connection, HOLDER, alert.alert_id, site.now).seen
        judge(connection, alert.alert_id, ANALYST.subject, site.now)
        assert facts_of(connection, HOLDER, alert.alert_id, site.now).seen
    assert site.release_service.ask(site.ask()).refusal is None


def test_while_the_dpo_cannot_be_told_nothing_leaves(site: RevealSite) -> None:
    asked = site.release_service.ask(site.ask()).request
    assert asked is not None
    ticket = site.release_service.take(site.fresh(HOLDER), asked.id).ticket

    def full(_: RevealRequest, __: float) -> None:
        raise HandOverError("the folder is full")

    site.release_service._notify = full
    with pytest.raises(HandOverError):
        site.release_service.redeem(site.fresh(HOLDER), ticket)
    assert ActKind.REVEAL_RELEASED not in kinds(site, asked.id)
    site.release_service._notify = site.tell
    assert site.release_service.redeem(site.fresh(HOLDER), ticket).refusal is None, "the ticket was not spent"


def test_what_is_overdue_is_told_once(site: RevealSite) -> None:
    used_up(site)
    asked = site.release_service.ask(site.ask(site.alerts[5], urgent=True)).request
    assert asked is not None
    ticket = site.release_service.take(site.fresh(HOLDER), asked.id).ticket
    site.release_service.redeem(site.fresh(HOLDER), ticket)
    reported: list[tuple[str, Overdue]] = []

    def tell(request: RevealRequest, what: Overdue, _: float) -> None:
        reported.append((request.id, what))

    def look() -> None:
        escalate(site.writing, tell, lambda: site.now)

    look()
    assert reported == []
    site.now += 2 * DAY
    look()
    look()
    assert reported == [(asked.id, Overdue.REVIEW)]
    site.release_service.file(HOLDER, asked.id, RevealOutcome.SECURED, "")
    site.now += 8 * DAY
    look()
    look()
    assert len(reported) == 6, "the other five have no outcome yet"
    assert [leaf.kind for leaf in site.leaves()].count(ActKind.REVEAL_ESCALATED) == 6


def test_an_erased_reader_is_in_no_request_any_more_and_the_log_still_holds(site: RevealSite) -> None:
    account = site.alerts[0].account
    assert site.release().refusal is None
    with site.writing() as connection:
        erase_accounts(connection, [account])
        erase_identities(connection, [account])
        assert rows_left(connection, account) == {}
    with site.database.reading() as connection:
        assert LogWatch().status(connection, 0.0).broken == ""
    assert site.release_service.ask(site.ask()).refusal is RevealRefusal.NO_ALERT


def test_requests_go_when_the_audit_log_forgets_whose_account_they_were(site: RevealSite) -> None:
    assert site.release().refusal is None
    later = site.now + 731 * DAY
    with site.writing() as connection:
        enforce(connection, RetentionSettings(), int(later), later)
        assert connection.execute(select(requests.c.id)).all() == []


def broken_glass(site: RevealSite, alert: int = 5) -> str:
    """An urgent request above the budget."""
    used_up(site)
    asked = site.release_service.ask(site.ask(site.alerts[alert], urgent=True)).request
    assert asked is not None
    assert asked.break_glass
    return asked.id


@pytest.mark.parametrize("taken", [False, True])
def test_an_urgent_request_that_was_found_not_right_releases_nothing(site: RevealSite, taken: bool) -> None:
    request = broken_glass(site)
    ticket = site.release_service.take(site.fresh(HOLDER), request).ticket if taken else ""
    assert site.release_service.review(site.fresh(DPO), request, uphold=False, note="").refusal is None
    assert state(found(site, request), site.now) is RequestState.DENIED
    assert site.release_service.take(site.fresh(HOLDER), request).refusal is not None
    assert site.release_service.redeem(site.fresh(HOLDER), ticket).sealed == b""
    assert ActKind.REVEAL_RELEASED not in kinds(site, request)


def test_after_that_no_further_urgent_one_until_the_officer_lifts_it(site: RevealSite) -> None:
    request = broken_glass(site)
    service, urgent = site.release_service, site.ask(site.alerts[6], urgent=True)
    assert service.review(site.fresh(APPROVER), request, uphold=False, note="").refusal is None
    assert service.ask(urgent).refusal is RevealRefusal.BARRED
    assert service.lift(site.fresh(APPROVER), request, note="").refusal is RevealRefusal.NOT_THE_DPO
    assert service.lift(DPO_LONG_AGO, request, note="").refusal is RevealRefusal.NOT_CONFIRMED
    assert service.lift(site.fresh(DPO), request, note="talked to them").refusal is None
    assert service.lift(site.fresh(DPO), request, note="").refusal is RevealRefusal.NOT_REJECTED
    assert service.ask(urgent).refusal is None
    assert ActKind.BREAK_GLASS_LIFTED in kinds(site, request)


DPO_LONG_AGO = msgspec.structs.replace(DPO, confirmed_at=DPO.confirmed_at - 1_000.0)


def test_one_person_with_two_sign_ins_is_one_person(site: RevealSite) -> None:
    """She asks by one way, and approves, looks after and has a budget by the other."""
    with site.writing() as connection:
        link(connection, "local:mallory", HOLDER.subject)
        train(connection, "local:mallory", site.now + DAY)
    local = msgspec.structs.replace(
        HOLDER, subject="local:mallory", person=HOLDER.subject, roles=frozenset({Role.KEY_HOLDER})
    )
    second = msgspec.structs.replace(
        local, subject="local:mallory", roles=frozenset({Role.APPROVER, Role.DPO})
    )
    used_up(site)
    waits = site.release_service.ask(site.ask(site.alerts[5], local)).request
    assert waits is not None
    assert waits.needs is SecondPerson.APPROVER, "one budget"
    own = site.release_service.answer(site.fresh(second), waits.id, approve=True, note="")
    assert own.refusal is RevealRefusal.OWN_REQUEST
    by_holder = msgspec.structs.replace(HOLDER, roles=frozenset({Role.APPROVER}))
    own = site.release_service.answer(site.fresh(by_holder), waits.id, approve=True, note="")
    assert own.refusal is RevealRefusal.OWN_REQUEST
    assert site.release_service.answer(site.fresh(APPROVER), waits.id, approve=True, note="").refusal is None


def test_an_outcome_that_the_log_contradicts_is_refused(site: RevealSite) -> None:
    assert site.release().refusal is None
    request = site.reported[-1].request
    assert site.release_service.opened(HOLDER, site.alerts[0].account).refusal is None
    filed = site.release_service.file(HOLDER, request, RevealOutcome.NOT_OPENED, "")
    assert filed.refusal is RevealRefusal.CONTRADICTED
    assert site.release_service.file(HOLDER, request, RevealOutcome.OWN_USE, "").refusal is None


def test_who_was_given_nothing_has_opened_nothing(site: RevealSite) -> None:
    assert site.release().refusal is None
    account = site.alerts[0].account
    assert site.release_service.opened(OTHER_HOLDER, account).refusal is RevealRefusal.NOT_RELEASED


def test_a_ticket_is_of_its_own_request(site: RevealSite) -> None:
    asked = site.release_service.ask(site.ask()).request
    assert asked is not None
    ticket = site.release_service.take(site.fresh(HOLDER), asked.id).ticket
    other = site.release_service.redeem(site.fresh(HOLDER), ticket, "RV-AAAAAAAAAA")
    assert other.refusal is RevealRefusal.NO_TICKET
    assert site.release_service.redeem(site.fresh(HOLDER), ticket, asked.id).refusal is None


@pytest.mark.parametrize(
    ("subject", "days", "refusal"),
    [
        (DPO.subject, 30, TrainingRefusal.OWN),
        ("local:nobody", 30, TrainingRefusal.UNKNOWN),
        ("token:0123456789ab", 30, TrainingRefusal.UNKNOWN),
        (HOLDER.subject, 9_999, TrainingRefusal.TOO_LONG),
        (HOLDER.subject, 732, TrainingRefusal.TOO_LONG),
        (HOLDER.subject, 730, None),
        (HOLDER.subject, -1, None),
    ],
)
def test_whose_training_is_recorded_by_whom(
    site: RevealSite, subject: str, days: int, refusal: TrainingRefusal | None
) -> None:
    with site.writing() as connection:
        for who in (HOLDER, DPO):
            sessions.begin(connection, site.fresh(who), site.now)
    assert site.release_service.train(DPO, subject, site.now + days * DAY) is refusal


@pytest.mark.parametrize("how", ["another's", "torn", "not json"])
def test_a_blob_that_is_not_the_account_s_is_not_released(site: RevealSite, how: str) -> None:
    """One UPDATE by whoever rules the database: the name of another reader, under this account."""
    asked = site.release_service.ask(site.ask()).request
    assert asked is not None
    ticket = site.release_service.take(site.fresh(HOLDER), asked.id).ticket
    table = tables.identities
    with site.writing() as connection:
        own, other = (
            connection.execute(
                select(table.c.sealed).where(table.c.pseudonym == site.alerts[n].account)
            ).scalar_one()
            for n in (0, 1)
        )
        planted = {"another's": other, "torn": own[:-9], "not json": b"\xff"}[how]
        mine = table.update().where(table.c.pseudonym == asked.account)
        connection.execute(mine.values(sealed=planted))
    released = site.release_service.redeem(site.fresh(HOLDER), ticket)
    assert (released.refusal, released.sealed) == (RevealRefusal.OTHER_SEAL, b"")
    assert site.leaves()[-1].outcome == "sealed-for-another"
    with site.writing() as connection:
        connection.execute(mine.values(sealed=own))
    assert site.release_service.redeem(site.fresh(HOLDER), ticket).sealed == own, "the ticket was not spent"
