"""Who may judge and see, how fast, and taking a burst of verdicts back."""

from contextlib import closing
from pathlib import Path

import pytest
from fastapi import FastAPI

from alerts_api.alerts.restrictions import restrict
from alerts_api.signin.actors import Role
from alerts_api.storage.database import open_database
from alerts_api.web.app import create_app
from alerts_api.web.judging import FEWEST
from service.records.events import Alert
from tests.alerts_api.examples import fill
from tests.alerts_api.reveal.reveal_site import train
from tests.alerts_api.visitors import AT, acts, begin, browser, person

ANALYST, OTHER = person(Role.ANALYST, subject="ana"), person(Role.ANALYST, subject="bob")


class Clock:
    now = AT

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alerts(file: Path) -> list[Alert]:
    return fill(file, FEWEST + 8)


@pytest.fixture
def app(file: Path, alerts: list[Alert], clock: Clock) -> FastAPI:
    return create_app(file, clock=clock)


def judge(app: FastAPI, number: str, alert: Alert, verdict: str = "expected", **form: str) -> int:
    path = f"/alerts/{alert.alert_id}/verdicts"
    return int(browser(app, number).post(path, data={"verdict": verdict, **form}).status_code)


def verdicts(app: FastAPI, number: str, alerts: list[Alert]) -> list[str]:
    client = browser(app, number)
    return [client.get(f"/api/v1/alerts/{each.alert_id}").json()["row"]["verdict"] for each in alerts]


def test_a_burst_is_slowed_and_taken_back_by_one_act(
    app: FastAPI, file: Path, alerts: list[Alert], clock: Clock
) -> None:
    ana, bob = begin(file, ANALYST), begin(file, OTHER)
    assert judge(app, bob, alerts[0], "confirmed", note="by somebody careful") == 303
    clock.now += 60
    statuses = [judge(app, ana, each) for each in alerts]
    assert statuses == [303] * FEWEST + [429] * 8
    page = browser(app, bob).get("/?status=all&period=all").text
    assert f"Ana: {FEWEST} verdicts" in page
    undone = browser(app, bob).post("/verdicts/undo", data={"subject": "ana"})
    assert undone.status_code == 303
    assert verdicts(app, bob, alerts[:3]) == ["confirmed", "", ""], "what somebody else had said counts again"
    assert set(verdicts(app, bob, alerts[1:])) == {""}
    assert len([act for act in acts(file) if act.outcome == "reopened"]) == FEWEST - 1


def test_an_hour_later_it_goes_on(app: FastAPI, file: Path, alerts: list[Alert], clock: Clock) -> None:
    ana = begin(file, ANALYST)
    for each in alerts[:FEWEST]:
        assert judge(app, ana, each) == 303
    assert judge(app, ana, alerts[-1]) == 429
    clock.now += 3_601.0
    assert judge(app, begin(file, ANALYST, clock.now), alerts[-1]) in {303, 429}
    again = person(Role.ANALYST, subject="ana", at=clock.now)
    assert judge(app, begin(file, again, clock.now), alerts[-1]) == 303


def test_names_are_left_out_of_a_verdict_s_note(app: FastAPI, file: Path, alerts: list[Alert]) -> None:
    ana = begin(file, ANALYST)
    note = "Dr Jane Doe jdoe@example.ac.uk 192.0.2.7 jdoe\uff20example.org and why " + "x" * 1_200
    assert judge(app, ana, alerts[0], note=note) == 303
    path = f"/api/v1/alerts/{alerts[1].alert_id}/verdicts"
    sent = browser(app, ana).post(path, json={"verdict": "expected", "note": note})
    assert sent.status_code == 201
    for each in alerts[:2]:
        kept = browser(app, ana).get(f"/api/v1/alerts/{each.alert_id}/verdicts").json()[0]["note"]
        assert "Doe" not in kept
        assert "jdoe" not in kept
        assert "192.0.2.7" not in kept
        assert "and why " + "x" * 1_200 in kept
    held = b"".join(path.read_bytes() for path in file.parent.glob("journalguard.db*"))
    assert b"jdoe" not in held


def test_where_the_site_asks_for_it_only_the_trained_judge(
    file: Path, alerts: list[Alert], clock: Clock
) -> None:
    app = create_app(file, clock=clock, judges_trained=True)
    ana = begin(file, ANALYST)
    assert judge(app, ana, alerts[0]) == 403
    path = f"/api/v1/alerts/{alerts[0].alert_id}/verdicts"
    assert browser(app, ana).post(path, json={"verdict": "expected"}).status_code == 403
    assert "so you cannot judge" in browser(app, ana).get(f"/alerts/{alerts[0].alert_id}").text
    with closing(open_database(file, create=False)) as opened, opened.writing() as connection:
        train(connection, "ana", AT + 60.0)
    assert judge(app, ana, alerts[0]) == 303
    clock.now += 61.0
    assert judge(app, ana, alerts[1]) == 403


def test_elsewhere_who_has_no_training_is_warned(app: FastAPI, file: Path, alerts: list[Alert]) -> None:
    page = browser(app, begin(file, ANALYST)).get(f"/alerts/{alerts[0].alert_id}").text
    assert "No valid training is recorded for you." in page
    assert 'name="verdict"' in page


def test_a_restricted_reader_is_one_for_reading_judging_and_asking(
    app: FastAPI, file: Path, alerts: list[Alert]
) -> None:
    alert = alerts[0]
    with closing(open_database(file, create=False)) as opened, opened.writing() as connection:
        restrict(connection, [alert.account], "SD-1234", AT)
    path, program = f"/alerts/{alert.alert_id}", f"/api/v1/alerts/{alert.alert_id}"
    ana = browser(app, begin(file, ANALYST))
    for each in (path, program, f"{program}/events", f"{program}/verdicts"):
        assert ana.get(each).status_code == 404, each
    assert ana.post(f"{path}/verdicts", data={"verdict": "expected"}).status_code == 404
    sent = ana.post(f"{program}/verdicts", json={"verdict": "expected"})
    assert (sent.status_code, "note" in sent.text) == (404, False)

    kay = browser(app, begin(file, person(Role.KEY_HOLDER, subject="kay")))
    form = {"account": alert.account, "reason": "suspected_compromise", "case": "INC-001", "text": "x" * 40}
    for wrong in ("", "SD-9999"):
        assert kay.get(f"{path}/reveal?restriction={wrong}").status_code == 404
        assert kay.post(f"{path}/reveal", data=form | {"restriction": wrong}).status_code == 404
    led = kay.get(f"/reveals/restricted?alert={alert.alert_id}&restriction=SD-1234")
    assert led.headers["location"] == f"{path}/reveal?restriction=SD-1234"
    assert kay.get(led.headers["location"]).status_code == 200
    dee = browser(app, begin(file, person(Role.DPO, subject="dee")))
    assert dee.get(path).status_code == 200
