"""What the gate decides: a request that passes, and each thing that alone speaks against it."""

from typing import Any

import msgspec
import pytest

from alerts_api.reveal import gate
from alerts_api.reveal.gate import Ask, Decision, Facts, Needs, Reason, Refusal, Request, State
from alerts_api.signin.actors import Actor, Role
from service.config.settings import RevealSettings
from tests.alerts_api.examples import NOW
from tests.alerts_api.reveal.world import APPROVER, CASE, DAY, DPO, HOLDER, TEXT, actor

ACCOUNT = "u1_" + "a" * 24
ASK = Ask(HOLDER, "JG-0000000001", ACCOUNT, Reason.COMPROMISE, TEXT, CASE)
FACTS = Facts(
    account=ACCOUNT,
    triaged=True,
    seen=True,
    sealed=True,
    restricted=False,
    trained_until=NOW + DAY,
    under_way=False,
    unreviewed=False,
)
REQUEST = Request(
    "RV-ABCDEFGHIJ", ASK.alert, ACCOUNT, HOLDER.subject, ASK.reason, CASE, Needs.APPROVER, False, float(NOW)
)
SETTINGS = RevealSettings()


def changed(record: Any, **values: object) -> Any:
    return msgspec.structs.replace(record, **values)


def decide(facts: Facts = FACTS, **values: object) -> Decision:
    return gate.decide(changed(ASK, **values), facts, SETTINGS, NOW)


def test_a_good_request_is_granted() -> None:
    assert decide() == Decision(None, Needs.NOBODY)


@pytest.mark.parametrize(
    ("refusal", "facts", "ask"),
    [
        (Refusal.NOT_A_HOLDER, {}, {"holder": actor("x", Role.ANALYST, Role.DPO)}),
        (Refusal.UNTRAINED, {"trained_until": NOW - 1.0}, {}),
        (Refusal.UNTRAINED, {"trained_until": 0.0}, {}),
        (Refusal.NOT_CONFIRMED, {}, {"holder": changed(HOLDER, confirmed_at=NOW - 301.0)}),
        (Refusal.NOT_CONFIRMED, {}, {"holder": changed(HOLDER, confirmed_at=NOW + 60.0)}),
        (Refusal.NO_ALERT, {"account": ""}, {}),
        (Refusal.OTHER_ACCOUNT, {}, {"account": "u1_" + "b" * 24}),
        (Refusal.NOT_TRIAGED, {"triaged": False}, {}),
        (Refusal.UNSEEN, {"seen": False}, {}),
        (Refusal.NOT_SEALED, {"sealed": False}, {}),
        (Refusal.NO_REASON, {}, {"reason": "curiosity"}),
        (Refusal.SHORT_TEXT, {}, {"text": "looks odd to me, do not ask."}),
        (Refusal.NO_CASE, {}, {"case": "see mail"}),
        (Refusal.NO_CASE, {}, {"case": CASE + " and more"}),
        (Refusal.UNDER_WAY, {"under_way": True}, {}),
    ],
)
def test_each_of_these_alone_refuses(
    refusal: Refusal, facts: dict[str, object], ask: dict[str, object]
) -> None:
    assert decide(changed(FACTS, **facts), **ask).refusal is refusal


def test_a_case_that_the_audit_log_has_no_place_for_is_refused_whatever_the_sites_pattern() -> None:
    anything = RevealSettings(case_pattern=".*")
    for case in ("two words", "a" * 65, "Fall-ü", "a\0b", ""):
        assert gate.decide(changed(ASK, case=case), FACTS, anything, NOW).refusal is Refusal.NO_CASE


def test_without_any_facts_everything_is_refused() -> None:
    assert decide(Facts()).refusal is not None
    assert gate.may_take(HOLDER, changed(REQUEST, granted_at=float(NOW)), Facts(), NOW) is not None


@pytest.mark.parametrize(
    ("facts", "urgent", "decision"),
    [
        ({"by_holder": 4, "by_site": 19}, False, Decision(None)),
        ({"by_holder": 5}, False, Decision(None, Needs.APPROVER)),
        ({"by_site": 20}, False, Decision(None, Needs.APPROVER)),
        ({"by_holder": 5}, True, Decision(None, break_glass=True)),
        ({"by_holder": 5, "unreviewed": True}, True, Decision(Refusal.UNREVIEWED)),
        ({"restricted": True}, False, Decision(None, Needs.DPO)),
        ({"restricted": True, "by_holder": 5}, True, Decision(None, Needs.DPO)),
        ({"unreviewed": True}, True, Decision(None)),
    ],
    ids=str,
)
def test_whom_it_needs(facts: dict[str, object], urgent: bool, decision: Decision) -> None:
    assert decide(changed(FACTS, **facts), urgent=urgent) == decision


@pytest.mark.parametrize(
    ("who", "needs", "refusal"),
    [
        (APPROVER, Needs.APPROVER, None),
        (DPO, Needs.APPROVER, None),
        (DPO, Needs.DPO, None),
        (APPROVER, Needs.DPO, Refusal.NOT_THE_DPO),
        (actor("x", Role.KEY_HOLDER), Needs.APPROVER, Refusal.NOT_AN_APPROVER),
        (actor(HOLDER.subject, Role.KEY_HOLDER, Role.APPROVER), Needs.APPROVER, Refusal.OWN_REQUEST),
        (actor(HOLDER.subject, Role.DPO), Needs.DPO, Refusal.OWN_REQUEST),
        (changed(APPROVER, confirmed_at=NOW - 301.0), Needs.APPROVER, Refusal.NOT_CONFIRMED),
    ],
)
def test_who_may_answer_and_review(who: Actor, needs: Needs, refusal: Refusal | None) -> None:
    assert gate.may_answer(who, changed(REQUEST, needs=needs), NOW) is refusal
    glass = changed(REQUEST, needs=needs, break_glass=True, granted_at=float(NOW))
    assert gate.may_review(who, glass, NOW) is refusal


@pytest.mark.parametrize(
    ("values", "after", "state"),
    [
        ({}, 0.0, State.WAITING),
        ({}, 3 * DAY + 1, State.LAPSED),
        ({"answered_at": NOW}, 1.0, State.DENIED),
        ({"answered_at": NOW, "granted_at": NOW}, 1.0, State.GRANTED),
        ({"granted_at": NOW}, DAY + 1, State.LAPSED),
        ({"granted_at": NOW, "ticket_until": NOW + 900}, 900.0, State.TICKETED),
        ({"granted_at": NOW, "ticket_until": NOW + 900}, 901.0, State.LAPSED),
        ({"granted_at": NOW, "ticket_until": NOW + 900, "released_at": NOW}, DAY, State.RELEASED),
        (
            {"granted_at": NOW, "ticket_until": NOW + 900, "released_at": NOW, "outcome_at": NOW},
            1.0,
            State.CLOSED,
        ),
    ],
)
def test_where_a_request_stands(values: dict[str, float], after: float, state: State) -> None:
    assert gate.state(changed(REQUEST, **values), NOW + after) is state


def test_what_spoke_for_a_grant_must_still_hold_when_it_is_taken() -> None:
    granted = changed(REQUEST, granted_at=float(NOW))
    assert gate.may_take(HOLDER, granted, FACTS, NOW) is None
    for facts, refusal in (
        ({"restricted": True}, Refusal.RESTRICTED),
        ({"trained_until": 0.0}, Refusal.UNTRAINED),
        ({"sealed": False}, Refusal.NOT_SEALED),
        ({"account": ""}, Refusal.NO_ALERT),
    ):
        assert gate.may_take(HOLDER, granted, changed(FACTS, **facts), NOW) is refusal
    assert gate.may_take(actor("x", Role.KEY_HOLDER), granted, FACTS, NOW) is Refusal.NOT_YOURS
    by_dpo = changed(granted, needs=Needs.DPO)
    assert gate.may_take(HOLDER, by_dpo, changed(FACTS, restricted=True), NOW) is None
