"""The DPO's page: complaints in the register and in the audit log, restrictions, retention."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from alerts_api.alerts.restrictions import restrict
from alerts_api.audit.leaves import ActKind
from alerts_api.signin.actors import Role
from alerts_api.storage.database import open_database
from alerts_api.web.app import create_app
from tests.alerts_api.examples import NOW, fill
from tests.alerts_api.visitors import AT, acts, begin, browser, person

DAY = 86_400


@pytest.fixture
def place(file: Path) -> Path:
    fill(file)
    return file


def officer(place: Path, role: Role = Role.DPO, at: float = AT) -> TestClient:
    app = create_app(place, clock=lambda: at)
    return browser(app, begin(place, person(role, at=at), at))


def test_a_complaint_from_its_receipt_to_its_end(place: Path) -> None:
    dpo = officer(place)
    assert dpo.post("/rights/complaints", data={"reference": "SD-7"}).status_code == 303
    assert "Acknowledge SD-7" in dpo.get("/rights").text
    assert "overdue" not in dpo.get("/rights").text
    assert dpo.post("/rights/complaints/1/acknowledge").status_code == 303
    assert dpo.post("/rights/complaints/1/acknowledge").status_code == 404
    assert dpo.post("/rights/complaints/1/close", data={"outcome": "upheld"}).status_code == 303
    assert "upheld, " in dpo.get("/rights").text
    reported = [(act.kind, act.case, act.outcome) for act in acts(place) if act.kind is ActKind.COMPLAINT]
    assert reported == [(ActKind.COMPLAINT, "SD-7", word) for word in ("received", "acknowledged", "upheld")]


def test_what_was_not_acknowledged_in_time_is_overdue(place: Path) -> None:
    officer(place).post("/rights/complaints", data={"reference": "SD-7"})
    assert "overdue" in officer(place, at=AT + 31 * DAY).get("/rights").text


@pytest.mark.parametrize("reference", ["", "SD 7", "a" * 65, "<b>", "SD-7\n"])
def test_a_bad_reference_is_refused(place: Path, reference: str) -> None:
    assert officer(place).post("/rights/complaints", data={"reference": reference}).status_code == 422


def test_an_analyst_sees_neither_the_page_nor_a_restricted_accounts_alert(place: Path) -> None:
    alert = fill(place)[0]  # the same again
    analyst = officer(place, Role.ANALYST)
    assert analyst.get(f"/alerts/{alert.alert_id}").status_code == 200
    database = open_database(place, create=False)
    with database.writing() as connection:
        restrict(connection, [alert.account], "SD-8", NOW)
    database.close()
    assert analyst.get("/rights").status_code == 403
    assert analyst.get(f"/alerts/{alert.alert_id}").status_code == 404
    assert analyst.get(f"/api/v1/alerts/{alert.alert_id}").status_code == 404
    assert alert.alert_id not in analyst.get("/?status=all&period=all").text
    dpo = officer(place)
    assert dpo.get(f"/alerts/{alert.alert_id}").status_code == 200
    assert "SD-8" in dpo.get("/rights").text
