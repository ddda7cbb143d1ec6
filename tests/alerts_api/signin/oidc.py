"""A person at a browser between the pages and the real OpenID provider."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
from fastapi import FastAPI
from fastapi.testclient import TestClient

from alerts_api.signin.provider import Provider
from alerts_api.web.app import create_app
from service.config.tables import RoleGroups, SignInSettings
from tests.services.oidc import CLIENT, PAGES, SECRET, OpenIdProvider

ROLES = RoleGroups(analyst=("library-security",), key_holder=("library-keys",), admin=("library-it",))


def settings_of(openid: OpenIdProvider, **changes: object) -> SignInSettings:
    values = {"issuer": openid.issuer, "client_id": CLIENT, "address": PAGES, "roles": ROLES}
    return SignInSettings(**{**values, "client_secret_file": "secret", **changes})  # type: ignore[arg-type]


def provider_at(folder: Path, settings: SignInSettings, clock: Callable[[], float]) -> Provider:
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text(f"{SECRET}\n")
    return Provider(settings, folder, clock)


def pages(file: Path, settings: SignInSettings, clock: Callable[[], float]) -> FastAPI:
    """The site's pages with that provider."""
    return create_app(file, clock=clock, provider=provider_at(file.parent, settings, clock))


def visit(address: str, login: str, cookies: httpx2.Cookies | None = None) -> str:
    """Does what ``login`` would do at the provider; the address by which it sends the browser back."""
    with httpx2.Client(cookies=cookies) as browser:
        address = f"{address}&login_hint={login}"
        for _ in range(12):
            answer = browser.get(address)
            address = str(httpx2.URL(address).join(answer.headers["location"]))
            if address.startswith(PAGES):
                return address
    raise AssertionError(f"not sent back, but to {address}")


def sent(client: TestClient, way: str = "/signin/oidc") -> str:
    """Where the pages send the browser."""
    answer = client.get(way)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def came_back(client: TestClient, address: str) -> httpx2.Response:
    answer: httpx2.Response = client.get(address.removeprefix(PAGES))
    return answer


def queries(address: str) -> Iterator[tuple[str, str]]:
    for name, values in parse_qs(urlsplit(address).query).items():
        yield name, values[0]
