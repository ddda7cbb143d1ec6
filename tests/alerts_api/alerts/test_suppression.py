"""A verdict "expected" asks for quiet: shown with expiry and reason, ended by a button, capped."""

import msgspec
import pytest
from fastapi.testclient import TestClient

from alerts_api.storage.backend import DatabaseLocation
from alerts_api.stream.store import open_store
from alerts_api.web.app import create_app
from service.policy.loading import load_policy
from service.records.checkpoints import AnalystVerdict
from service.records.events import Alert, Suppression
from tests.alerts_api.examples import DAY, NOW, checkpoint, fill

BASE = "http://127.0.0.1:8321"
LESSONS = load_policy().daily_verdict_limit


def pages(database: DatabaseLocation) -> TestClient:
    return TestClient(
        create_app(database, clock=lambda: NOW + 30.0), base_url=BASE, client=("127.0.0.1", 50_000)
    )


def judge(client: TestClient, alert: Alert, **form: str | int) -> None:
    answer = client.post(f"/alerts/{alert.alert_id}/verdicts", data=form, follow_redirects=False)
    assert answer.status_code == 303


def given(database: DatabaseLocation, after: int = 0) -> list[AnalystVerdict]:
    store = open_store(database)
    found = store.verdicts(after, 1_000)
    store.close()
    return list(found)


def in_force(database: DatabaseLocation, alert: Alert, until: int) -> None:
    """What the stream says when the verdict has taken effect."""
    quiet = Suppression(("rate", "day", "week"), NOW // DAY, until)
    store = open_store(database)
    store.commit(checkpoint([msgspec.structs.replace(alert, quiet=quiet)]))
    store.close()


def test_the_form_proposes_the_policy_s_days(database: DatabaseLocation) -> None:
    (alert,) = fill(database, 1)
    page = pages(database).get(f"/alerts/{alert.alert_id}").text
    assert '<option value="90" selected>for 90 days</option>' in page
    assert '<option value="0">but go on alerting</option>' in page


def test_quiet_is_shown_with_expiry_and_reason_and_can_be_ended(database: DatabaseLocation) -> None:
    (alert,) = fill(database, 1)
    client, address = pages(database), f"/alerts/{alert.alert_id}"
    judge(client, alert, verdict="expected", note="a systematic review", quiet_days=90)
    assert "for 90 days, the like raises no alert" in client.get(address).text
    in_force(database, alert, NOW // DAY + 90)
    page = client.get(address).text
    assert (
        "From 24 Nov 2026 until 22 Feb 2027 no alert of this account for: documents within an hour;" in page
    )
    assert page.count("a systematic review") >= 2
    assert "End the quiet" in page
    judge(client, alert, verdict="expected", note="a systematic review", quiet_days=0)
    assert 'id="quiet"' not in client.get(address).text
    assert [(j.verdict, j.quiet_days) for j in given(database)] == [("expected", 90), ("expected", 0)]


def test_quiet_that_is_over_says_so(database: DatabaseLocation) -> None:
    (alert,) = fill(database, 1)
    client = pages(database)
    judge(client, alert, verdict="expected", quiet_days=30)
    in_force(database, alert, NOW // DAY)
    page = client.get(f"/alerts/{alert.alert_id}").text
    assert "Was quiet until 24 Nov 2026" in page
    assert "End the quiet" not in page


@pytest.mark.parametrize("verdict", ["confirmed", "wrong-logic", "reopened"])
def test_only_expected_asks_for_quiet(database: DatabaseLocation, verdict: str) -> None:
    (alert,) = fill(database, 1)
    client = pages(database)
    judge(client, alert, verdict=verdict, quiet_days=90)
    assert given(database)[0].quiet_days == 0
    assert 'id="quiet"' not in client.get(f"/alerts/{alert.alert_id}").text


def test_one_analyst_teaches_so_much_a_day_and_can_still_take_back(database: DatabaseLocation) -> None:
    alerts = fill(database, LESSONS + 2)
    client = pages(database)
    for alert in alerts:
        judge(client, alert, verdict="expected", quiet_days=90)
    assert [j.teaches for j in given(database)] == [True] * LESSONS + [False] * 2
    page = client.get(f"/alerts/{alerts[-1].alert_id}").text
    assert "beyond what one analyst may teach in a day" in page
    judge(client, alerts[0], verdict="reopened")
    assert given(database, LESSONS + 2)[0].verdict == "reopened"


def test_the_api_proposes_the_same_days(database: DatabaseLocation) -> None:
    (alert,) = fill(database, 1)
    url = f"/api/v1/alerts/{alert.alert_id}/verdicts"
    for body, days in (({"verdict": "expected"}, 90), ({"verdict": "expected", "quiet_days": 7}, 7)):
        history = pages(database).post(url, json=body).json()
        assert history[0]["quiet_days"] == days
