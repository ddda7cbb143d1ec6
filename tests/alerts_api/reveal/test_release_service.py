"""The steps of a request against a real database: what leaves, what is written down, who is told."""

from collections.abc import Iterator
from hashlib import sha256

import msgspec
import pytest
from sqlalchemy import select

from alerts_api.alerts.restrictions import restrict
from alerts_api.audit.errors import HandOverError
from alerts_api.audit.leaves import ActKind
from alerts_api.audit.log_status import log_status
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
from alerts_api.rights.erasure import erase_accounts, erase_identities, rows_left
from alerts_api.rights.retention import enforce
from alerts_api.signin.actors import Actor
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
        assert log_status(connection).broken == ""
    assert site.release_service.ask(site.ask()).refusal is RevealRefusal.NO_ALERT


def test_requests_go_when_the_audit_log_forgets_whose_account_they_were(site: RevealSite) -> None:
    assert site.release().refusal is None
    later = site.now + 731 * DAY
    with site.writing() as connection:
        enforce(connection, RetentionSettings(), int(later), later)
        assert connection.execute(select(requests.c.id)).all() == []
