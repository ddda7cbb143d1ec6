"""``run`` seals who each account is, for the key-holders alone, in the same step that saves its events."""

import logging
import sqlite3
from pathlib import Path

import pytest

from pseudonymiser import holder_key, holders
from pseudonymiser.holder_key import HolderKey, OpenedIdentity
from service.records.identities import Mode
from tests.e2e.sites import access_lines, followed, made

FIRST, SECOND = HolderKey(bytes([1]) * 32, "desk-1"), HolderKey(bytes([2]) * 32, "desk-2")
READERS = ("sealedone", "sealedtwo")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    lines = [line for user in READERS for line in access_lines(range(36_000, 36_600, 60), user)]
    path = tmp_path / "access.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture
def site(tmp_path: Path, log: Path) -> Path:
    return made(tmp_path / "site", "--log", log)


def lines_of(log: Path) -> int:
    return len(log.read_text().splitlines())


def sealed(site: Path) -> dict[str, bytes]:
    """Pseudonym -> what is kept of who it is."""
    with sqlite3.connect(site / "journalguard.db") as connection:
        return dict(connection.execute("SELECT pseudonym, sealed FROM identities"))


def names(site: Path, key: HolderKey) -> set[str]:
    opened = [key.open(holder_key.decode(record, "")) for record in sealed(site).values()]
    return {each.user for each in opened if isinstance(each, OpenedIdentity)}


def test_the_holder_can_name_every_account_and_the_database_none(site: Path, log: Path) -> None:
    holders.add_holder(site / "keyholders", FIRST.holder, Mode.ONE)
    followed(site, lines_of(log))
    with sqlite3.connect(site / "journalguard.db") as connection:
        accounts = {account for (account,) in connection.execute("SELECT account FROM accounts")}
    assert set(sealed(site)) == accounts
    assert names(site, FIRST) == set(READERS)
    kept = b"".join(path.read_bytes() for path in site.glob("journalguard.db*"))
    assert not any(reader.encode() in kept for reader in READERS)


def test_a_restart_seals_nothing_twice_and_a_new_holder_everyone_seen_again(site: Path, log: Path) -> None:
    holders.add_holder(site / "keyholders", FIRST.holder, Mode.ONE)
    followed(site, lines_of(log))
    before = sealed(site)
    with log.open("a") as file:
        file.write(access_lines([36_700], READERS[0])[0] + "\n")
    followed(site, lines_of(log))
    assert sealed(site) == before

    holders.add_holder(site / "keyholders", SECOND.holder, Mode.ONE)
    with log.open("a") as file:
        file.write(access_lines([36_800], READERS[0])[0] + "\n")
    followed(site, lines_of(log))
    changed = {pseudonym for pseudonym, record in sealed(site).items() if record != before[pseudonym]}
    assert len(changed) == 1
    assert SECOND.open(holder_key.decode(sealed(site)[changed.pop()], "")) == OpenedIdentity(
        READERS[0], "", False
    )


def test_without_key_holders_it_says_that_nobody_can_be_named(
    site: Path, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    followed(site, lines_of(log))
    assert "nobody can ever be named: there is no key-holder" in caplog.text
    assert sealed(site) == {}
