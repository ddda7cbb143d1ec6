"""Role by route: who may use what. The routes are the app's own, so one that is added is in the matrix."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from alerts_api.audit.leaves import ActKind
from alerts_api.signin.actors import ALERT_READERS, EVERYONE, Role
from alerts_api.signin.provider import Provider
from alerts_api.web.app import create_app
from alerts_api.web.authentication import address_code
from alerts_api.web.authorization import PUBLIC, Route, check_rules, routes_of
from service.config.tables import SignInSettings
from service.records.events import Alert
from tests.alerts_api.examples import fill
from tests.alerts_api.visitors import AT, BASE, acts, begin, browser, person

REFUSED = {401, 403}


@pytest.fixture
def alerts(file: Path) -> list[Alert]:
    return fill(file, 2)


@pytest.fixture
def app(file: Path, alerts: list[Alert]) -> FastAPI:
    """Served to others, so that nobody comes in without signing in."""
    return create_app(file, clock=lambda: AT, local=False)


def ruled(app: FastAPI) -> list[tuple[str, Route]]:
    """Every method of every route that is not open to all."""
    return [
        (method, route)
        for route in routes_of(app)
        if route.path not in PUBLIC
        for method in sorted(route.methods)
    ]


def filled(path: str, alerts: list[Alert]) -> str:
    """An address of the route."""
    return re.sub(r"{[^}]*}", "nothing", path.replace("{alert_id}", alerts[0].alert_id))


def asked(client: TestClient, method: str, path: str) -> int:
    return int(client.request(method, path, data={} if method == "POST" else None).status_code)


@pytest.mark.parametrize("role", EVERYONE)
def test_each_role_reaches_what_its_routes_say_and_every_refusal_is_recorded(
    app: FastAPI, file: Path, alerts: list[Alert], role: Role
) -> None:
    client = browser(app, begin(file, person(role)), at="192.0.2.7")
    refused = []
    for method, route in ruled(app):
        assert route.rule is not None, route.path
        status = asked(client, method, filled(route.path, alerts))
        if role in route.rule.roles:
            assert status not in REFUSED, (method, route.path)
        else:
            assert status == 403, (method, route.path)
            refused.append(re.sub(r"[^a-z0-9_]+", "-", f"{method} {route.path}".lower()).strip("-"))
    found = [record for record in acts(file) if record.kind is ActKind.REQUEST_REFUSED]
    assert [record.outcome for record in found] == refused
    assert {(record.actor, record.role, record.reason) for record in found} <= {(role, role, "role")}


def test_nobody_reaches_anything_but_the_public_list(app: FastAPI, file: Path, alerts: list[Alert]) -> None:
    refused = 0
    with browser(app, at="192.0.2.7") as client:
        for method, route in ruled(app):
            answer = client.request(method, filled(route.path, alerts))
            led = answer.status_code == 303 and answer.headers["location"].startswith("/signin?next=%2F")
            assert led or answer.status_code == 401, (method, route.path)
            refused += not led and route.path != "/metrics"  # what reads only is led away, not recorded
    first, rest = [record for record in acts(file) if record.kind is ActKind.REQUEST_REFUSED]
    assert {first.actor, rest.actor} == {"nobody"}
    assert (first.times, rest.times, rest.outcome) == (0, refused - 1, "several")


def test_a_route_without_a_rule_keeps_the_app_from_starting(app: FastAPI) -> None:
    app.get("/forgotten")(lambda: "here")
    with pytest.raises(RuntimeError, match="/forgotten"):
        check_rules(app)


def test_the_public_list_names_only_what_is_there(app: FastAPI, file: Path) -> None:
    paths = {route.path for route in routes_of(app)}
    settings = SignInSettings(issuer=BASE, client_id="journalguard", address=BASE)
    provider = Provider(settings, file.parent, lambda: AT)
    paths |= {route.path for route in routes_of(create_app(file, demo=True, provider=provider))}
    assert paths >= PUBLIC


def test_an_administrator_sees_no_alert() -> None:
    assert Role.ADMIN not in ALERT_READERS
    assert Role.STATISTICIAN not in ALERT_READERS


def test_a_code_of_the_audit_log_holds_nothing_that_was_sent() -> None:
    class Asked:
        method = "GET"
        scope = {"route": None, "path": "/alerts/secret"}  # noqa: RUF012

    assert address_code(Asked()) == "get"  # type: ignore[arg-type]
