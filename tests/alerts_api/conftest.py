"""A site's database with example alerts, and a client of the pages over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from alerts_api.app import create_app
from service.events import Alert
from tests.alerts_api.examples import NOW, fill


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "journalguard.db"


@pytest.fixture
def alerts(database: Path) -> list[Alert]:
    """Fourteen alerts in the database."""
    return fill(database)


@pytest.fixture
def client(database: Path, alerts: list[Alert]) -> Iterator[TestClient]:
    """A browser's next of kin, half a minute after the last checkpoint."""
    app = create_app(database, clock=lambda: NOW + 30.0)
    with TestClient(app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False) as client:
        yield client
