"""The pages in a real browser: a server on a free loopback port, and Chromium beside it."""

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from alerts_api.web.app import create_app
from service.records.events import Alert
from tests.alerts_api.examples import NOW, fill

ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

SAID = "Clear-Site-Data header"  # what Chromium tells of a sign-out


def chromium() -> str | None:
    """Where this machine has a Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")  # while Playwright runs no other test can have an event loop
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        reason = "no Chromium on this machine: install the package chromium to test the pages in it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "journalguard.db"


@pytest.fixture
def alerts(database: Path) -> list[Alert]:
    return fill(database, 8)


@pytest.fixture
def site(database: Path, alerts: list[Alert]) -> Iterator[str]:
    """Address of a running server over the example alerts."""
    app = create_app(database, demo=True, clock=lambda: NOW + 30.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@contextmanager
def opened(browser: Browser, site: str, *, scheme: str = "light", script: bool = True) -> Iterator[Page]:
    """A fresh tab; at its end there must have been no error, no policy report, no request elsewhere."""
    context = browser.new_context(
        base_url=site,
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=script,
        viewport={"width": 1280, "height": 900},
    )
    page = context.new_page()
    complaints: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda message: None if SAID in message.text else complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda request: None if request.url.startswith(site) else elsewhere.append(request.url)
    )
    yield page
    context.close()
    assert complaints == []
    assert elsewhere == []
