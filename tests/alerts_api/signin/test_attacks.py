"""What an attacker tries at the authenticator and beside it. Each name is of an attack."""

import asyncio
import inspect
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st

from alerts_api.audit.leaves import ActKind
from alerts_api.signin import sessions, tokens
from alerts_api.signin.actors import Role
from alerts_api.signin.errors import TokenError
from alerts_api.signin.paths import safe_path
from alerts_api.storage.database import open_database
from alerts_api.web import middleware, oidc_pages
from alerts_api.web.app import create_app
from alerts_api.web.authorization import CSRF_HEADER
from service.cli import http_timeouts
from service.cli.http_timeouts import TimeoutProtocol, watched
from service.records.events import Alert
from tests.alerts_api.examples import fill
from tests.alerts_api.visitors import AT, BASE, acts, begin, browser, person


@pytest.fixture
def alerts(file: Path) -> list[Alert]:
    return fill(file, 1)


@pytest.fixture
def app(file: Path, alerts: list[Alert]) -> FastAPI:
    return create_app(file, clock=lambda: AT, local=False)


@pytest.fixture
def number(file: Path, alerts: list[Alert]) -> str:
    """The number of an analyst's session."""
    return begin(file, person(Role.ANALYST))


def judged(
    app: FastAPI,
    number: str,
    alert: Alert,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> int:
    """A verdict sent by a form: how it was answered."""
    client = browser(app, number)
    client.headers.pop(CSRF_HEADER)
    sent = {"verdict": "expected", **(form or {})}
    return int(client.post(f"/alerts/{alert.alert_id}/verdicts", data=sent, headers=headers).status_code)


def test_cross_site_request_forgery(app: FastAPI, file: Path, number: str, alerts: list[Alert]) -> None:
    right = {"csrf": sessions.csrf_of(number)}
    assert judged(app, number, alerts[0], form=right) == 303
    assert judged(app, number, alerts[0]) == 403
    assert judged(app, number, alerts[0], form={"csrf": ""}) == 403
    assert judged(app, number, alerts[0], form={"csrf": "é" * 64}) == 403
    assert judged(app, number, alerts[0], form={"csrf": sessions.csrf_of(number + "x")}) == 403
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert judged(app, number, alerts[0], form=right, headers=elsewhere) == 403
    assert [record.reason for record in acts(file) if record.kind is ActKind.REQUEST_REFUSED] == ["csrf"] * 4


def test_forgery_by_json(app: FastAPI, number: str, alerts: list[Alert]) -> None:
    client = browser(app, number)
    address = f"/api/v1/alerts/{alerts[0].alert_id}/verdicts"
    assert client.post(address, json={"verdict": "expected"}).status_code == 201
    client.headers.pop(CSRF_HEADER)
    assert client.post(address, json={"verdict": "expected"}).status_code == 403


def test_a_token_of_another_session_s_forms(
    app: FastAPI, file: Path, number: str, alerts: list[Alert]
) -> None:
    other = begin(file, person(Role.ANALYST, subject="other"))
    assert judged(app, number, alerts[0], form={"csrf": sessions.csrf_of(other)}) == 403


def test_guessing_a_session(app: FastAPI, number: str) -> None:
    for guess in (
        "",
        "x",
        number[:-1],
        number + "A",
        number.swapcase(),
        sessions.hashed(number),
        "é",
        "\x00",
    ):
        answer = browser(app).get("/", headers={b"cookie": f"journalguard={guess}".encode()})
        assert answer.status_code == 303, guess


def test_a_session_number_is_256_random_bits_and_not_kept(file: Path, alerts: list[Alert]) -> None:
    numbers = {begin(file, person(Role.ANALYST)) for _ in range(5)}
    assert len(numbers) == 5
    assert {len(number) for number in numbers} == {43}
    held = b"".join(path.read_bytes() for path in file.parent.glob("journalguard.db*"))
    assert not [number for number in numbers if number.encode() in held]


def test_a_session_over_plain_http_from_elsewhere(app: FastAPI, file: Path, number: str) -> None:
    """A cookie that somebody planted, or that a browser sends where others listen."""
    served = create_app(file, clock=lambda: AT, local=False, hosts=["alerts.example.ac.uk"])
    client = browser(served, number)
    assert client.get("/", headers={"host": "alerts.example.ac.uk"}).status_code == 303
    assert client.post("/signin/local", data={}, headers={"host": "alerts.example.ac.uk"}).status_code == 422


def test_over_https_the_cookie_is_the_host_s_alone(file: Path, alerts: list[Alert]) -> None:
    served = create_app(file, clock=lambda: AT, demo=True, hosts=["alerts.example.ac.uk"])
    client = browser(served)
    client.base_url = "https://alerts.example.ac.uk"
    answer = client.post("/signin/demo", data={"role": "dpo"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-journalguard=")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert "Max-Age" not in cookie
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert client.get("/").status_code == 200


def test_a_demo_s_roles_are_not_there_without_it(app: FastAPI) -> None:
    assert browser(app).post("/signin/demo", data={"role": "dpo"}).status_code == 404


def test_coming_from_a_mail_the_browser_asks_again_with_its_cookie(app: FastAPI, number: str) -> None:
    """A strict cookie does not come along from another site; who is signed in shall not sign in again."""
    address = "/?account=%22%3E%3Cscript%3E"
    answer = browser(app).get(address, headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, f'content="0; url={address}"' in answer.text) == (200, True)
    assert browser(app).get(address, headers={"sec-fetch-site": "same-origin"}).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/\r\nset-cookie: a=b",
        "evil.example",
        "/signout",
        "/signin?next=/",
        "/api/v1/alerts",
        "/" + "x" * 500,
    ],
)
def test_open_redirect_after_sign_in(path: str) -> None:
    assert safe_path(path) == ""


@given(st.text(alphabet="/\\:@.?#%ab\t\r\n\x00é[]", max_size=12))
@example("/%5cevil.example")
def test_no_redirect_leaves_the_site(path: str) -> None:
    from urllib.parse import urljoin

    assert urljoin(f"{BASE}/signin", safe_path(path)).startswith(f"{BASE}/")


@pytest.mark.parametrize("text", ["a\r\nset-cookie: x=y", "a\nb", "\x00", "é", "x" * 400])
def test_header_injection(app: FastAPI, text: str) -> None:
    client = browser(app)
    for answer in (
        client.get("/signin", params={"next": f"/{text}"}),
        client.get("/", params={"account": text}),
        client.get("/signin/callback", params={"state": text, "code": text}),
    ):
        assert "x=y" not in str(answer.headers.get("set-cookie"))
        assert "\n" not in answer.headers.get("location", "")
        assert answer.status_code < 500


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/%252e%252e/app.py",
        "/static//etc/passwd",
        "/static/..\\app.py",
        "/static/",
        "/static/%00",
    ],
)
def test_path_traversal(app: FastAPI, path: str) -> None:
    answer = browser(app).get(path)
    assert answer.status_code in {303, 404}
    assert "create_app" not in answer.text


def test_secrets_are_compared_in_constant_time() -> None:
    """By inspection: every place where something secret that was sent meets what is kept."""
    places = (sessions.csrf_fits, tokens.find, oidc_pages.oidc_pages)
    assert all("compare_digest(" in inspect.getsource(place) for place in places)
    # Sessions and flows are looked up by the hash of 256 random bits; time tells nothing of the bits.
    assert "hashed(session_id)" in inspect.getsource(sessions.find)


def test_a_token_s_reach(app: FastAPI, file: Path, alerts: list[Alert]) -> None:
    text = tokens.draw()
    wanted = tokens.TokenRequest("ticket-desk", frozenset({Role.ANALYST}), writes=False, days=30)
    with closing(open_database(file, create=False)) as database, database.writing() as connection:
        token = tokens.keep(connection, text, wanted, AT)
    client = browser(app, at="192.0.2.7")  # at this machine the metrics are open
    address = f"/api/v1/alerts/{alerts[0].alert_id}/verdicts"

    def status(method: str, path: str, sent: str = text, kind: str = "Bearer") -> int:
        body = {"verdict": "expected"} if method == "POST" else None
        headers = {"authorization": f"{kind} {sent}"}
        return int(client.request(method, path, json=body, headers=headers).status_code)

    assert status("GET", "/api/v1/alerts") == 200
    assert status("POST", address) == 403  # it reads only
    assert status("GET", "/metrics") == 403  # not in this role
    assert status("GET", "/") == 403  # not a program's
    for wrong in ("", text[:-1], text + "x", text.replace("jg_", "gj_"), f"jg_{token}_{'A' * 43}"):
        assert status("GET", "/api/v1/alerts", wrong) == 401
    assert status("GET", "/api/v1/alerts", kind="Basic") == 401
    with closing(open_database(file, create=False)) as database, database.writing() as connection:
        assert tokens.find(connection, text, AT + 30 * 86_400) is None
        tokens.revoke(connection, token)
    assert status("GET", "/api/v1/alerts") == 401


@pytest.mark.parametrize("role", [Role.KEY_HOLDER, Role.APPROVER])
def test_no_token_is_a_key_holder_s(role: Role) -> None:
    with pytest.raises(TokenError, match="those are people's"):
        tokens.check(tokens.TokenRequest("x", frozenset({role}), writes=True, days=1))


def test_flooding_with_acts(app: FastAPI, number: str, alerts: list[Alert]) -> None:
    client = browser(app, number)
    address = f"/alerts/{alerts[0].alert_id}/verdicts"
    statuses = [client.post(address, data={"verdict": "expected"}).status_code for _ in range(62)]
    assert statuses == [303] * 60 + [429] * 2


def test_filling_the_audit_log_from_outside(app: FastAPI, file: Path) -> None:
    with browser(app) as client:
        assert {client.get("/api/v1/alerts").status_code for _ in range(70)} == {401}
        assert {client.post("/reveals/opened").status_code for _ in range(70)} == {401}
    assert [(act.kind, act.times) for act in acts(file)] == [
        (ActKind.REQUEST_REFUSED, 0),
        (ActKind.REQUEST_REFUSED, 139),
    ]


@contextmanager
def listening(app: FastAPI) -> Iterator[int]:
    """The app at a port, as `pages` serves it."""
    with socket.create_server(("127.0.0.1", 0)) as server_socket:
        server = uvicorn.Server(uvicorn.Config(watched(app), log_level="warning", http=TimeoutProtocol))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [server_socket]})
        thread.start()
        try:
            yield server_socket.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b""),
        (b"", b""),
        (b"POST /signout HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\na", b"HTTP/1.1 408"),
    ],
)
def test_slow_clients_are_let_go(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, said: bytes, told: bytes
) -> None:
    monkeypatch.setattr(http_timeouts, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.3)
    with listening(app) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(said)
        assert client.recv(12) == told


def test_a_slow_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_timeouts, "HEAD_SECONDS", 0.1)
    slow = FastAPI()

    @slow.get("/")
    async def answer() -> str:
        await asyncio.sleep(1.0)
        return "at last"

    with listening(slow) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        # Two at once: the second begins when the first is answered.
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        received = b""
        while more := client.recv(65536):
            received += more
    assert received.count(b"at last") == 2  # and then it was closed


def test_a_quick_client_is_served_after_a_pause(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_timeouts, "HEAD_SECONDS", 5.0)
    with listening(app) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        for _ in range(3):
            client.sendall(
                b"GET /static/app.css HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n"
            )
            assert client.recv(15) == b"HTTP/1.1 200 OK"
            time.sleep(0.05)
            while b"@media print" not in client.recv(65536):
                pass
