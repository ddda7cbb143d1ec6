"""Identities go in and cannot come out again, except with the key-holders' own keys."""

import json
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from pseudonymiser.canonical import Identity
from pseudonymiser.errors import KeyHolderError
from pseudonymiser.holder_key import HolderKey, OpenedIdentity
from pseudonymiser.holders import Holder, add_holder
from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.keys import Keys
from pseudonymiser.pseudonyms import Pseudonyms
from pseudonymiser.vault import BUCKET, Vault, info, open_vault, pad, suite
from service.records.identities import HalfOpened, KeyShare, Mode, SealedIdentity, encode
from tests.pseudonymiser.ingest_factory import COMMON, KEYS, TableGeo, events, line

KEYS_OF = [HolderKey(bytes([n]) * 32, f"desk-{n}") for n in (1, 2, 3)]
HOLDERS = [key.holder for key in KEYS_OF]
NAME = "u1_" + "a" * 24
OTHER = "u1_" + "b" * 24
READER = Identity("crick.example.org", "jdoe")


def vault(mode: Mode = Mode.ONE, count: int = 3, epoch: str = "1") -> Vault:
    return Vault(HOLDERS[:count], epoch, mode)


def changed(record: SealedIdentity, **fields: object) -> SealedIdentity:
    return msgspec.structs.replace(record, **fields)


def _leaves(item: object) -> list[object]:
    """Everything in containers and records, however deep."""
    if isinstance(item, msgspec.Struct):
        item = msgspec.structs.asdict(item)
    if isinstance(item, dict):
        item = [*item.keys(), *item.values()]
    return (
        [leaf for part in item for leaf in _leaves(part)] if isinstance(item, list | tuple | set) else [item]
    )


def room(sealing: Vault | None, keys: Keys = KEYS) -> Ingest:
    settings = IngestSettings(log_format=COMMON, timezone="Europe/London", home_realms=("example.ac.uk",))
    return Ingest(settings, keys, TableGeo(), sealing)


class TestOneHolder:
    @pytest.mark.parametrize("key", KEYS_OF)
    def test_each_of_them_opens(self, key: HolderKey) -> None:
        opened = key.open(vault().seal(NAME, READER))
        assert opened == OpenedIdentity("jdoe", "crick.example.org", False)
        assert "jdoe" not in repr(opened)

    def test_a_stranger_does_not(self) -> None:
        with pytest.raises(KeyHolderError, match="not sealed for this key"):
            HolderKey.new("stranger").open(vault().seal(NAME, READER))

    def test_a_strangers_key_under_a_holders_name_does_not(self) -> None:
        stranger = HolderKey.new("stranger")
        share = vault(count=1).seal(NAME, READER).shares[0]
        forged = changed(
            vault(count=1).seal(NAME, READER), shares=(KeyShare((stranger.holder.id,), share.sealed),)
        )
        with pytest.raises(KeyHolderError, match="does not open"):
            stranger.open(forged)

    @pytest.mark.parametrize("fields", [{"pseudonym": OTHER}, {"epoch": "2"}])
    def test_moved_to_another_pseudonym_or_epoch_it_does_not_open(self, fields: dict[str, str]) -> None:
        with pytest.raises(KeyHolderError, match="does not open"):
            KEYS_OF[0].open(changed(vault().seal(NAME, READER), **fields))

    def test_one_changed_bit_is_noticed(self) -> None:
        record = vault(count=1).seal(NAME, READER)
        for place in (0, 40, -1):
            sealed = bytearray(record.shares[0].sealed)
            sealed[place] ^= 1
            with pytest.raises(KeyHolderError, match="does not open"):
                KEYS_OF[0].open(changed(record, shares=(KeyShare(record.shares[0].holders, bytes(sealed)),)))


class TestTwoHolders:
    @pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (0, 2), (2, 1)])
    def test_any_two_open_one_after_the_other(self, first: int, second: int) -> None:
        half = KEYS_OF[first].open(vault(Mode.TWO).seal(NAME, READER))
        assert isinstance(half, HalfOpened)
        assert KEYS_OF[second].open(half) == OpenedIdentity("jdoe", "crick.example.org", False)

    def test_one_alone_gets_nothing(self) -> None:
        """Neither by the program nor by trying that key with every slot on all that there is."""
        record, mine = vault(Mode.TWO).seal(NAME, READER), KEYS_OF[0]
        half = mine.open(record)
        assert isinstance(half, HalfOpened)
        with pytest.raises(KeyHolderError, match="another key-holder"):
            mine.open(half)
        assert b"jdoe" not in b"".join(share.sealed for share in half.shares)
        private = X25519PrivateKey.from_private_bytes(bytes([1]) * 32)
        ids = [holder.id for holder in HOLDERS]
        slots = [f"{a}+{b}|{layer}" for a in ids for b in ids for layer in ("inner", "outer")] + ids
        for share in half.shares:
            for slot in slots:
                with pytest.raises(InvalidTag):
                    suite().decrypt(share.sealed, private, info=info("1", NAME, slot))

    def test_the_second_cannot_begin_with_the_firsts_part(self) -> None:
        record = vault(Mode.TWO, 2).seal(NAME, READER)
        swapped = tuple(KeyShare(share.holders[::-1], share.sealed) for share in record.shares)
        with pytest.raises(KeyHolderError, match="does not open"):
            KEYS_OF[1].open(changed(record, shares=swapped))

    def test_a_half_opened_one_is_bound_too(self) -> None:
        half = KEYS_OF[0].open(vault(Mode.TWO).seal(NAME, READER))
        assert isinstance(half, HalfOpened)
        with pytest.raises(KeyHolderError, match="does not open"):
            KEYS_OF[1].open(msgspec.structs.replace(half, pseudonym=OTHER))


class TestPadding:
    @given(st.text(), st.text())
    def test_every_plaintext_is_equally_long(self, user: str, realm: str) -> None:
        plain = pad(
            Identity(realm.encode("utf-8", "replace").decode(), user.encode("utf-8", "replace").decode())
        )
        assert len(plain) == BUCKET
        assert set(json.loads(plain)) == {"user", "realm", "cut"}

    @given(st.integers(1, 20_000), st.integers(0, 20_000), st.sampled_from("aé\u0001\U0001f511"))
    def test_a_name_that_is_too_long_is_cut_and_says_so(self, user: int, realm: int, letter: str) -> None:
        read = json.loads(pad(Identity(letter * realm, letter * user)))
        assert (letter * user).startswith(read["user"])
        assert read["cut"] == (read["user"] != letter * user or read["realm"] != letter * realm)
        assert len(read["user"]) >= min(user, 20)

    def test_sealed_ones_do_not_tell_the_names_length(self) -> None:
        short, long = Identity("", "a"), Identity("crick.example.org", "a" * 200)
        for mode in Mode:
            sizes = {len(encode(vault(mode).seal(NAME, person))) for person in (short, long)}
            assert len(sizes) == 1


class TestTheVaultItself:
    @pytest.mark.parametrize("mode", Mode)
    def test_holds_nothing_that_opens(self, mode: Mode) -> None:
        """Of keys there are public ones only, and what was sealed is not kept as it was."""
        sealing = vault(mode)
        sealing.see(NAME, READER)
        assert {type(part) for part in _leaves(vars(sealing))} <= {
            str, bytes, int, type(None), Mode, type(suite()), type(X25519PrivateKey.generate().public_key())
        }  # fmt: skip
        assert not any(
            secret in _leaves(vars(sealing)) for secret in ("jdoe", *(bytes([n]) * 32 for n in (1, 2, 3)))
        )

    def test_seals_at_first_sight_only(self) -> None:
        sealing = vault()
        sealing.remember([OTHER])
        for name in (NAME, OTHER, NAME):
            sealing.see(name, READER)
        assert [record.pseudonym for record in sealing.take()] == [NAME]
        sealing.see(NAME, READER)
        assert sealing.take() == ()

    def test_remembers_within_bounds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pseudonymiser.vault.REMEMBERED", 10)
        sealing = vault()
        sealing.remember(f"u1_{n}" for n in range(1000))
        assert len(sealing._known) + len(sealing._older) <= 20

    def test_another_ring_for_other_holders_or_mode(self) -> None:
        rings = [vault(mode, count).ring for mode in Mode for count in (2, 3)]
        assert len(set(rings)) == 4
        assert Vault(HOLDERS[::-1], "2", Mode.ONE).ring == vault().ring

    @pytest.mark.parametrize(("count", "mode"), [(0, Mode.ONE), (1, Mode.TWO)])
    def test_is_not_made_for_too_few(self, count: int, mode: Mode) -> None:
        with pytest.raises(KeyHolderError, match="cannot be sealed"):
            vault(mode, count)

    def test_a_key_that_seals_for_everybody_is_refused(self) -> None:
        with pytest.raises(KeyHolderError, match="not a usable key"):
            Vault([Holder("zero", bytes(32))], "1", Mode.ONE)


class TestAtASite:
    def test_without_holders_there_is_no_vault_and_a_sentence(self, tmp_path: Path) -> None:
        sealing, why = open_vault(tmp_path / "keyholders", "1")
        assert sealing is None
        assert "no key-holder" in why
        assert "keyholder new" in why

    def test_with_holders_there_is(self, tmp_path: Path) -> None:
        add_holder(tmp_path / "keyholders", HOLDERS[0], Mode.TWO)
        assert open_vault(tmp_path / "keyholders", "1")[0] is None
        add_holder(tmp_path / "keyholders", HOLDERS[1], Mode.TWO)
        sealing, why = open_vault(tmp_path / "keyholders", "1")
        assert (sealing is not None, why) == (True, "")

    def test_ingest_seals_each_account_once(self) -> None:
        reading = room(vault())
        accounts = [
            e.account for e in events(reading, line(user="asmith"), line(user="EXAMPLE\\asmith"), line())
        ]
        sealed = reading.sealed()
        assert [record.pseudonym for record in sealed] == [accounts[0]]
        assert KEYS_OF[1].open(sealed[0]) == OpenedIdentity("asmith", "", False)
        events(reading, line(user="asmith"), line(user="-"), line(user="auto-192.0.2.1"))
        assert reading.sealed() == ()

    def test_a_refused_line_seals_nobody(self) -> None:
        reading = room(vault())
        reading.feed([line(user="ghost", when="[31/Feb/2025:12:00:00 +0000]"), b"ghost"], source="a")
        assert reading.sealed() == ()

    def test_without_a_vault_nothing_is_sealed(self) -> None:
        reading = room(None)
        events(reading, line())
        assert reading.sealed() == ()

    def test_events_are_the_same_with_and_without(self) -> None:
        assert events(room(vault()), line()) == events(room(None), line())

    def test_a_vault_of_another_epoch_is_refused(self) -> None:
        with pytest.raises(KeyHolderError, match="epoch"):
            room(vault(epoch="2"))

    def test_no_name_in_what_is_kept(self) -> None:
        reading = room(vault(Mode.TWO))
        events(reading, line(user="canaryjdoe@canary.example.org"))
        (record,) = reading.sealed()
        assert record.pseudonym == Pseudonyms(KEYS).user(Identity("canary.example.org", "canaryjdoe"))
        assert b"canary" not in encode(record)
        assert b"canary" not in b"".join(share.sealed for share in record.shares)
