"""A site's database with example alerts, and a client of the pages over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from alerts_api.storage.backend import DatabaseLocation
from alerts_api.web.app import create_app
from service.records.events import Alert
from tests.alerts_api.examples import NOW, fill


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where SQLite's file will be."""
    return tmp_path / "journalguard.db"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> DatabaseLocation:
    """An empty one of either kind."""
    place: DatabaseLocation = request.getfixturevalue("file" if request.param == "sqlite" else "postgres_url")
    return place


@pytest.fixture
def alerts(database: DatabaseLocation) -> list[Alert]:
    """Fourteen alerts in the database."""
    return fill(database)


@pytest.fixture
def client(database: DatabaseLocation, alerts: list[Alert]) -> Iterator[TestClient]:
    """A browser's next of kin, half a minute after the last checkpoint."""
    app = create_app(database, clock=lambda: NOW + 30.0)
    here = ("127.0.0.1", 50_000)
    with TestClient(
        app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False, client=here
    ) as client:
        yield client
