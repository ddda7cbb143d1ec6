"""Sign-in in a real browser, which keeps the rules of cookies between sites as no test client does."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from alerts_api.signin import credentials, users
from alerts_api.signin.actors import Role
from alerts_api.storage.database import open_database
from alerts_api.web.app import create_app
from service.records.events import Alert
from tests.alerts_api.examples import fill
from tests.alerts_api.signin.oidc import provider_at, settings_of
from tests.alerts_api.web.test_password_pages import NAME, PASSWORD, SECRET, code
from tests.browser.conftest import opened
from tests.browser.test_pages import violations
from tests.project.repository import lacking
from tests.services import oidc

pytestmark = pytest.mark.browser


@contextmanager
def served(app: FastAPI, listening: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


def test_by_a_provider_on_another_site(browser: Browser, tmp_path: Path) -> None:
    """127.0.0.1 and localhost are two sites to a browser; a strict cookie does not go between them."""
    if why := oidc.lacks():
        lacking(why)
    file = tmp_path / "journalguard.db"
    alert: Alert = fill(file, 1)[0]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://localhost:{listening.getsockname()[1]}"
        provider = oidc.started(address, tmp_path)
        try:
            known = provider_at(tmp_path, settings_of(provider, address=address), time.time)
            with served(create_app(file, provider=known), listening):
                context = browser.new_context(java_script_enabled=False)
                # The provider's own pages would have a font from elsewhere.
                context.route(re.compile(r"^https:"), lambda route: route.abort())
                page = context.new_page()
                page.goto(f"{address}/alerts/{alert.alert_id}")
                page.get_by_role("link", name="Sign in with your organisation").click()
                expect(page.get_by_role("heading", level=1)).to_have_text(alert.alert_id)
                expect(page.locator(".visitor")).to_contain_text("Ada Example")
                # A link in somebody's mail, on another site.
                mail = f'<a href="{address}/alerts/{alert.alert_id}">look</a>'
                context.route(
                    f"{provider.issuer}/mail",
                    lambda route: route.fulfill(body=mail, content_type="text/html"),
                )
                page.goto(f"{provider.issuer}/mail")
                page.get_by_role("link", name="look").click()
                expect(page.get_by_role("heading", level=1)).to_have_text(alert.alert_id)
                page.get_by_role("button", name="Sign out").click()
                expect(page).to_have_url(re.compile(f"^{provider.issuer}/session/end"))
                page.goto(f"{address}/")
                expect(page).to_have_url(f"{address}/signin?next=%2F")
                context.close()
        finally:
            provider.stop()


@pytest.mark.parametrize("script", [True, False])
def test_by_password_and_code(browser: Browser, tmp_path: Path, script: bool) -> None:
    file = tmp_path / "journalguard.db"
    alert: Alert = fill(file, 1)[0]
    with closing(open_database(file, create=True)) as database, database.writing() as connection:
        users.add(connection, NAME, [Role.ANALYST], credentials.hash_password(PASSWORD), SECRET)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with served(create_app(file), listening), opened(browser, address, script=script) as page:
            page.goto(f"/alerts/{alert.alert_id}")
            if script:
                assert violations(page) == []
            page.get_by_label("Name").fill(NAME)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_label("Code of your").fill(code(time.time()))
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("heading", level=1)).to_have_text(alert.alert_id)
            page.get_by_role("button", name="Undetermined").click()
            expect(page.get_by_role("status")).to_contain_text("Undetermined")
            expect(page.locator(".history")).to_contain_text(NAME)
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_the_first_visitor_is_told_how_to_add_a_user(browser: Browser, site: str, database: Path) -> None:
    with opened(browser, site) as page:
        page.goto("/signin")
        expect(page.get_by_text("Nobody is real here")).to_be_visible()
        assert violations(page) == []
    fill(database, 1)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with served(create_app(database), listening), opened(browser, address) as page:
            page.goto("/signin")
            expect(page.get_by_text("journalguard users add")).to_be_visible()
            assert violations(page) == []
