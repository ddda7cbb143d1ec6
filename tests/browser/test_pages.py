"""What an analyst does, in a real browser: with mouse, with keys, without script, in light and dark."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from alerts_api.stream.store import open_store
from service.records.events import Alert
from tests.alerts_api.examples import NOW, checkpoint, make_alert
from tests.alerts_api.reports import example, keep
from tests.browser.conftest import opened

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page) -> list[str]:
    """What axe finds; its script comes through the debugger, so the page's own policy stays as it is."""
    results = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
    return [
        f"{found['id']}: {node['html']}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]


def highest(alerts: list[Alert]) -> Alert:
    return max(alerts, key=lambda alert: alert.score)


def expand(page: Page) -> None:
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    browser: Browser, site: str, database: Path, alerts: list[Alert], scheme: str, width: int
) -> None:
    report = keep(database.parent / "reports", example())
    with opened(browser, site, scheme=scheme) as page:
        page.set_viewport_size({"width": width, "height": 900})
        for path in (
            "/",
            "/?period=24h&severity=low&place=GB",
            f"/alerts/{highest(alerts).alert_id}",
            "/log",
            "/evaluation",
            f"/evaluation/{report}",
            "/help",
        ):
            page.goto(path)
            expand(page)
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_both_schemes_have_their_own_colours(browser: Browser, site: str) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        with opened(browser, site, scheme=scheme) as page:
            page.goto("/")
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(245, 246, 248)", "rgb(20, 24, 29)"]


def test_a_verdict_by_mouse(browser: Browser, site: str, alerts: list[Alert]) -> None:
    alert = highest(alerts)
    with opened(browser, site) as page:
        page.goto("/")
        page.get_by_label("Changed within").select_option("24 hours")
        page.get_by_label("Place").select_option("Amsterdam, NL")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name=alert.alert_id).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(alert.alert_id)
        expect(page.get_by_role("img")).to_have_count(2)
        page.get_by_label("Note").fill("The <b>vendor</b> wrote & the reader is at home")
        page.get_by_role("button", name="Confirmed stolen").click()
        expect(page.get_by_role("status")).to_contain_text("Confirmed stolen")
        expect(page.locator(".note")).to_have_text("The <b>vendor</b> wrote & the reader is at home")
        page.reload()  # does not send it again
        expect(page.locator(".history > li")).to_have_count(1)
        page.get_by_role("link", name="← Queue").click()
        expect(page).to_have_url(
            f"{site}/?status=open&period=24h&severity=&detection=&platform=&place=Amsterdam%2C+NL&sort=score"
        )
        expect(page.get_by_role("link", name=alert.alert_id)).to_have_count(0)


def test_a_verdict_by_keys_alone(browser: Browser, site: str, alerts: list[Alert]) -> None:
    ordered = sorted(alerts, key=lambda alert: -alert.score)
    with opened(browser, site) as page:
        page.goto("/")
        for key in ("j", "j", "j", "k"):
            page.keyboard.press(key)
        expect(page.get_by_role("link", name=ordered[1].alert_id)).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(ordered[1].alert_id)
        page.wait_for_load_state()  # keys work once the script has run
        page.keyboard.press("2")
        expect(page.get_by_role("status")).to_contain_text("Suspicious but expected")
        expect(page.locator("#standing")).to_be_focused()
        page.wait_for_load_state()
        page.keyboard.press("j")
        expect(page.get_by_role("heading", level=1)).to_have_text(ordered[0].alert_id)
        page.wait_for_load_state()
        page.keyboard.press("u")
        expect(page.get_by_role("heading", name="Alerts")).to_be_visible()
        page.wait_for_load_state()
        page.keyboard.press("/")
        expect(page.get_by_label("Status")).to_be_focused()
        page.get_by_role("heading", name="Alerts").click()
        page.keyboard.press("?")
        expect(page.get_by_role("heading", name="Help")).to_be_visible()


def test_keys_do_nothing_while_one_writes_or_when_off(
    browser: Browser, site: str, alerts: list[Alert]
) -> None:
    address = f"/alerts/{highest(alerts).alert_id}"
    with opened(browser, site) as page:
        page.goto(address)
        page.get_by_label("Note").press_sequentially("1 j ?")
        expect(page.get_by_label("Note")).to_have_value("1 j ?")
        page.goto("/help")
        page.get_by_label("Single-letter keys").uncheck()
        page.goto(address)
        page.locator("body").press("1")
        page.locator("body").press("?")
        expect(page.get_by_text("No verdict yet.")).to_be_visible()
        page.goto("/help")
        expect(page.get_by_label("Single-letter keys")).not_to_be_checked()


def test_new_alerts_come_without_losing_the_place(
    browser: Browser, site: str, database: Path, alerts: list[Alert]
) -> None:
    third = sorted(alerts, key=lambda alert: -alert.score)[2]
    with opened(browser, site) as page:
        page.clock.install()
        page.goto("/")
        for _ in range(3):
            page.keyboard.press("j")
        fresh = make_alert(30, opened_at=NOW - 3_000)
        store = open_store(database)
        store.commit(checkpoint([fresh]))
        store.close()
        page.clock.run_for(10_500)
        button = page.get_by_role("button", name="1 new alert")
        expect(button).to_be_visible()
        expect(page.get_by_role("link", name=third.alert_id)).to_be_focused()
        expect(page.get_by_role("link", name=fresh.alert_id)).to_have_count(0)
        button.click()
        expect(page.get_by_role("link", name=fresh.alert_id)).to_be_visible()
        expect(button).to_have_count(0)


def test_without_script_everything_can_be_read_and_judged(
    browser: Browser, site: str, alerts: list[Alert]
) -> None:
    with opened(browser, site, script=False) as page:
        page.goto("/")
        page.get_by_role("link", name=highest(alerts).alert_id).click()
        page.get_by_text("By hour, 48 hours (UTC) as a table").click()
        expect(page.get_by_role("row", name="24 Nov 05:00 212 above")).to_be_visible()
        page.get_by_role("button", name="Undetermined").click()
        expect(page.get_by_role("status")).to_contain_text("Undetermined")
        page.get_by_role("link", name="← Queue").click()
        expect(page.get_by_role("heading", name="Alerts")).to_be_visible()


def test_the_skip_link_comes_first_and_every_focus_is_seen(browser: Browser, site: str) -> None:
    with opened(browser, site) as page:
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        for _ in range(8):
            page.keyboard.press("Tab")
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style == "solid"


def test_targets_are_large_enough(browser: Browser, site: str, alerts: list[Alert]) -> None:
    with opened(browser, site) as page:
        for path in ("/", f"/alerts/{highest(alerts).alert_id}"):
            page.goto(path)
            for control in page.locator("button, select, textarea, a.button, a.row, nav a, summary").all():
                box = control.bounding_box()
                assert box is None or (box["width"] >= 24 and box["height"] >= 24), control.inner_text()
