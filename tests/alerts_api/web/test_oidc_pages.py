"""Sign-in by a real OpenID provider: in, out, proved anew; and everything that is not quite that."""

import re
import time
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from alerts_api.audit.leaves import ActKind
from alerts_api.signin import flows, sessions
from alerts_api.storage.database import open_database
from alerts_api.web.oidc_pages import AGAIN, NO_ROLE
from tests.alerts_api.examples import fill
from tests.alerts_api.signin.oidc import came_back, pages, queries, sent, settings_of, visit
from tests.alerts_api.visitors import acts, browser
from tests.services.oidc import OpenIdProvider


class Clock:
    """The wall clock, which a test may put on."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(file: Path, openid: OpenIdProvider, clock: Clock) -> FastAPI:
    fill(file, 1)
    return pages(file, settings_of(openid), clock)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return browser(app)


def signed_in(client: TestClient, login: str = "ada") -> httpx2.Response:
    return came_back(client, visit(sent(client), login))


def session_of(file: Path, client: TestClient, now: float) -> tuple[str, float, float]:
    """Subject, and times of sign-in and confirmation."""
    database = open_database(file, create=False)
    with database.reading() as connection:
        found = sessions.find(connection, client.cookies["journalguard"], now)
    database.close()
    assert found is not None
    return found[0].subject, found[0].signed_in_at, found[0].confirmed_at


def test_the_request_is_a_code_flow_with_pkce_state_and_nonce(
    client: TestClient, openid: OpenIdProvider
) -> None:
    address = sent(client)
    asked = dict(queries(address))
    assert address.startswith(f"{openid.issuer}/auth?")
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert "client_secret" not in asked


def test_a_person_of_the_right_group_comes_in(client: TestClient, file: Path) -> None:
    back = visit(sent(client, "/signin/oidc?next=/help"), "ada")
    answer = came_back(client, back)
    assert answer.status_code == 200
    assert 'content="0; url=/help"' in answer.text  # by a page of ours: see door.let_in
    page = client.get("/").text
    assert "Ada Example" in page
    assert "analyst" in page
    assert [(record.kind, record.actor) for record in acts(file)] == [(ActKind.SIGNED_IN, "ada")]
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("journalguard="))
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_without_a_role_nobody_comes_in(client: TestClient, file: Path) -> None:
    answer = signed_in(client, "none")
    assert answer.status_code == 403
    assert NO_ROLE in answer.text
    assert client.get("/").status_code == 303
    assert (acts(file)[-1].kind, acts(file)[-1].reason) == (ActKind.SIGN_IN_FAILED, "no-role")


def test_nobody_is_admin_and_key_holder(client: TestClient, file: Path) -> None:
    answer = signed_in(client, "both")
    assert answer.status_code == 403
    assert "make you admin and key holder at once" in answer.text
    assert client.get("/").status_code == 303
    assert acts(file)[-1].reason == "admin-and-key_holder"


def test_a_single_sign_on_of_this_morning_is_no_fresh_proof(
    client: TestClient, file: Path, clock: Clock
) -> None:
    signed_in(client)
    subject, signed_in_at, confirmed_at = session_of(file, client, clock())
    assert subject == "ada"
    assert confirmed_at <= signed_in_at  # the provider's own time of the proof, in whole seconds


def test_confirming_asks_for_a_new_proof_and_gives_a_new_session(
    client: TestClient, app: FastAPI, file: Path, clock: Clock
) -> None:
    signed_in(client)
    before = client.cookies["journalguard"]
    _, first, _ = session_of(file, client, clock())
    address = sent(client, "/signin/oidc?confirm=true&next=/alerts/x")
    assert dict(queries(address)) | {"prompt": "login", "max_age": "0"} == dict(queries(address))
    answer = came_back(client, visit(address, "ada"))
    assert 'url=/alerts/x"' in answer.text
    assert browser(app, before).get("/").status_code == 303
    subject, signed_in_at, confirmed_at = session_of(file, client, clock())
    assert (subject, signed_in_at) == ("ada", first)
    assert confirmed_at > first
    assert acts(file)[-1].kind is ActKind.STEPPED_UP


def test_somebody_else_cannot_confirm(client: TestClient, file: Path) -> None:
    signed_in(client)
    answer = came_back(client, visit(sent(client, "/signin/oidc?confirm=true"), "kim"))
    assert (answer.status_code, AGAIN in answer.text) == (401, True)
    assert acts(file)[-1].kind is ActKind.SIGN_IN_FAILED


@pytest.mark.parametrize("asked", [{"acr": ("urn:example:strong",)}, {"amr": ("otp",)}])
def test_a_confirmation_by_less_than_the_site_asks_for_is_none(
    file: Path, openid: OpenIdProvider, clock: Clock, asked: dict[str, object]
) -> None:
    fill(file, 1)
    client = browser(pages(file, settings_of(openid, **asked), clock))
    signed_in(client)
    answer = came_back(client, visit(sent(client, "/signin/oidc?confirm=true"), "ada"))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "asked",
    [{"acr": ("urn:example:strong",)}, {"amr": ("otp",)}, {"acr": ("urn:example:strong",), "amr": ("otp",)}],
)
def test_a_sign_in_by_less_than_the_site_asks_for_is_no_fresh_proof(
    file: Path, openid: OpenIdProvider, clock: Clock, asked: dict[str, tuple[str, ...]]
) -> None:
    """The provider's token tells no class and no way, which is less too."""
    fill(file, 1)
    client = browser(pages(file, settings_of(openid, **asked), clock))
    address = sent(client)
    assert dict(queries(address)).get("acr_values") == (" ".join(asked["acr"]) if "acr" in asked else None)
    came_back(client, visit(address, "ada"))
    subject, signed_in_at, confirmed_at = session_of(file, client, clock())
    assert (subject, confirmed_at) == ("ada", 0.0)
    assert signed_in_at > 0


def test_sign_out_leads_to_the_provider_s_own(client: TestClient, openid: OpenIdProvider) -> None:
    signed_in(client)
    number = client.cookies["journalguard"]
    answer = client.post("/signout", data={"csrf": sessions.csrf_of(number)})
    assert f"url={openid.issuer}/session/end?client_id=journalguard" in answer.text
    assert client.get("/").status_code == 303


def test_the_way_back_works_once(app: FastAPI, client: TestClient) -> None:
    """A replayed address: of state and code both."""
    back = visit(sent(client), "ada")
    cookie = client.cookies[flows.COOKIE]
    assert came_back(client, back).status_code == 200
    again = browser(app)
    again.cookies.set(flows.COOKIE, cookie)
    assert came_back(again, back).status_code == 401


def test_a_code_works_once(app: FastAPI, client: TestClient) -> None:
    """The state is a new browser's own, but the code has been used."""
    used = dict(queries(visit(sent(client), "ada")))
    client.get("/signin/callback", params=used)
    other = browser(app)
    state = dict(queries(sent(other)))["state"]
    assert other.get("/signin/callback", params=used | {"state": state}).status_code == 401
    assert "journalguard" not in other.cookies


def test_another_browser_s_way_back_is_not_taken(app: FastAPI, client: TestClient) -> None:
    """Login CSRF: the attacker's own code in the victim's browser."""
    back = visit(sent(client), "ada")
    victim = browser(app)
    assert came_back(victim, back).status_code == 401
    sent(victim)
    assert came_back(victim, back).status_code == 401
    assert "journalguard" not in victim.cookies


def test_a_way_back_after_ten_minutes_is_not_taken(client: TestClient, clock: Clock) -> None:
    back = visit(sent(client), "ada")
    clock.ahead = flows.SECONDS
    assert came_back(client, back).status_code == 401


def test_another_provider_s_answer_is_not_taken(client: TestClient) -> None:
    """Mix-up, RFC 9207."""
    reported = dict(queries(visit(sent(client), "ada"))) | {"iss": "https://evil.example"}
    assert client.get("/signin/callback", params=reported).status_code == 401


@pytest.mark.parametrize(
    "reported", [{}, {"error": "access_denied"}, {"code": "x" * 5_000}, {"code": "\x00"}]
)
def test_nonsense_from_outside_is_told_nothing(client: TestClient, reported: dict[str, str]) -> None:
    state = dict(queries(sent(client)))["state"]
    answer = client.get("/signin/callback", params=reported | {"state": state})
    assert answer.status_code == 401
    assert AGAIN in answer.text
    assert not re.search(r"access_denied|xxx|Error", answer.text)


def test_a_provider_that_is_away_is_told_without_its_address(file: Path, openid: OpenIdProvider) -> None:
    fill(file, 1)
    away = settings_of(openid, issuer="http://127.0.0.1:9")
    answer = browser(pages(file, away, time.time)).get("/signin/oidc")
    assert answer.status_code == 503
    assert ":9" not in answer.text


def test_nobody_is_open_where_there_is_a_provider(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/signin?next=%2F"
    assert "organisation" in client.get("/signin").text
