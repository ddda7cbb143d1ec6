"""`users` and `tokens` at a terminal, as the administrator sits before it."""

import base64
import re
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from alerts_api.audit.leaves import ActKind
from alerts_api.signin.actors import Role
from alerts_api.web.app import create_app
from tests.alerts_api.visitors import acts, browser
from tests.e2e.sites import call, made
from tests.service.terminal import Terminal, at_terminal

PASSWORD = "four random words here"


def enrolled(terminal: Terminal) -> bytes:
    """Types a password and the code of what is shown; the secret."""
    terminal.expect("Password of jane.doe: ")
    terminal.type("short\n")
    terminal.expect("The same again: ")
    terminal.type("short\n")
    terminal.expect("at least 12 characters")
    for prompt in ("Password of jane.doe: ", "The same again: "):
        terminal.expect(prompt)
        terminal.type(f"{PASSWORD}\n")
    shown = terminal.expect("Press any key")
    address = re.search(r"otpauth://\S+", shown)
    assert address
    terminal.press("x")
    secret = base64.b32decode(parse_qs(urlsplit(address[0]).query)["secret"][0])
    terminal.expect("The code that the app shows")
    terminal.type(f"{code(secret)}\n")
    return secret


def code(secret: bytes) -> str:
    return TOTP(secret, 6, SHA1(), 30).generate(int(time.time())).decode()  # noqa: S303


def test_a_user_is_made_at_the_terminal_and_signs_in(tmp_path: Path) -> None:
    site = made(tmp_path / "s")
    with at_terminal("users", "add", "--site", site, "jane.doe", "--role", "analyst") as terminal:
        secret = enrolled(terminal)
        terminal.expect("may sign in as analyst")
        assert terminal.end() == 0
    assert PASSWORD not in terminal.shown
    listed = call("users", "list", "--site", site).stdout
    assert listed == "jane.doe\tanalyst\n"
    database = site / "journalguard.db"
    assert PASSWORD.encode() not in database.read_bytes()
    visitor = browser(create_app(database))
    sent = {"name": "jane.doe", "password": PASSWORD, "code": code(secret)}
    assert visitor.post("/signin/local", data=sent).status_code == 303
    assert visitor.get("/").status_code == 200
    assert call("users", "remove", "--site", site, "jane.doe").exit_code == 0
    assert "/signin/local" not in visitor.get("/signin").text
    assert visitor.get("/help").text.count("Visitor")  # nobody's again, at this machine
    assert [record.outcome for record in acts(database) if record.kind is ActKind.ROLES_CHANGED] == [
        "user-added",
        "user-removed",
    ]


def test_nobody_becomes_admin_and_key_holder(tmp_path: Path) -> None:
    roles = ["--role", "admin", "--role", "key_holder"]
    result = call("users", "add", "--site", made(tmp_path / "s"), "jane.doe", *roles)
    assert (result.exit_code, "nobody is admin and key_holder" in result.stderr) == (1, True)


def test_no_secret_comes_through_a_pipe(tmp_path: Path) -> None:
    site = made(tmp_path / "s")
    for arguments in (
        ("users", "add", "--site", site, "jane.doe"),
        ("tokens", "new", "--site", site, "desk"),
    ):
        result = call(*arguments, "--role", "analyst", stdin=b"secret\n")
        assert result.exit_code == 1
        assert "terminal" in result.stderr


def test_a_token_is_shown_once_and_can_be_revoked(tmp_path: Path) -> None:
    site = made(tmp_path / "s")
    with at_terminal("tokens", "new", "--site", site, "desk", "--role", "analyst", "--days", 30) as terminal:
        found = re.search(r"jg_([0-9a-f]{12})_\S+", terminal.expect("Press any key"))
        assert found
        terminal.press("x")
        terminal.expect("lets desk in for 30 days")
        assert terminal.end() == 0
    assert f"{found[1]}\tdesk\tanalyst\treads\tuntil " in call("tokens", "list", "--site", site).stdout
    program = browser(create_app(site / "journalguard.db", local=False))
    program.headers["authorization"] = f"Bearer {found[0]}"
    assert program.get("/api/v1/alerts").status_code == 200
    assert call("tokens", "revoke", "--site", site, found[1]).exit_code == 0
    assert program.get("/api/v1/alerts").status_code == 401
    unknown = call("tokens", "revoke", "--site", site, found[1])
    assert (unknown.exit_code, "no such token" in unknown.stderr) == (1, True)


def test_a_token_s_role_is_never_a_key_holder_s() -> None:
    helped = call("tokens", "new", "--help").stdout
    assert Role.ADMIN in helped
    assert Role.KEY_HOLDER not in helped


def test_others_are_not_served_where_nobody_can_sign_in(tmp_path: Path) -> None:
    site = made(tmp_path / "s")
    for command in ("pages", "run"):
        result = call(command, "--site", site, "--host", "0.0.0.0", "--port", 0)  # noqa: S104
        assert result.exit_code == 1
        assert "users add" in result.stderr.replace("\n", " ")
