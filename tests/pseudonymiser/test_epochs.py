"""New keys by the calendar and after a leak: who is linked, who is not, and what is gone."""

import base64
import pickle
from pathlib import Path

import msgspec
import pytest

from pseudonymiser import epochs, keys
from pseudonymiser.canonical import Identity
from pseudonymiser.errors import KeyFileError
from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.keys import KEY_FILE, Domain, Keys, SubKey
from pseudonymiser.pseudonyms import Pseudonyms, parse_address
from service.records.identities import Link
from tests.pseudonymiser.ingest_factory import COMMON, TableGeo, events, line

OLD = Keys(bytes(range(32)))
READER = Identity("", "asmith")
NOON = 1_764_504_000  # 30 Nov 2025 12:00 UTC, the time of `line()`
DAY = 86400
THINGS = [domain for domain in Domain if domain is not Domain.USER]


def room(secrets: Keys) -> Ingest:
    return Ingest(IngestSettings(log_format=COMMON, timezone="Europe/London"), secrets, TableGeo())


class TestByTheCalendar:
    def test_readers_change_and_nothing_else_does(self) -> None:
        before, after = (Pseudonyms(secrets) for secrets in (OLD, epochs.rotated(OLD, NOON)))
        address = parse_address("192.0.2.7")
        assert address is not None
        assert after.user(READER).startswith("u2_")
        assert after.user(READER)[3:] != before.user(READER)[3:]
        assert after.former(READER) == before.user(READER)
        assert before.former(READER) == ""
        assert after.address(address) == before.address(address)
        assert after.network(address) == before.network(address)
        assert after.session("s") == before.session("s")
        assert after.document("doi", "x") == before.document("doi", "x")
        assert after.journal("doi", "x") == before.journal("doi", "x")

    def test_again_and_again(self) -> None:
        secrets = OLD
        for year in range(1, 12):
            secrets = epochs.rotated(secrets.settled(), NOON + year * 365 * DAY)
        assert secrets.epoch == "12"
        assert all(secrets.epoch_of(domain) == "1" for domain in THINGS)
        assert all(secrets.subkey(domain) == OLD.subkey(domain) for domain in THINGS)

    def test_the_file_comes_back(self, tmp_path: Path) -> None:
        keys.create(tmp_path / "keys")
        young = epochs.rotated(keys.load(tmp_path / "keys"), NOON)
        keys.replace(tmp_path / "keys", young)
        read = keys.load(tmp_path / "keys")
        assert [read.subkey(domain) for domain in Domain] == [young.subkey(domain) for domain in Domain]
        assert (read.epoch, read.former) == ("2", young.former)
        assert [path.name for path in (tmp_path / "keys").iterdir()] == [KEY_FILE]
        assert (tmp_path / "keys" / KEY_FILE).stat().st_mode & 0o077 == 0

    def test_not_again_while_accounts_are_linked(self) -> None:
        young = epochs.rotated(OLD, NOON)
        with pytest.raises(KeyFileError, match="still links"):
            epochs.rotated(young, NOON + DAY)
        assert epochs.rotated(young, NOON + 28 * DAY).epoch == "3"

    def test_after_the_grace_the_old_key_is_gone_from_the_file(self, tmp_path: Path) -> None:
        folder = tmp_path / "keys"
        old = keys.create(folder)
        before = (folder / KEY_FILE).read_bytes()
        keys.replace(folder, epochs.rotated(old, NOON))
        assert epochs.current(folder, NOON + 28 * DAY - 1).former is not None
        rotated = (folder / KEY_FILE).read_bytes()
        assert epochs.current(folder, NOON + 28 * DAY).former is None
        settled = (folder / KEY_FILE).read_bytes()
        root, former = (base64.b64encode(key) for key in (old._root, old.subkey(Domain.USER)))
        assert (root in before, root in rotated, root in settled) == (True, False, False)
        assert (former in rotated, former in settled) == (True, False)
        assert Pseudonyms(keys.load(folder)).former(READER) == ""


class TestLinkOnSight:
    def test_an_account_is_told_at_first_sight(self) -> None:
        old, young = room(OLD), room(epochs.rotated(OLD, NOON - DAY))
        before = events(old, line())[0].account
        after = events(young, line(), line(), line(user="EXAMPLE\\asmith"))[0].account
        assert old.links() == ()
        assert young.links() == (Link(before, after),)
        events(young, line())
        assert young.links() == ()

    def test_nobody_is_no_account(self) -> None:
        young = room(epochs.rotated(OLD, NOON - DAY))
        events(young, line(user="-"), line(user="auto-192.0.2.1"))
        assert young.links() == ()

    def test_a_restart_tells_again(self) -> None:
        reported = []
        for _ in range(2):
            young = room(epochs.rotated(OLD, NOON - DAY))
            events(young, line())
            reported.append([link.old for link in young.links()])
        assert reported[0] == reported[1]

    def test_after_the_grace_nobody_is_told(self) -> None:
        late = room(epochs.rotated(OLD, NOON - 28 * DAY))
        events(late, line())
        assert late.links() == ()

    def test_events_differ_in_the_account_only(self) -> None:
        young = events(room(epochs.rotated(OLD, NOON)), line())[0]
        old = events(room(OLD), line())[0]
        assert young != old
        assert msgspec.structs.replace(young, account=old.account) == old


class TestAfterALeak:
    def test_nothing_is_as_it_was_and_nothing_links(self) -> None:
        young = epochs.renewed(epochs.rotated(OLD, NOON))
        assert (young.epoch, young.former) == ("3", None)
        assert not {young.subkey(domain) for domain in Domain} & {OLD.subkey(domain) for domain in Domain}
        reading = room(young)
        events(reading, line())
        assert reading.links() == ()

    def test_a_first_line_is_a_strangers(self) -> None:
        old, young = events(room(OLD), line())[0], events(room(epochs.renewed(OLD)), line())[0]
        for field in ("account", "address", "network"):
            assert getattr(old, field) != getattr(young, field)
        assert old.resource.document != young.resource.document


class TestKeyFiles:
    def test_a_file_of_version_1_is_read(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        path = tmp_path / KEY_FILE
        path.write_bytes(b'{"version":1,"epoch":"1","root":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}\n')
        path.chmod(0o600)
        assert keys.load(tmp_path).subkey(Domain.USER) == OLD.subkey(Domain.USER)

    def test_a_file_of_version_2_is_read(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        path = tmp_path / KEY_FILE
        zero = b"A" * 43 + b"="
        path.write_bytes(
            b'{"version":2,"epoch":"2","root":"'
            + zero
            + b'","kept":{"ip":{"epoch":"1","key":"'
            + zero
            + b'"}},'
            b'"former":{"epoch":"1","key":"' + zero + b'","until":1767000000}}\n'
        )
        path.chmod(0o600)
        read = keys.load(tmp_path)
        assert (read.epoch_of(Domain.IP), read.epoch_of(Domain.USER)) == ("1", "2")
        assert read.subkey(Domain.IP) == bytes(32)
        assert read.former == SubKey("1", bytes(32), 1_767_000_000)

    @pytest.mark.parametrize(
        "parts",
        [
            {"kept": {Domain.USER: SubKey("1", bytes(32))}},
            {"kept": {Domain.IP: SubKey("1", bytes(31))}},
            {"former": SubKey("1|2", bytes(32))},
        ],
    )
    def test_parts_that_cannot_be_are_refused(self, parts: dict[str, object]) -> None:
        with pytest.raises(KeyFileError):
            Keys(bytes(32), "2", **parts)  # type: ignore[arg-type]  # parts by name

    def test_a_failed_write_leaves_the_old_keys(self, tmp_path: Path) -> None:
        old = keys.create(tmp_path / "keys")
        (tmp_path / "keys").chmod(0o750)
        with pytest.raises(KeyFileError, match="chmod 700"):
            keys.replace(tmp_path / "keys", epochs.renewed(old))
        (tmp_path / "keys").chmod(0o700)
        assert keys.load(tmp_path / "keys").epoch == "1"

    def test_a_leftover_of_a_crash_is_no_hindrance(self, tmp_path: Path) -> None:
        old = keys.create(tmp_path / "keys")
        (tmp_path / "keys" / "pseudonyms.new").write_bytes(b"half a fi")
        keys.replace(tmp_path / "keys", epochs.renewed(old))
        assert keys.load(tmp_path / "keys").epoch == "2"

    def test_kept_keys_do_not_show_themselves(self) -> None:
        part = SubKey("1", bytes(range(32)))
        assert "key=" not in repr(part)
        assert "0e0f" not in repr(part)
        with pytest.raises(TypeError):
            pickle.dumps(part)
