"""The page, the API and the metrics tell what moved and since when."""

import re
from pathlib import Path

import msgspec
from fastapi.testclient import TestClient

from alerts_api.alerts.drift import CAUSES, FIGURES
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.stream.store import open_store
from alerts_api.web.app import create_app
from service.kernel.measure_types import MeasureGroup
from service.learning.drift import DISTURBED
from service.records.checkpoints import Changes
from service.records.drift_report import NAME, Cause, DriftReport, MovedFigure
from tests.alerts_api.examples import DAY, NOW, checkpoint

BASE = "http://127.0.0.1:8321"
TODAY = NOW // DAY
REPORT = DriftReport(
    TODAY,
    (
        MovedFigure("measures/novelty", TODAY, TODAY - 3, 0.2, 1.1),
        MovedFigure("evidence", TODAY - 9, TODAY - 12, 1.4, 1.0),
    ),
    (
        Cause("networks", TODAY - 1, TODAY, "", 0.08, 0.99),
        Cause("publisher", TODAY - 20, TODAY - 20, "jstor", 0.3),
    ),
)


def pages(database: DatabaseLocation, report: DriftReport | None) -> TestClient:
    store = open_store(database)
    shared = {} if report is None else {NAME: msgspec.json.encode(report)}
    store.commit(msgspec.structs.replace(checkpoint(), changes=Changes(shared=shared)))
    store.close()
    return TestClient(
        create_app(database, clock=lambda: NOW + 30.0), base_url=BASE, client=("127.0.0.1", 50_000)
    )


def test_the_page_names_causes_and_figures(database: DatabaseLocation) -> None:
    page = pages(database, REPORT).get("/drift").text
    assert "All networks are new" in page
    assert "A publisher has changed: jstor" in page
    assert "99 %" in page
    assert "Measures of novelty" in page
    assert "21 Nov 2026" in page


def test_before_the_first_close_it_says_so(file: Path) -> None:
    client = pages(file, None)
    assert "No day has been closed yet" in client.get("/drift").text
    assert client.get("/api/v1/drift").json()["moved"] == []


def test_programs_get_the_same(file: Path) -> None:
    client = pages(file, REPORT)
    assert msgspec.json.decode(client.get("/api/v1/drift").content, type=DriftReport) == REPORT
    metrics = client.get("/metrics").text
    assert 'journalguard_drift{group="measures/novelty"} 1.0' in metrics
    assert 'journalguard_drift{group="evidence"} -1.0' in metrics
    assert 'journalguard_drift_cause{cause="networks"} 1.0' in metrics
    assert 'journalguard_drift_cause{cause="publisher"} 0.0' in metrics
    (since,) = re.findall(r'since_timestamp_seconds\{group="measures/novelty"\} (\S+)', metrics)
    assert float(since) == (TODAY - 3) * DAY


def test_every_cause_and_group_has_words() -> None:
    assert CAUSES.keys() == DISTURBED.keys()
    assert {f"measures/{g.name.lower()}" for g in MeasureGroup} <= FIGURES.keys()
