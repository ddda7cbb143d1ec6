"""The JSON API, health and metrics, as their callers see them."""

from pathlib import Path as FilePath
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from alerts_api.alerts.records import AlertPage, JudgedAlert, Judgement, Status, TracePage
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.stream.store import open_store
from alerts_api.web.app import create_app
from alerts_api.web.metrics import COUNTERS
from service.records.events import Alert
from tests.alerts_api.examples import NOW, checkpoint, fill, make_alert
from tests.alerts_api.visitors import browser

BASE = "http://127.0.0.1:8321"


def listed(client: TestClient, **query: object) -> AlertPage:
    answer = client.get("/api/v1/alerts", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=AlertPage)


def test_the_queue_is_open_alerts_highest_first(client: TestClient, alerts: list[Alert]) -> None:
    found = listed(client)
    assert found.total == len(alerts)
    scores = [row.score for row in found.alerts]
    assert scores == sorted(scores, reverse=True)
    assert {row.verdict for row in found.alerts} == {""}


def test_filters_narrow(client: TestClient, alerts: list[Alert]) -> None:
    assert {row.severity for row in listed(client, severity="low").alerts} == {"low"}
    assert listed(client, detection="machine-rhythm").total == 2
    assert listed(client, platform="nature").total == len(alerts)
    assert listed(client, place="Hanoi, VN").total == 7
    assert listed(client, account=alerts[3].account).alerts[0].alert_id == alerts[3].alert_id
    assert listed(client, period="24h").total < len(alerts)
    assert listed(client, after=10).total == 4


def test_severities_part_the_alerts(client: TestClient, alerts: list[Alert]) -> None:
    assert sum(listed(client, severity=s).total for s in ("low", "medium", "high")) == len(alerts)


def test_order_and_pages(client: TestClient, alerts: list[Alert]) -> None:
    newest = (
        listed(client, sort="newest", size=5, page=1).alerts
        + listed(client, sort="newest", size=5, page=2).alerts
    )
    assert [row.alert_id for row in newest] == [alert.alert_id for alert in alerts[:10]]
    assert listed(client, sort="oldest", size=1).alerts[0].alert_id == alerts[-1].alert_id
    assert listed(client, page=99).alerts == ()


def test_one_alert_whole(client: TestClient, alerts: list[Alert]) -> None:
    answer = client.get(f"/api/v1/alerts/{alerts[0].alert_id}")
    found = msgspec.json.decode(answer.content, type=JudgedAlert)
    assert found.alert == alerts[0]
    assert found.row.severity == "high"


def test_its_events_newest_first(client: TestClient, alerts: list[Alert]) -> None:
    answer = client.get(f"/api/v1/alerts/{alerts[0].alert_id}/events", params={"size": 7, "page": 2})
    found = msgspec.json.decode(answer.content, type=TracePage)
    assert (found.total, len(found.events)) == (120, 7)
    times = [trace.event.time for trace in found.events]
    assert times == sorted(times, reverse=True)


def test_a_verdict_closes_and_is_kept(client: TestClient, alerts: list[Alert]) -> None:
    address = f"/api/v1/alerts/{alerts[0].alert_id}/verdicts"
    answer = client.post(address, json={"verdict": "confirmed", "note": "vendor wrote\x00 too"})
    assert answer.status_code == 201
    history = msgspec.json.decode(client.get(address).content, type=tuple[Judgement, ...])
    assert [(entry.verdict, entry.note, entry.created_at) for entry in history] == [
        ("confirmed", "vendor wrote too", NOW + 30.0)
    ]
    assert listed(client).total == len(alerts) - 1
    assert listed(client, verdict="confirmed").alerts[0].alert_id == alerts[0].alert_id
    assert listed(client, status="closed").total == 1


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api/v1/alerts/nothing", 404),
        ("GET", "/api/v1/alerts/nothing/events", 404),
        ("POST", "/api/v1/alerts/nothing/verdicts", 404),
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/alerts", 405),
        ("GET", "/api/v1/alerts?page=0", 422),
        ("GET", "/api/v1/alerts?severity=<script>", 422),
    ],
)
def test_refusals_are_problems(client: TestClient, method: str, address: str, status: int) -> None:
    body = {"verdict": "confirmed"} if method == "POST" else None
    answer = client.request(method, address, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "script" not in answer.text


def test_a_wrong_verdict_is_not_repeated(client: TestClient, alerts: list[Alert]) -> None:
    answer = client.post(f"/api/v1/alerts/{alerts[0].alert_id}/verdicts", json={"verdict": "secret word"})
    assert answer.status_code == 422
    assert "secret" not in answer.text


def test_the_description_names_the_records(client: TestClient) -> None:
    schema = client.get("/api/v1/openapi.json").json()
    assert {"AlertPage", "JudgedAlert", "Alert", "Picture", "TracePage", "Status"} <= set(
        schema["components"]["schemas"]
    )
    assert references(schema) <= {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}
    assert set(schema["paths"]) >= {
        "/api/v1/alerts",
        "/api/v1/alerts/{alert_id}/verdicts",
        "/healthz",
        "/metrics",
    }


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()


words = st.text(max_size=40) | st.sampled_from(["open", "all", "-1", "0", "10" * 30, "'; --", "%", "\x00"])


@given(
    name=st.sampled_from(
        ["status", "period", "severity", "detection", "verdict", "platform", "place", "account"]
    )
    | st.sampled_from(["sort", "after", "page", "size", "unknown"]),
    value=words,
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_filter_breaks_anything(client: TestClient, name: str, value: str) -> None:
    assert client.get("/api/v1/alerts", params={name: value}).status_code in {200, 422}
    page = client.get("/", params={name: value})
    assert page.status_code == 200
    assert "<script>" not in page.text


@pytest.mark.parametrize(
    ("written_at", "status"), [(NOW, "ok"), (NOW - 500, "ok"), (NOW - 700, "stale"), (0.0, "empty")]
)
def test_health_tells_how_fresh_the_site_is(
    database: DatabaseLocation, written_at: float, status: str
) -> None:
    fill(database, 1, written_at=written_at)
    client = TestClient(
        create_app(database, clock=lambda: float(NOW)), base_url=BASE, client=("127.0.0.1", 50_000)
    )
    answer = client.get("/healthz")
    assert answer.status_code == 200
    found = msgspec.json.decode(answer.content, type=Status)
    assert (found.status, found.lag_seconds, found.lines) == (status, 20.0, 1_204_511)
    assert found.rejected == {"no-time": 30, "too-long": 7}


def test_refused_lines_are_found_again(client: TestClient) -> None:
    found = client.get("/api/v1/rejected").json()
    assert [(line["reason"], line["source"], line["line"]) for line in found] == [
        ("too-long", "ezproxy.log", 99),
        ("no-time", "ezproxy.log", 12),
    ]


def test_health_fails_only_when_the_database_cannot_be_read(database: DatabaseLocation) -> None:
    client = TestClient(create_app(database), base_url=BASE, client=("127.0.0.1", 50_000))
    assert client.get("/healthz").status_code == 503
    assert str(database) not in client.get("/").text
    open_store(database).close()
    assert client.get("/healthz").json()["status"] == "empty"


def test_metrics_are_counted_at_the_scrape(
    client: TestClient, database: DatabaseLocation, alerts: list[Alert]
) -> None:
    client.post(f"/api/v1/alerts/{alerts[0].alert_id}/verdicts", json={"verdict": "wrong-data"})
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }
    assert found[("journalguard_lines_total",)] == 1_204_511
    assert found[("journalguard_rejected_total", "no-time")] == 30
    assert found[("journalguard_alerts_total", "bulk-download")] == 3
    assert found[("journalguard_alerts_judged", "wrong-data")] == 1
    assert found[("journalguard_alerts_open",)] == len(alerts) - 1
    assert found[("journalguard_last_checkpoint_timestamp_seconds",)] == NOW
    assert not any(alert.account in str(found) for alert in alerts)
    store = open_store(database)
    store.commit(checkpoint([make_alert(40)], lines=2_000_000))
    store.close()
    assert "journalguard_lines_total 2e+06" in client.get("/metrics").text


def test_requests_are_timed_by_route_and_never_by_what_stands_in_its_place(
    client: TestClient, alerts: list[Alert]
) -> None:
    account = alerts[0].account
    client.get(f"/api/v1/alerts/{alerts[0].alert_id}")
    client.get(f"/api/v1/alerts?account={account}")
    client.get(f"/nowhere/{account}")
    client.request("BREW", f"/api/v1/alerts/{account}")
    client.get("/static/nothing.css")
    text = client.get("/metrics").text
    count = 'journalguard_http_request_duration_seconds_count{method="%s",route="%s",status="%d"} 1.0'
    assert count % ("GET", "/api/v1/alerts/{alert_id}", 200) in text
    assert count % ("GET", "/api/v1/alerts", 200) in text
    assert count % ("GET", "/static", 404) in text
    assert 'route="none",status="404"' in text
    assert 'method="other"' in text
    assert "BREW" not in text
    assert account not in text


def test_a_database_that_cannot_be_read_is_a_metric_too(tmp_path: FilePath) -> None:
    """So that an alert tells it apart from pages that are not there."""
    with browser(create_app(tmp_path / "not-yet.db")) as client:
        text = client.get("/metrics").text
    assert "journalguard_database_up 0.0" in text
    assert "journalguard_build_info{" in text
    assert "journalguard_disk_free_bytes" in text
    assert "journalguard_lines_total" not in text


def test_every_metric_is_named_by_the_rules(client: TestClient, alerts: list[Alert]) -> None:
    for family in text_string_to_metric_families(client.get("/metrics").text):
        assert family.name.startswith(("journalguard_", "process_"))
        assert family.documentation.endswith(".")
    assert all(counter.endswith("_total") for counter in COUNTERS)
