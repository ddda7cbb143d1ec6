"""Proxies before the pages: who is believed, and that nobody behind one is taken for this machine."""

from pathlib import Path

import pytest
from fastapi import FastAPI, Request

from alerts_api.signin.actors import Role
from alerts_api.web.app import create_app
from alerts_api.web.forwarded import ForwardedMiddleware
from tests.alerts_api.examples import fill
from tests.alerts_api.visitors import AT, BASE, begin, browser, person

STRANGERS = [
    ("192.0.2.7", {}),
    ("", {}),
    ("127.0.0.1", {"x-forwarded-for": "192.0.2.7"}),
    ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}),
    ("127.0.0.1", {"x-forwarded-proto": "http"}),
    ("127.0.0.1", {"x-forwarded-server": "a"}),
    ("127.0.0.1", {"forwarded": "for=192.0.2.7"}),
    ("127.0.0.1", {"via": "1.1 proxy"}),
    ("127.0.0.1", {"x-real-ip": "192.0.2.7"}),
    ("127.0.0.1", {"host": "alerts.example.ac.uk"}),
    ("10.0.0.1", {"host": "127.0.0.1:8321"}),
]


@pytest.fixture
def app(file: Path) -> FastAPI:
    """A site without users."""
    fill(file, 1)
    return create_app(file, clock=lambda: AT, hosts=["127.0.0.1", "localhost", "alerts.example.ac.uk"])


def test_whoever_sits_at_this_machine_reads(app: FastAPI) -> None:
    for place in ("127.0.0.1", "::1", "127.0.0.2", "::ffff:127.0.0.1"):
        client = browser(app, at=place)
        assert client.get("/").status_code == 200
        assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize(("place", "headers"), STRANGERS)
def test_a_stranger_reads_nothing_before_the_first_user(
    app: FastAPI, place: str, headers: dict[str, str]
) -> None:
    client = browser(app, at=place)
    for path in ("/", "/api/v1/alerts", "/metrics", "/api/v1/status"):
        assert client.get(path, headers=headers).status_code in {303, 401}, path
    assert client.get("/healthz", headers=headers).json() == {"status": "ok"}
    assert client.post("/alerts/x/verdicts", data={"verdict": "expected"}, headers=headers).status_code == 401


def test_the_old_protocol_of_a_proxy_that_says_nothing_is_no_direct_connection(app: FastAPI) -> None:
    """As nginx asks by its own defaults: HTTP/1.0, the pages' own address as Host, and no other header."""

    async def old(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await app({**scope, "http_version": "1.0"}, receive, send)

    client = browser(old)  # type: ignore[arg-type]
    assert client.get("/").status_code == 303
    assert client.get("/metrics").status_code == 401


def test_health_tells_figures_to_those_who_may_know(app: FastAPI, file: Path) -> None:
    assert "open_alerts" in browser(app).get("/healthz").json()
    client = browser(app, begin(file, person(Role.ANALYST)))
    assert "open_alerts" in client.get("/healthz").json()
    assert browser(app, "no session", at="192.0.2.7").get("/healthz").json() == {"status": "ok"}
    wrong = {"authorization": "Bearer jg_0123456789ab_" + "A" * 43}
    assert browser(app, at="192.0.2.7").get("/healthz", headers=wrong).json() == {"status": "ok"}


def seen(headers: dict[str, str], peer: str, *trusted: str) -> tuple[str, str]:
    """Address and scheme that the pages see."""
    app = FastAPI()

    @app.get("/")
    def whoami(request: Request) -> list[str]:
        return [request.client.host if request.client else "", request.scope["scheme"]]

    client = browser(ForwardedMiddleware(app, trusted), at=peer)  # type: ignore[arg-type]
    client.base_url = BASE
    host, scheme = client.get("/", headers=headers).json()
    return host, scheme


@pytest.mark.parametrize(
    ("headers", "peer", "trusted", "told"),
    [
        (
            {"x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https"},
            "127.0.0.1",
            (),
            ("127.0.0.1", "http"),
        ),
        ({"x-forwarded-for": "192.0.2.7"}, "10.0.0.1", ("127.0.0.1",), ("10.0.0.1", "http")),
        (
            {"x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https"},
            "10.0.0.1",
            ("10.0.0.0/24",),
            ("192.0.2.7", "https"),
        ),
        ({"x-forwarded-for": "203.0.113.1, 192.0.2.7"}, "10.0.0.1", ("10.0.0.1",), ("192.0.2.7", "http")),
        ({"x-forwarded-for": "192.0.2.7, 10.0.0.2"}, "10.0.0.1", ("10.0.0.0/24",), ("192.0.2.7", "http")),
        ({"x-forwarded-for": "192.0.2.7, nonsense"}, "10.0.0.1", ("10.0.0.1",), ("10.0.0.1", "http")),
        ({"x-forwarded-for": "[2001:db8::7]:443"}, "::1", ("::1",), ("2001:db8::7", "http")),
        ({"x-forwarded-proto": "http, https"}, "::1", ("::1",), ("::1", "https")),
        ({"x-forwarded-proto": "gopher"}, "::1", ("::1",), ("::1", "http")),
        ({}, "10.0.0.1", ("10.0.0.1",), ("10.0.0.1", "http")),
    ],
)
def test_only_named_proxies_are_believed(
    headers: dict[str, str], peer: str, trusted: tuple[str, ...], told: tuple[str, str]
) -> None:
    assert seen(headers, peer, *trusted) == told
