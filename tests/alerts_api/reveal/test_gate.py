"""What the gate decides: a request that passes, and each thing that alone speaks against it."""

from typing import Any

import msgspec
import pytest

from alerts_api.reveal import gate
from alerts_api.reveal.gate import (
    Ask,
    RequestState,
    RevealDecision,
    RevealFacts,
    RevealReason,
    RevealRefusal,
    RevealRequest,
    SecondPerson,
)
from alerts_api.signin.actors import Actor, Role
from service.config.tables import RevealSettings
from tests.alerts_api.examples import NOW
from tests.alerts_api.reveal.reveal_site import APPROVER, CASE, DAY, DPO, HOLDER, TEXT, actor

ACCOUNT = "u1_" + "a" * 24
ASK = Ask(HOLDER, "JG-0000000001", ACCOUNT, RevealReason.COMPROMISE, TEXT, CASE)
FACTS = RevealFacts(
    account=ACCOUNT,
    triaged=True,
    seen=True,
    sealed=True,
    restricted=False,
    trained_until=NOW + DAY,
    under_way=False,
    unreviewed=False,
    barred=False,
)
REQUEST = RevealRequest(
    "RV-ABCDEFGHIJ",
    ASK.alert,
    ACCOUNT,
    HOLDER.subject,
    ASK.reason,
    CASE,
    SecondPerson.APPROVER,
    False,
    float(NOW),
)
SETTINGS = RevealSettings()


def changed(record: Any, **values: object) -> Any:
    return msgspec.structs.replace(record, **values)


def decide(facts: RevealFacts = FACTS, **values: object) -> RevealDecision:
    return gate.decide(changed(ASK, **values), facts, SETTINGS, NOW)


def test_a_good_request_is_granted() -> None:
    assert decide() == RevealDecision(None, SecondPerson.NOBODY)


@pytest.mark.parametrize(
    ("refusal", "facts", "ask"),
    [
        (RevealRefusal.NOT_A_HOLDER, {}, {"holder": actor("x", Role.ANALYST, Role.DPO)}),
        (RevealRefusal.UNTRAINED, {"trained_until": NOW - 1.0}, {}),
        (RevealRefusal.UNTRAINED, {"trained_until": 0.0}, {}),
        (RevealRefusal.NOT_CONFIRMED, {}, {"holder": changed(HOLDER, confirmed_at=NOW - 301.0)}),
        (RevealRefusal.NOT_CONFIRMED, {}, {"holder": changed(HOLDER, confirmed_at=NOW + 60.0)}),
        (RevealRefusal.NO_ALERT, {"account": ""}, {}),
        (RevealRefusal.OTHER_ACCOUNT, {}, {"account": "u1_" + "b" * 24}),
        (RevealRefusal.NOT_TRIAGED, {"triaged": False}, {}),
        (RevealRefusal.UNSEEN, {"seen": False}, {}),
        (RevealRefusal.NOT_SEALED, {"sealed": False}, {}),
        (RevealRefusal.NO_REASON, {}, {"reason": "curiosity"}),
        (RevealRefusal.SHORT_TEXT, {}, {"text": "looks odd to me, do not ask."}),
        (RevealRefusal.NO_CASE, {}, {"case": "see mail"}),
        (RevealRefusal.NO_CASE, {}, {"case": CASE + " and more"}),
        (RevealRefusal.UNDER_WAY, {"under_way": True}, {}),
    ],
)
def test_each_of_these_alone_refuses(
    refusal: RevealRefusal, facts: dict[str, object], ask: dict[str, object]
) -> None:
    assert decide(changed(FACTS, **facts), **ask).refusal is refusal


def test_a_case_that_the_audit_log_has_no_place_for_is_refused_whatever_the_sites_pattern() -> None:
    anything = RevealSettings(case_pattern=".*")
    for case in ("two words", "a" * 65, "Fall-ü", "a\0b", ""):
        assert gate.decide(changed(ASK, case=case), FACTS, anything, NOW).refusal is RevealRefusal.NO_CASE


def test_without_any_facts_everything_is_refused() -> None:
    assert decide(RevealFacts()).refusal is not None
    assert gate.may_take(HOLDER, changed(REQUEST, granted_at=float(NOW)), RevealFacts(), NOW) is not None


@pytest.mark.parametrize(
    ("facts", "urgent", "decision"),
    [
        ({"by_holder": 4, "by_site": 19}, False, RevealDecision(None)),
        ({"by_holder": 5}, False, RevealDecision(None, SecondPerson.APPROVER)),
        ({"by_site": 20}, False, RevealDecision(None, SecondPerson.APPROVER)),
        ({"by_holder": 5}, True, RevealDecision(None, break_glass=True)),
        ({"by_holder": 5, "unreviewed": True}, True, RevealDecision(RevealRefusal.UNREVIEWED)),
        ({"by_holder": 5, "barred": True}, True, RevealDecision(RevealRefusal.BARRED)),
        ({"by_holder": 5, "barred": True}, False, RevealDecision(None, SecondPerson.APPROVER)),
        ({"barred": True}, True, RevealDecision(None)),
        ({"restricted": True}, False, RevealDecision(None, SecondPerson.DPO)),
        ({"restricted": True, "by_holder": 5}, True, RevealDecision(None, SecondPerson.DPO)),
        ({"unreviewed": True}, True, RevealDecision(None)),
    ],
    ids=str,
)
def test_whom_it_needs(facts: dict[str, object], urgent: bool, decision: RevealDecision) -> None:
    assert decide(changed(FACTS, **facts), urgent=urgent) == decision


@pytest.mark.parametrize(
    ("who", "needs", "refusal"),
    [
        (APPROVER, SecondPerson.APPROVER, None),
        (DPO, SecondPerson.APPROVER, None),
        (DPO, SecondPerson.DPO, None),
        (APPROVER, SecondPerson.DPO, RevealRefusal.NOT_THE_DPO),
        (actor("x", Role.KEY_HOLDER), SecondPerson.APPROVER, RevealRefusal.NOT_AN_APPROVER),
        (
            actor(HOLDER.subject, Role.KEY_HOLDER, Role.APPROVER),
            SecondPerson.APPROVER,
            RevealRefusal.OWN_REQUEST,
        ),
        (actor(HOLDER.subject, Role.DPO), SecondPerson.DPO, RevealRefusal.OWN_REQUEST),
        (changed(APPROVER, confirmed_at=NOW - 301.0), SecondPerson.APPROVER, RevealRefusal.NOT_CONFIRMED),
    ],
)
def test_who_may_answer_and_review(who: Actor, needs: SecondPerson, refusal: RevealRefusal | None) -> None:
    assert gate.may_answer(who, changed(REQUEST, needs=needs), NOW) is refusal
    glass = changed(REQUEST, needs=needs, break_glass=True, granted_at=float(NOW))
    assert gate.may_review(who, glass, NOW) is refusal


@pytest.mark.parametrize(
    ("values", "after", "state"),
    [
        ({}, 0.0, RequestState.WAITING),
        ({}, 3 * DAY + 1, RequestState.LAPSED),
        ({"answered_at": NOW}, 1.0, RequestState.DENIED),
        ({"answered_at": NOW, "granted_at": NOW}, 1.0, RequestState.GRANTED),
        ({"granted_at": NOW}, DAY + 1, RequestState.LAPSED),
        ({"granted_at": NOW, "review": "rejected"}, 1.0, RequestState.DENIED),
        ({"granted_at": NOW, "ticket_until": NOW + 900, "review": "rejected"}, 1.0, RequestState.DENIED),
        ({"granted_at": NOW, "review": "upheld"}, 1.0, RequestState.GRANTED),
        ({"granted_at": NOW, "ticket_until": NOW + 900}, 900.0, RequestState.TICKETED),
        ({"granted_at": NOW, "ticket_until": NOW + 900}, 901.0, RequestState.LAPSED),
        ({"granted_at": NOW, "ticket_until": NOW + 900, "released_at": NOW}, DAY, RequestState.RELEASED),
        (
            {"granted_at": NOW, "ticket_until": NOW + 900, "released_at": NOW, "outcome_at": NOW},
            1.0,
            RequestState.CLOSED,
        ),
    ],
)
def test_where_a_request_stands(values: dict[str, float], after: float, state: RequestState) -> None:
    assert gate.state(changed(REQUEST, **values), NOW + after) is state


def test_what_spoke_for_a_grant_must_still_hold_when_it_is_taken() -> None:
    granted = changed(REQUEST, granted_at=float(NOW))
    assert gate.may_take(HOLDER, granted, FACTS, NOW) is None
    for facts, refusal in (
        ({"restricted": True}, RevealRefusal.RESTRICTED),
        ({"trained_until": 0.0}, RevealRefusal.UNTRAINED),
        ({"sealed": False}, RevealRefusal.NOT_SEALED),
        ({"account": ""}, RevealRefusal.NO_ALERT),
    ):
        assert gate.may_take(HOLDER, granted, changed(FACTS, **facts), NOW) is refusal
    assert gate.may_take(actor("x", Role.KEY_HOLDER), granted, FACTS, NOW) is RevealRefusal.NOT_YOURS
    by_dpo = changed(granted, needs=SecondPerson.DPO)
    assert gate.may_take(HOLDER, by_dpo, changed(FACTS, restricted=True), NOW) is None
