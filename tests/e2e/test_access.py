"""`rights access` gives all that is held, `documents` what the settings say, and neither a name."""

import json
import stat
from pathlib import Path

import pytest

from service.privacy.documents import DOCUMENTS
from tests.e2e.sites import access_lines, call, followed, made

COMMON = ("--case", "SD-1", "--dpo", "mholmes", "--reader", "-")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    lines = access_lines(range(0, 1500, 3), "alice")
    (tmp_path / "access.log").write_text("".join(f"{line}\n" for line in lines))
    folder = made(tmp_path / "site", "--log", tmp_path / "access.log", "--realm", "example.ac.uk")
    followed(folder, len(lines))
    return folder


def test_a_copy_of_all_of_it(site: Path) -> None:
    name = b"EXAMPLE\\alice\n"
    result = call("rights", "access", "--site", site, *COMMON, stdin=name)
    assert result.exit_code == 0, result.output
    folder = site / "rights/SD-1"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    copy = json.loads((folder / "copy.json").read_text())
    (held,) = copy["held"]
    assert held["learnt"]["documents"] == 500
    assert held["learnt"]["known"] == {"networks": 1, "addresses": 1, "sessions": 0, "journals": 1}
    assert {each["measure"] for each in held["learnt"]["highest"]} > {
        each["measure"] for each in held["learnt"]["usual"]
    }
    (alert,) = held["alerts"]
    assert alert["alert"]["reasons"]
    assert len(held["events"]) > 100
    assert [act["record"]["kind"] for act in held["acts"]] == ["rights-access"]
    html = (folder / "copy.html").read_text()
    for part in (
        "What was learnt of the account",
        alert["alert"]["alert_id"],
        "rights-access",
        "Documents by day",
        "most unusual moment of the newest alert",
    ):
        assert part in html
    assert "alice" not in html + json.dumps(copy)
    assert call(
        "rights", "rectify", "--site", site, *COMMON, "--what", "shared-account", stdin=name
    ).stdout == ("1 of the account's alerts are marked as wrong data.\n")
    call("rights", "access", "--site", site, *COMMON, stdin=name)
    assert (
        "Wrong data, “Attribution rectified, shared-account; case SD-1”" in (folder / "copy.html").read_text()
    )


def test_a_copy_of_nothing(site: Path) -> None:
    assert call("rights", "access", "--site", site, *COMMON, stdin=b"nobody.known\n").exit_code == 0
    assert "Nothing is held." in (site / "rights/SD-1/copy.html").read_text()


def test_an_objection_and_its_outcome(site: Path) -> None:
    def act(*words: str) -> tuple[int, str]:
        result = call("rights", *words, "--site", site, *COMMON, stdin=b"alice\n")
        return result.exit_code, result.stdout + result.stderr

    assert act("object") == (0, "The objection is registered; the account is left alone.\n")
    assert act("object", "--outcome", "refused") == (0, "The objection is refused.\n")
    assert act("restrict", "--lift") == (1, "Error: this account is not restricted\n")
    assert act("restrict") == (0, "The account is left alone from now on.\n")
    assert act("restrict", "--lift") == (0, "The restriction is lifted.\n")


def test_documents_say_what_the_settings_say(tmp_path: Path) -> None:
    site = made(tmp_path / "site")
    text = (site / "site.toml").read_text().replace("states = 90", "states = 61")
    (site / "site.toml").write_text(text)
    result = call("rights", "documents", "--site", site, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    for name, title in DOCUMENTS.items():
        html = (tmp_path / "out" / f"{name}.html").read_text()
        assert title in html
        assert "A template, not legal advice." in html
    for name in ("privacy-notice", "dpia", "record-of-processing", "legitimate-interest"):
        assert "61 days" in (tmp_path / "out" / f"{name}.html").read_text()
    assert "no key-holder" in (tmp_path / "out/privacy-notice.html").read_text()
