"""A reader is named, from the alert to the auditor's desk: real pages' process, real browser, real commands.

Nobody but the browser ever has the name: neither what is sent, nor the database, nor the process's memory.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Request, expect

from alerts_api.reveal.release_service import ReleaseService
from alerts_api.signin.actors import Actor, Role
from alerts_api.storage.database import open_database
from alerts_api.stream.store import open_store
from pseudonymiser import holders
from pseudonymiser.canonical import Identity
from pseudonymiser.holder_key import HolderKey
from pseudonymiser.vault import Vault
from pseudonymiser.wrapping import Cost, write_wrapped
from service.config.loader import load_site
from service.config.tables import RevealSettings
from service.config.template import render
from service.records.events import Alert
from service.records.identities import Mode
from tests.alerts_api.examples import checkpoint, make_alert
from tests.browser.conftest import opened
from tests.browser.test_pages import violations
from tests.e2e.sites import call, made

pytestmark = pytest.mark.browser

NAME = "canaryreader"
PASSPHRASE = "canary passphrase of a desk"
FIRST, SECOND = HolderKey(bytes([1]) * 32, "desk-1"), HolderKey(bytes([2]) * 32, "desk-2")
WHY = "Twelve hundred PDFs in one night from a hosting network; the account has to be secured."
CASE = "INC-0012345"
AUDIT_NAME = "alerts.example.ac.uk/audit"


class Site:
    """A site whose alerts wait for a verdict, in the pages' own process."""

    def __init__(self, folder: Path, mode: Mode) -> None:
        self.folder = made(folder)
        self.mails = folder / "outgoing"
        self.mails.mkdir()
        reveal = RevealSettings(
            per_holder=1, outgoing="outgoing", sender="journalguard@example.ac.uk", dpo="dpo@example.ac.uk"
        )
        settings = msgspec.structs.replace(load_site(folder, {}).settings, reveal=reveal)
        (folder / "site.toml").write_text(render(settings))
        for key in (FIRST, SECOND):
            holders.add_holder(folder / "keyholders", key.holder, mode)
            write_wrapped(folder / f"{key.holder.label}.key", key.wrapped(PASSPHRASE, Cost(1_024, 1, 2)))
        self.alerts = [make_alert(index) for index in range(2)]
        self._fill(Vault([FIRST.holder, SECOND.holder], "1", mode))

    @property
    def database(self) -> Path:
        return self.folder / "journalguard.db"

    def key(self, key: HolderKey) -> Path:
        return self.folder / f"{key.holder.label}.key"

    @contextmanager
    def served(self) -> Iterator[tuple[str, int]]:
        """Address and number of the pages' process."""
        command = [sys.executable, "-m", "service.cli", "pages", "--database", str(self.database), "--demo"]
        command += ["--settings", str(self.folder), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found
            try:
                yield found[0].rstrip("/"), process.pid
            finally:
                process.terminate()

    def _fill(self, vault: Vault) -> None:
        sealed = tuple(vault.seal(alert.account, Identity("", NAME)) for alert in self.alerts)
        kept = checkpoint(self.alerts)
        with closing(open_store(self.database)) as store:
            store.commit(
                msgspec.structs.replace(
                    kept, changes=msgspec.structs.replace(kept.changes, identities=sealed)
                )
            )
        dpo = Actor("demo-dpo", "Dpo", frozenset({Role.DPO}), "demo")
        with closing(open_database(self.database, create=False)) as database:
            desk = ReleaseService(database.writing, RevealSettings(), lambda *_: None, time.time)
            assert desk.train(dpo, "demo-key_holder", time.time() + 365 * 86_400) is None


def look_as(page: Page, role: str) -> None:
    page.goto("/signin")
    page.get_by_role("button", name=role, exact=True).click()
    expect(page.locator(".visitor")).to_contain_text(role)


def judge(page: Page, alert: Alert) -> None:
    look_as(page, "analyst")
    page.goto(f"/alerts/{alert.alert_id}")
    page.get_by_role("button", name="Confirmed stolen").click()
    expect(page.get_by_role("status")).to_contain_text("Confirmed stolen")


def ask(page: Page, alert: Alert) -> None:
    look_as(page, "key holder")
    page.goto(f"/alerts/{alert.alert_id}")
    page.get_by_role("link", name="Ask who this is").click()
    page.get_by_label("The account looks stolen").check()
    page.get_by_label("Case of the service desk").fill(CASE)
    page.get_by_label("Why the name is needed").fill(WHY)
    accessible(page)
    page.get_by_role("button", name="Ask").click()


def unlock(page: Page, path: Path, passphrase: str = PASSPHRASE) -> None:
    page.get_by_label("Your key file").set_input_files(path)
    page.get_by_label("Its passphrase").fill(passphrase)
    page.get_by_role("button", name="Open here").click()


def accessible(page: Page) -> None:
    assert violations(page) == [], page.url


def memory(process: int) -> Iterator[bytes]:
    """What the process holds, region by region."""
    with Path(f"/proc/{process}/mem").open("rb") as file:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            addresses, access = line.split()[:2]
            if access.startswith("r") and not line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                first, end = (int(part, 16) for part in addresses.split("-"))
                file.seek(first)
                try:
                    yield file.read(end - first)
                except OSError:
                    continue  # a region that cannot be read by anybody


def holds(process: int, text: str) -> bool:
    spellings = (text.encode(), text.encode("utf-16-le"), text.encode("utf-32-le"))
    return any(spelling in region for region in memory(process) for spelling in spellings)


def sent_by(page: Page) -> list[str]:
    """Everything that leaves the browser from now on."""
    sent: list[str] = []

    def note(request: Request) -> None:
        sent.append(f"{request.url} {request.post_data or ''} {request.headers}")

    page.on("request", note)
    return sent


def verified(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """`journalguard audit verify` on a computer that has these files and nothing else."""
    export, key, newest = files
    arguments = ["audit", "verify", export, "--public-key", key, "--checkpoint", newest]
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_whole_story(browser: Browser, tmp_path: Path) -> None:
    site = Site(tmp_path / "site", Mode.ONE)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert call("audit", "key", "--site", site.folder, "--name", AUDIT_NAME).exit_code == 0
    with site.served() as (address, process), opened(browser, address) as page:
        sent = sent_by(page)
        for alert in site.alerts:
            judge(page, alert)

        # The first of the day needs nobody else.
        ask(page, site.alerts[0])
        expect(page.get_by_role("status")).to_contain_text("Granted")
        accessible(page)
        page.get_by_role("button", name="Go on to open the name").click()
        accessible(page)
        unlock(page, site.key(FIRST), "not the passphrase")
        expect(page.get_by_role("status")).to_contain_text("The passphrase is wrong")
        unlock(page, site.key(FIRST))
        expect(page.locator("#user")).to_have_text(NAME)
        expect(page.locator("#realm")).to_have_text("(your own)")
        accessible(page)
        page.get_by_role("button", name="Hide it now").click()
        expect(page.locator("#user")).to_have_text("")
        page.get_by_role("link", name="what became of it").click()
        page.get_by_label("The account was secured").check()
        page.get_by_role("button", name="File the outcome").click()
        expect(page.get_by_role("status")).to_contain_text("Closed")
        assert NAME not in page.content()

        # The second is above the budget of one.
        ask(page, site.alerts[1])
        expect(page.get_by_role("status")).to_contain_text("Waits for an answer")
        second = page.url
        look_as(page, "approver")
        page.goto("/reveals")
        accessible(page)
        page.get_by_role("link", name=re.compile("RV-")).first.click()
        accessible(page)
        page.get_by_role("button", name="Approve", exact=True).click()
        look_as(page, "key holder")
        page.goto(second)
        page.get_by_role("button", name="Go on to open the name").click()
        page.get_by_text("Open it with the command instead").click()
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save the sealed identity").click()
        assert NAME.encode() not in saved.value.path().read_bytes()

        assert call("audit", "checkpoint", "--site", site.folder, "--keep", elsewhere).exit_code == 0
        look_as(page, "auditor")
        page.goto("/audit")
        accessible(page)
        expect(page.get_by_text("the tree fits")).to_be_visible()
        with page.expect_download() as export:
            page.get_by_role("link", name="Save the export").click()
        export.value.save_as(elsewhere / "audit.jsonl")

        assert holds(process, site.alerts[0].account), "the search finds what is there"
        assert not holds(process, NAME)
        assert not [each for each in sent if NAME in each or "passphrase of a desk" in each]

    kept = b"".join(path.read_bytes() for path in site.folder.glob("journalguard.db*"))
    assert NAME.encode() not in kept
    assert len(list(site.mails.glob("*-release.eml"))) == 2
    assert len(list(site.mails.glob("*.checkpoint*"))) == 2, "each release is signed"
    public = (site.folder / "audit" / "public.key").read_bytes()
    (elsewhere / "public.key").write_bytes(public)
    newest = max(elsewhere.glob("*.checkpoint"))
    checked = verified(elsewhere, "audit.jsonl", "public.key", newest.name)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "The log is what was signed." in checked.stdout
    export_file = elsewhere / "audit.jsonl"
    assert NAME not in export_file.read_text()
    export_file.write_text(
        export_file.read_text().replace('"outcome":"account_secured"', '"outcome":"not_opened"')
    )
    assert verified(elsewhere, "audit.jsonl", "public.key", newest.name).returncode == 1


def test_two_holders_one_after_the_other(browser: Browser, tmp_path: Path) -> None:
    site = Site(tmp_path / "site", Mode.TWO)
    with site.served() as (address, _), opened(browser, address) as page:
        judge(page, site.alerts[0])
        ask(page, site.alerts[0])
        page.get_by_role("button", name="Go on to open the name").click()
        unlock(page, site.key(FIRST))
        with page.expect_download() as half:
            page.get_by_role("link", name="Save the file").click()
        half.value.save_as(tmp_path / "half.json")
        expect(page.locator("#name")).to_be_hidden()
        page.goto("/reveals/half")
        for key, reported in ((FIRST, "You have opened this one already"), (SECOND, "Shown once, for")):
            page.get_by_label("File of the first key-holder").set_input_files(tmp_path / "half.json")
            unlock(page, site.key(key))
            expect(page.get_by_role("status")).to_contain_text(reported)
            page.reload() if key is FIRST else expect(page.locator("#user")).to_have_text(NAME)
