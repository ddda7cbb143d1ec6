"""`rotate`: told first, done once, and not while a `run` is at work."""

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pseudonymiser import keys
from pseudonymiser.keys import Domain
from service.base.locks import SHIP_LOCK, exclusive_lock
from tests.e2e.sites import access_lines, call, followed, made


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return made(tmp_path / "site")


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("options", [(), ("--emergency",)])
def test_a_dry_run_changes_nothing(site: Path, options: tuple[str, ...]) -> None:
    before = files(site)
    result = call("rotate", "--site", site, "--dry-run", *options)
    assert (result.exit_code, "nothing was changed" in result.stdout) == (0, True)
    assert files(site) == before


def test_by_the_calendar(site: Path) -> None:
    old = keys.load(site / "keys")
    assert call("rotate", "--site", site, stdin=b"n\n").exit_code == 1
    assert keys.load(site / "keys").epoch == "1"
    result = call("rotate", "--site", site, stdin=b"y\n")
    assert (result.exit_code, "u1_… to u2_…" in result.stdout) == (0, True)
    young = keys.load(site / "keys")
    assert (young.epoch, young.former is not None) == ("2", True)
    assert young.subkey(Domain.NET) == old.subkey(Domain.NET)
    again = call("rotate", "--site", site, stdin=b"y\n")
    assert (again.exit_code, "still links" in again.stderr) == (1, True)


def test_the_end_of_a_rotation(site: Path) -> None:
    nothing = call("rotate", "--site", site, "--end")
    assert (nothing.exit_code, "no rotation is under way" in nothing.stderr) == (1, True)
    call("rotate", "--site", site, stdin=b"y\n")
    result = call("rotate", "--site", site, "--end", stdin=b"y\n")
    assert (result.exit_code, "are forgotten" in result.stdout) == (0, True)
    assert keys.load(site / "keys").former is None


def test_after_a_leak_everything_is_new_once_it_is_typed_out(site: Path) -> None:
    old = keys.load(site / "keys")
    for typed in (b"", b"y\n", b"yes\n"):
        result = call("rotate", "--site", site, "--emergency", stdin=typed)
        assert (result.exit_code, "is forgotten" in result.stdout) == (1, True)
        assert keys.load(site / "keys").epoch == "1"
    assert call("rotate", "--site", site, "--emergency", stdin=b"forget everything\n").exit_code == 0
    young = keys.load(site / "keys")
    assert (young.epoch, young.former) == ("2", None)
    assert not {young.subkey(domain) for domain in Domain} & {old.subkey(domain) for domain in Domain}


def test_after_a_leak_nothing_that_was_learnt_is_left(tmp_path: Path) -> None:
    """And the site goes on from where it had read, with everybody new."""
    log = tmp_path / "access.log"
    lines = [f"{line}\n" for line in access_lines(range(60))]
    log.write_text("".join(lines[:30]))
    site = made(tmp_path / "site", "--log", log)
    followed(site, 30)
    assert call("rotate", "--site", site, "--emergency", stdin=b"forget everything\n").exit_code == 0
    assert _accounts(site) == []
    log.write_text("".join(lines))
    followed(site, 60)
    assert [account[:3] for account in _accounts(site)] == ["u2_"]


def _accounts(site: Path) -> list[str]:
    with closing(sqlite3.connect(site / "journalguard.db")) as connection:
        return [account for (account,) in connection.execute("SELECT account FROM accounts")]


def test_not_while_the_site_is_at_work(site: Path) -> None:
    with (site / "run.lock").open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = call("rotate", "--site", site, "--dry-run")
    assert (result.exit_code, "end it first" in result.stderr) == (1, True)


def test_both_at_once_is_a_wrong_call(site: Path) -> None:
    assert call("rotate", "--site", site, "--emergency", "--end").exit_code == 2


def test_not_while_a_shipper_is_at_work(site: Path) -> None:
    settings = site / "site.toml"
    settings.write_text(settings.read_text() + '\n[kafka]\nservers = ["localhost:9092"]\n')
    with exclusive_lock(site / SHIP_LOCK, "ship"):
        result = call("rotate", "--site", site, "--dry-run")
    assert (result.exit_code, f"`journalguard ship` (process {os.getpid()})" in result.stderr) == (1, True)
