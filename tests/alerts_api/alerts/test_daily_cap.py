"""The ceiling of a day: the strongest alerts are in the queue, the others in order behind a link."""

import random
from pathlib import Path

import msgspec
import pytest
from fastapi.testclient import TestClient

from alerts_api.storage.backend import DatabaseLocation
from alerts_api.stream.store import open_store
from alerts_api.web.app import create_app
from service.policy.loading import load_policy
from service.records.events import Alert
from tests.alerts_api.examples import DAY, HOUR, NOW, checkpoint, make_alert

BASE = "http://127.0.0.1:8321"
CEILING = load_policy().daily_cap
TODAY = NOW // DAY


def flood(count: int, day: int = TODAY) -> list[Alert]:
    """Alerts of one day, the weakest first."""
    return [
        msgspec.structs.replace(
            make_alert(0, seed=n, opened_at=NOW - HOUR),
            day=day,
            score=round(6 + n / 10, 2),
            alert_id=f"JG-{day}-{n}",
        )
        for n in range(count)
    ]


def client(database: DatabaseLocation, alerts: list[Alert]) -> TestClient:
    store = open_store(database)
    for alert in alerts:
        store.commit(checkpoint([alert]))
    store.close()
    return TestClient(
        create_app(database, clock=lambda: NOW + 30.0), base_url=BASE, client=("127.0.0.1", 50_000)
    )


def queue(pages: TestClient, **query: str) -> list[str]:
    found = pages.get("/api/v1/alerts", params={"size": "200", **query}).json()
    return [row["alert_id"] for row in found["alerts"]]


def judge(pages: TestClient, alert_id: str, verdict: str) -> None:
    url = f"/api/v1/alerts/{alert_id}/verdicts"
    assert pages.post(url, json={"verdict": verdict}, headers={"origin": BASE}).status_code == 201


def test_the_ceiling_is_the_budget_s() -> None:
    assert CEILING == 6
    assert load_policy(alerts_per_day=0.3).daily_cap == 1
    assert load_policy(alerts_per_day=2.3).daily_cap == 5


def test_the_strongest_of_a_day_are_shown_and_the_others_kept_in_order(database: DatabaseLocation) -> None:
    alerts = flood(40)
    pages = client(database, alerts)
    strongest = [alert.alert_id for alert in reversed(alerts)]
    assert queue(pages) == strongest[:CEILING]
    assert queue(pages, overflow="only") == strongest[CEILING:]
    assert queue(pages, overflow="show") == strongest
    assert pages.get("/metrics").text.count(f"journalguard_alerts_hidden {40 - CEILING}.0") == 1


def test_every_day_has_a_ceiling_of_its_own(file: Path) -> None:
    pages = client(file, flood(8) + flood(7, TODAY - 1) + flood(2, TODAY - 2))
    assert len(queue(pages)) == 2 * CEILING + 2
    page = pages.get("/").text
    assert f"The ceiling of {CEILING} alerts a day hides 2 today and 1 of 23 Nov 2026." in page
    assert 'href="/?period=all&amp;overflow=only"' in page
    assert "that the ceiling of 6 a day hides" in pages.get("/", params={"overflow": "only"}).text


def test_nothing_is_said_where_nothing_is_hidden(file: Path) -> None:
    assert "ceiling" not in client(file, flood(CEILING)).get("/").text


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_does_not_matter(tmp_path: Path, seed: int) -> None:
    alerts = [msgspec.structs.replace(alert, score=7.0) for alert in flood(12)]
    expected = set(queue(client(tmp_path / "a.db", alerts)))
    random.Random(seed).shuffle(alerts)
    assert set(queue(client(tmp_path / "b.db", alerts))) == expected


def test_a_verdict_does_not_let_the_next_one_in(file: Path) -> None:
    alerts = flood(10)
    pages = client(file, alerts)
    judge(pages, alerts[-1].alert_id, "confirmed")
    assert len(queue(pages)) == CEILING - 1
    assert queue(pages, status="closed") == [alerts[-1].alert_id]


def test_what_is_hidden_can_be_judged_and_found_by_its_account(file: Path) -> None:
    alerts = flood(10)
    pages = client(file, alerts)
    assert queue(pages, account=alerts[0].account) == [alerts[0].alert_id]
    judge(pages, alerts[0].alert_id, "expected")
    assert queue(pages, status="closed") == [alerts[0].alert_id]


def test_an_alert_that_grows_stronger_comes_in(file: Path) -> None:
    alerts = flood(8)
    pages = client(file, alerts)
    grown = msgspec.structs.replace(alerts[0], score=14.0, updated_at=alerts[0].updated_at + 60)
    pages = client(file, [grown])
    assert queue(pages)[0] == grown.alert_id
    assert len(queue(pages)) == CEILING


def test_an_alert_of_an_earlier_release_has_the_day_of_its_opening(file: Path) -> None:
    pages = client(file, [msgspec.structs.replace(alert, day=0) for alert in flood(9)])
    assert len(queue(pages)) == CEILING
