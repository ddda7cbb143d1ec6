"""The gate through its pages: each role at a browser of its own, without script."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from alerts_api.audit.leaves import ActKind
from alerts_api.signin.actors import Role
from alerts_api.web.app import create_app
from pseudonymiser import holder_key
from pseudonymiser.holder_key import OpenedIdentity
from service.config.tables import RevealSettings
from tests.alerts_api.reveal.reveal_site import (
    CASE,
    DAY,
    DPO,
    HOLDER,
    KEY,
    OTHER_HOLDER,
    TEXT,
    RevealSite,
    train,
)
from tests.alerts_api.visitors import AT, acts, begin, browser, person

MAILS = RevealSettings(
    per_holder=1, outgoing="outgoing", sender="journalguard@example.ac.uk", dpo="dpo@example.ac.uk"
)


class Staff:
    """Everybody at a browser, over one app."""

    def __init__(self, app: FastAPI, place: Path) -> None:
        self.app = app

        def at(subject: str, *roles: Role, since: float = AT) -> TestClient:
            return browser(app, begin(place, person(*roles, subject=subject, at=since)))

        self.holder = at(HOLDER.subject, Role.KEY_HOLDER)
        self.other = at(OTHER_HOLDER.subject, Role.KEY_HOLDER)
        self.stale = at("holder-3", Role.KEY_HOLDER, since=AT - 400)
        self.approver = at("approver-1", Role.APPROVER)
        self.dpo = at(DPO.subject, Role.DPO)
        self.auditor = at("auditor-1", Role.AUDITOR)
        self.analyst = at("analyst-1", Role.ANALYST)


@pytest.fixture
def site(file: Path) -> Iterator[RevealSite]:
    made = RevealSite(file, alerts=3)
    yield made
    made.close()


@pytest.fixture
def staff(site: RevealSite, tmp_path: Path) -> Staff:
    (tmp_path / "outgoing").mkdir()
    app = create_app(site.place, reveal=MAILS, site=tmp_path, clock=lambda: AT, local=False)
    return Staff(app, Path(site.place))


def asked(client: TestClient, site: RevealSite, alert: int = 0, **changed: str) -> str:
    """The id of a request that was not refused."""
    path = f"/alerts/{site.alerts[alert].alert_id}/reveal"
    answer = client.post(path, data=form(site, alert, **changed))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).removeprefix("/reveals/").removesuffix("#standing")


def form(site: RevealSite, alert: int = 0, **changed: str) -> dict[str, str]:
    account = site.alerts[alert].account
    return {"account": account, "reason": "suspected_compromise", "case": CASE, "text": TEXT, **changed}


def ticket_of(page: str) -> str:
    found = re.search(r'name="ticket" value="([\w-]+)"', page)
    assert found
    return found[1]


def test_from_the_alert_to_the_outcome(site: RevealSite, staff: Staff, tmp_path: Path) -> None:
    alert = site.alerts[0].alert_id
    assert f'href="/alerts/{alert}/reveal"' in staff.holder.get(f"/alerts/{alert}").text
    assert "Ask who this is" in staff.holder.get(f"/alerts/{alert}/reveal").text
    request = asked(staff.holder, site)
    assert "granted" in staff.holder.get(f"/reveals/{request}").text
    opening = staff.holder.post(f"/reveals/{request}/ticket")
    assert opening.headers["cache-control"] == "no-store"
    ticket = ticket_of(opening.text)
    released = staff.holder.post(f"/reveals/{request}/identity", data={"ticket": ticket})
    assert released.headers["content-disposition"] == f'attachment; filename="{request}.json"'
    assert released.headers["cache-control"] == "no-store"
    assert KEY.open(holder_key.decode(released.content, "")) == OpenedIdentity("jdoe", "", False)
    again = staff.holder.post(f"/reveals/{request}/identity", data={"ticket": ticket})
    assert (again.status_code, "This ticket does not work" in again.text) == (409, True)
    assert staff.holder.post("/reveals/opened", data={"account": site.alerts[0].account}).status_code == 204
    filed = staff.holder.post(f"/reveals/{request}/outcome", data={"outcome": "account_secured"})
    assert filed.status_code == 303
    page = staff.holder.get(f"/reveals/{request}").text
    assert "Closed" in page
    assert TEXT in page
    assert [path.name for path in (tmp_path / "outgoing").iterdir()] == [f"{request}-release.eml"]
    assert request in (tmp_path / "outgoing" / f"{request}-release.eml").read_text()


def test_above_the_budget_an_approver_answers(site: RevealSite, staff: Staff) -> None:
    first = asked(staff.holder, site, 0)
    ticket = ticket_of(staff.holder.post(f"/reveals/{first}/ticket").text)
    staff.holder.post(f"/reveals/{first}/identity", data={"ticket": ticket})
    second = asked(staff.holder, site, 1)
    assert "Waits for an answer" in staff.holder.get(f"/reveals/{second}").text
    assert staff.holder.post(f"/reveals/{second}/ticket").status_code == 409
    assert "yours to answer" in staff.approver.get("/reveals").text
    assert "yours to answer" not in staff.holder.get("/reveals").text
    staff.approver.post(f"/reveals/{second}/answer", data={"approve": "true", "note": "Looked at it."})
    assert "Looked at it." in staff.holder.get(f"/reveals/{second}").text
    assert staff.holder.post(f"/reveals/{second}/ticket").status_code == 200


def test_what_was_refused_is_told_in_words_and_stands_in_the_log(site: RevealSite, staff: Staff) -> None:
    path = f"/alerts/{site.alerts[0].alert_id}/reveal"
    answer = staff.holder.post(path, data=form(site, case="none"))
    assert answer.status_code == 409
    assert "The case reference is not one of the service desk&#39;s." in answer.text
    refused = [act for act in acts(site.place) if act.kind is ActKind.REVEAL_REFUSED]
    assert [(act.actor, act.outcome) for act in refused] == [(HOLDER.subject, "no-such-case")]
    assert "no-such-case" in staff.auditor.get("/audit?act=reveal-refused").text


def test_who_has_not_proved_it_lately_is_sent_to_do_so(site: RevealSite, staff: Staff) -> None:
    path = f"/alerts/{site.alerts[0].alert_id}/reveal"
    with site.writing() as connection:
        train(connection, "holder-3", AT + DAY)
    for answer in (staff.stale.get(path), staff.stale.post(path, data=form(site))):
        assert answer.status_code in {303, 403}
        assert "Why the name is needed" not in answer.text
    assert not [act for act in acts(site.place) if act.kind is ActKind.REVEAL_REQUESTED]


def test_names_in_the_text_are_left_out_before_anything_is_kept(site: RevealSite, staff: Staff) -> None:
    request = asked(staff.holder, site, text=f"{TEXT} It is canaryname@example.org at 192.0.2.99.")
    page = staff.dpo.get(f"/reveals/{request}").text
    assert "It is [left out] at [left out]" in page
    kept = b"".join(path.read_bytes() for path in Path(site.place).parent.glob("journalguard.db*"))
    assert b"canaryname" not in kept
    assert b"192.0.2.99" not in kept


@pytest.mark.parametrize(
    "sent",
    [
        {"account": "jdoe@example.org"},
        {"account": "u1_" + "z" * 24},
        {"reason": "a\0b"},
        {"case": "=cmd|' /C calc'!A0"},
        {"text": "x" * 5_000},
        {"text": "\u202e\0" * 100},
        {"urgent": "perhaps"},
    ],
)
def test_what_does_not_fit_is_refused_without_a_fault(
    site: RevealSite, staff: Staff, sent: dict[str, str]
) -> None:
    path = f"/alerts/{site.alerts[0].alert_id}/reveal"
    assert staff.holder.post(path, data=form(site) | sent).status_code in {409, 422}


def test_a_request_concerns_only_some(site: RevealSite, staff: Staff) -> None:
    request = asked(staff.holder, site)
    assert staff.other.get(f"/reveals/{request}").status_code == 404
    assert staff.approver.get(f"/reveals/{request}").status_code == 404
    assert staff.analyst.get(f"/reveals/{request}").status_code == 403
    for client in (staff.holder, staff.dpo, staff.auditor):
        assert client.get(f"/reveals/{request}").status_code == 200
    assert staff.other.post(f"/reveals/{request}/ticket").status_code == 409


def test_the_dpo_records_training(site: RevealSite, staff: Staff) -> None:
    sent = staff.dpo.post("/trainings", data={"subject": HOLDER.subject, "until": "2026-11-01"})
    assert sent.status_code == 303
    page = staff.holder.get(f"/alerts/{site.alerts[0].alert_id}/reveal").text
    assert "No valid training is recorded for you." in page
    assert "over" in staff.dpo.get("/reveals").text


def test_an_alert_nobody_has_judged_is_not_asked_for(site: RevealSite, staff: Staff) -> None:
    alert = site.alerts[0].alert_id
    staff.analyst.get(f"/alerts/{alert}")
    staff.analyst.post(f"/alerts/{alert}/verdicts", data={"verdict": "reopened"})
    assert "The alert has no verdict." in staff.holder.get(f"/alerts/{alert}/reveal").text
    staff.analyst.post(f"/alerts/{alert}/verdicts", data={"verdict": "confirmed"})
    assert "Why the name is needed" in staff.holder.get(f"/alerts/{alert}/reveal").text


def test_a_verdict_without_a_look_at_the_page_does_not_count(site: RevealSite, staff: Staff) -> None:
    alert = site.alerts[0].alert_id
    client = browser(staff.app, begin(Path(site.place), person(Role.ANALYST, subject="new-analyst")))
    client.post(f"/alerts/{alert}/verdicts", data={"verdict": "expected"})
    assert "had not opened the alert&#39;s page" in staff.holder.get(f"/alerts/{alert}/reveal").text


def test_the_auditor_takes_the_log_away(site: RevealSite, staff: Staff) -> None:
    asked(staff.holder, site)
    page = staff.auditor.get("/audit").text
    assert "the tree fits" in page
    assert "reveal-requested" in page
    export = staff.auditor.get("/audit/export")
    assert export.text.startswith('{"audit_export":1')
    assert "attachment" in export.headers["content-disposition"]
    table = staff.auditor.get("/audit/acts.csv?act=reveal-requested").text.splitlines()
    assert len(table) == 2


def test_a_release_that_fails_is_in_the_log_and_gives_nothing_away(
    site: RevealSite, staff: Staff, tmp_path: Path
) -> None:
    request = asked(staff.holder, site)
    ticket = {"ticket": ticket_of(staff.holder.post(f"/reveals/{request}/ticket").text)}
    (tmp_path / "outgoing").rmdir()  # the DPO cannot be told
    answer = staff.holder.post(f"/reveals/{request}/identity", data=ticket)
    assert (answer.status_code, "so it is not done" in answer.text) == (503, True)
    failed = acts(site.place)[-1]
    assert (failed.kind, failed.actor) == (ActKind.REQUEST_FAILED, HOLDER.subject)
    assert failed.outcome == "post-reveals-request_id-identity"
    (tmp_path / "outgoing").mkdir()
    assert staff.holder.post(f"/reveals/{request}/identity", data=ticket).status_code == 200


def test_a_monitor_counts_requests(site: RevealSite, staff: Staff) -> None:
    asked(staff.holder, site)
    page = browser(staff.app, begin(Path(site.place), person(Role.ADMIN))).get("/metrics").text
    assert 'journalguard_reveals{state="granted"} 1.0' in page
    assert "journalguard_reveals_overdue 0.0" in page


def test_programs_read_requests_and_acts(site: RevealSite, staff: Staff) -> None:
    request = asked(staff.holder, site)
    (found,) = staff.auditor.get("/api/v1/reveals").json()
    assert (found["request"]["id"], found["state"]) == (request, "granted")
    assert "ticket" not in found["request"]
    assert staff.auditor.get(f"/api/v1/reveals/{request}").json() == found
    assert staff.other.get("/api/v1/reveals").json() == []
    first, *_ = staff.auditor.get("/api/v1/audit?size=1").json()
    assert first["index"] == 0
    assert staff.holder.get("/api/v1/audit").status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [("/reveals/RV-AAAAAAAAAA", 404), ("/reveals/nonsense", 422), ("/reveals/half", 200)],
)
def test_addresses_of_nothing(staff: Staff, path: str, status: int) -> None:
    assert staff.holder.get(path).status_code == status
