"""Numbers that no column holds, NULs, lengths said twice: refused, never a fault."""

import pytest
from fastapi.testclient import TestClient

from alerts_api.signin.actors import Role
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.web.app import create_app
from service.records.events import Alert
from tests.alerts_api.visitors import AT, begin, browser, person

BIG = [2**53, 2**63 - 1, 2**63, 2**64, 10**30, -1]


@pytest.fixture
def officer(database: DatabaseLocation, alerts: list[Alert]) -> TestClient:
    app = create_app(database, clock=lambda: AT)
    return browser(app, begin(database, person(Role.DPO, Role.ANALYST)))


@pytest.mark.parametrize("number", BIG)
def test_numbers_that_no_column_holds(officer: TestClient, number: int) -> None:
    for path in (
        f"/audit?before={number}",
        f"/api/v1/audit?after={number if number != -1 else -2}",
        f"/api/v1/alerts?after={number + 1}" if number > 0 else "/api/v1/alerts?after=-1",
        f"/api/v1/alerts?page={number}",
        f"/api/v1/alerts/x/events?page={number}",
        f"/alerts/x?events={number}",
    ):
        assert officer.get(path).status_code in {404, 422}, path
    for path in ("acknowledge", "close"):
        sent = officer.post(f"/rights/complaints/{number}/{path}", data={"outcome": "upheld"})
        assert sent.status_code in {404, 422}


def test_nuls(officer: TestClient) -> None:
    for path in (
        "/audit?actor=%00",
        "/audit?alert=a%00b",
        "/audit?request=%00",
        "/audit/acts.csv?actor=%00",
        "/alerts/%00",
        "/alerts/JG%00-1/events",
        "/api/v1/alerts/%00",
        "/api/v1/alerts?account=%00",
        "/reveals/RV-%00AAAAAAAAA",
    ):
        assert officer.get(path).status_code in {404, 422}, path
    sent = {"name": "a\0b", "password": "x" * 12, "code": "000000"}
    assert officer.post("/signin/local", data=sent).status_code == 422
    assert officer.post("/verdicts/undo", data={"subject": "a\0"}).status_code == 422
    assert officer.post("/trainings", data={"subject": "a\0", "until": "2026-12-01"}).status_code == 422


def test_a_length_said_in_two_ways(officer: TestClient) -> None:
    headers = {"content-length": "3", "transfer-encoding": "chunked"}
    assert officer.post("/signout", headers=headers, content=b"a=b").status_code == 400
