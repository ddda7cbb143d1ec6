"""Nothing that names a person leaves the ingest room: canaries go in through every field, none comes out."""

import logging
import os
from pathlib import Path
from threading import Event

import httpx2
import pytest

from pseudonymiser import holders
from pseudonymiser.holder_key import HolderKey
from service.cli.run import follow_site, serving
from service.config.loader import load_site
from service.records.identities import Mode
from tests.e2e.sites import alerts, call, made, until
from tests.service.cli.test_cli import served

FORMAT = (
    '%h %l %u %t "%r" %s %b "%{referer}i" "%{user-agent}i" '
    "%{ezproxy-session}i %{ezproxy-groups}i %{x-forwarded-for}i"
)
CANARIES = {
    "name": "canaryjdoe",
    "mail": "canary.doe@example.org",
    "realm": "canaryrealm",
    "ldap": "CanaryCommonName",
    "session": "CanArySess10nId",
    "ticket": "0123456789abcdefc0ffee0123456789",
    "search": "canarysearchterm",
    "folder": "canary_personal_folder",
    "group": "canarygroup",
    "agent": "CanaryBrowser",
    "ident": "canaryident",
    "fragment": "canaryfragment",
    "host": "canaryhost",
    "other": "canarypassword",
    "address": "198.51.100.23",
    "address6": "2001:db8:ca:fe::77",
    "forwarded": "203.0.113.99",
}
C = CANARIES
URLS = [
    f"https://www.example.com:443/search?q={C['search']}&user={C['name']}&mail={C['mail']}",
    f"https://ezproxy.example.ac.uk:443/login?user={C['name']}&ticket={C['ticket']}$u1$g{C['group']}&url=x",
    f"https://ezproxy.example.ac.uk:443/connect?session=s{C['session']}&url=https://{C['host']}.example.org/",
    f"https://{C['name']}:{C['other']}@www.sciencedirect.com:443/science/article/pii/S0012160612004174#{C['fragment']}",
    f"https://example-my.sharepoint.com:443/personal/{C['folder']}/Documents/{C['name']}.pdf",
    f"https://www.example.com:443/doi/pdf/10.1234/{C['search']}.{C['name']}?token={C['ticket']}",
    f"https://www.example.com:443/profile/{C['mail']}/{C['folder']}",
]
USERS = [
    C["name"],
    f"{C['realm']}\\{C['name']}",
    C["mail"],
    f"cn={C['ldap']},ou=x,dc=example",
    f"auto-{C['address']}",
    "-",
]


def access_log() -> list[str]:
    """Each user with each URL, the canaries in every other field, and broken lines with them."""
    lines, second = [], 0
    for user in USERS:
        for url in URLS:
            for address in (C["address"], C["address6"], f"{C['address']}, {C['forwarded']}"):
                second += 7
                at = f"{second // 60 % 60:02d}:{second % 60:02d}"
                lines.append(
                    f"{address} {C['ident']} {user} [24/Nov/2026:10:{at} +0000] "
                    f'"GET {url} HTTP/1.1" 200 500000 "https://{C["host"]}.example.org/?q={C["search"]}" '
                    f'"{C["agent"]}/1.0" {C["session"]} {C["group"]} {C["forwarded"]}'
                )
    lines += [theft(second) for second in range(0, 1200, 3)]
    broken = [f"{C['name']} {C['mail']} {C['address']}", lines[0][:60], lines[1].replace("2026", "202x")]
    return lines + broken


def theft(second: int) -> str:
    """One of hundreds of documents that one account takes: reason enough for an alert and its page."""
    return (
        f"{C['address']} - {C['name']} [24/Nov/2026:11:{second // 60:02d}:{second % 60:02d} +0000] "
        f'"GET https://www.example.com:443/doi/pdf/10.1234/{C["search"]}.{second} HTTP/1.1" 200 900000 '
        f'"-" "{C["agent"]}/1.0" {C["session"]} {C["group"]} -'
    )


def audit_log() -> list[str]:
    rows = [
        ("Login.Success", C["address"], C["name"], C["session"], f"|Groups  {C['group']}|"),
        ("Login.Failure", C["address6"], C["mail"], "", ""),
        ("Login.Intruder.User", C["address"], C["other"], "", f"10 failed login attempts; {C['other']}"),
        ("Canary.Unknown", C["address"], C["name"], C["session"], C["other"]),
    ]
    header = "Date/Time\tEvent\tIP\tUsername\tSession\tOther"
    return [header, *("\t".join(("2026-11-24 10:00:00", *row)) for row in rows), C["name"]]


def sightings(data: bytes) -> list[str]:
    """Canaries in raw bytes, whatever the case."""
    lower = data.lower()
    return [kind for kind, text in CANARIES.items() if text.lower().encode() in lower]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "canary.log").write_text("".join(f"{line}\n" for line in access_log()))
    (tmp_path / "audit.txt").write_text("".join(f"{line}\n" for line in audit_log()))
    options = ("--log", tmp_path / "canary.log", "--audit", tmp_path / "audit.txt")
    site = made(tmp_path / "site", *options, "--proxy-host", "ezproxy.example.ac.uk", log_format=FORMAT)
    holders.add_holder(site / "keyholders", HolderKey(bytes([7]) * 32, "desk-1").holder, Mode.ONE)
    return site


def test_replay_tells_nothing(tmp_path: Path, site: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = call("replay", "--site", site, "--alerts", out, tmp_path / "canary.log", tmp_path / "audit.txt")
    assert (result.exit_code, "rejected" in result.stdout) == (0, True), result.output
    assert alerts(out.read_bytes())
    assert sightings(out.read_bytes()) == []
    assert sightings(result.stdout_bytes + result.stderr_bytes) == []


def test_run_stores_logs_and_shows_nothing(
    tmp_path: Path, site: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    loaded = load_site(site, {})
    stop, lines = Event(), len(access_log()) + len(audit_log())
    follow_site(loaded, stop, until(lines, stop))
    store = b"".join(path.read_bytes() for path in site.glob("journalguard.db*"))
    assert b"u1_" in store, "the events are there"
    assert sightings(store) == []
    with serving(loaded, None, 0) as (_, address):
        assert served(f"{address}healthz")
        number = httpx2.get(f"{address}api/v1/alerts", timeout=30).json()["alerts"][0]["alert_id"]
        about = [f"alerts/{number}", f"api/v1/alerts/{number}", f"api/v1/alerts/{number}/events"]
        for page in ("", "metrics", "healthz", "help", "api/v1/alerts", "api/v1/status", *about):
            assert sightings(fetched(address + page)) == [], page
    said = capfd.readouterr()
    assert sightings((caplog.text + said.out + said.err).encode()) == []


def test_the_search_would_find_one(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(os.urandom(100) + b"\0CANARYJDOE\xff")
    assert sightings((tmp_path / "x").read_bytes()) == ["name"]


def fetched(address: str) -> bytes:
    return httpx2.get(address, timeout=10).content
