"""The holder's files, paper and key: what fits opens, everything else says what to do and nothing more."""

import copy
import json
import pickle
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudonymiser import holder_key, mnemonic, wrapping
from pseudonymiser.errors import KeyHolderError
from pseudonymiser.holder_key import HolderKey, OpenedIdentity
from pseudonymiser.holders import (
    FORMER,
    Holder,
    Keyring,
    add_holder,
    check_keyring,
    load_keyring,
    parse_holder,
    read_holder,
    retire_holder,
)
from pseudonymiser.wrapping import Cost, decode, read_wrapped, write_wrapped
from service.records.identities import HalfOpened, Mode, SealedIdentity

GOLDEN = Path(__file__).parent / "golden"
PASSPHRASE = "an invented passphrase"
CHEAP = Cost(kib=64, iterations=1, lanes=1)
KEY = HolderKey(bytes(range(32)), "desk-1")
SECOND = HolderKey(bytes(range(32, 64)), "desk-2")


class TestFilesOfVersion1:
    """Written by the first release; every later one must read them."""

    @pytest.fixture
    def key(self, tmp_path: Path) -> HolderKey:
        path = tmp_path / "desk-1.key"
        path.write_bytes((GOLDEN / "desk-1.v1.key").read_bytes())
        path.chmod(0o600)
        return HolderKey.unwrapped(read_wrapped(path), PASSPHRASE)

    def test_the_key_opens_what_was_sealed(self, key: HolderKey) -> None:
        record = holder_key.decode((GOLDEN / "one.v1.json").read_bytes(), "one.v1.json")
        assert key.open(record) == OpenedIdentity("jdoe", "crick.example.org", False)

    def test_two_holders_open_what_was_sealed(self, key: HolderKey) -> None:
        record = holder_key.decode((GOLDEN / "two.v1.json").read_bytes(), "two.v1.json")
        half = key.open(record)
        assert isinstance(half, HalfOpened)
        assert SECOND.open(half) == OpenedIdentity("jdoe", "", False)

    def test_the_public_file(self) -> None:
        assert read_holder(GOLDEN / "desk-1.v1.pub") == KEY.holder

    def test_its_cost_is_what_was_promised(self) -> None:
        cost = json.loads((GOLDEN / "desk-1.v1.key").read_bytes())["cost"]
        assert cost == {"kib": 65_536, "iterations": 3, "lanes": 4}
        assert cost == msgspec.to_builtins(Cost())


class TestWrapping:
    def test_comes_back(self, tmp_path: Path) -> None:
        path = tmp_path / "desk-1.key"
        write_wrapped(path, KEY.wrapped(PASSPHRASE, CHEAP))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert HolderKey.unwrapped(read_wrapped(path), PASSPHRASE).holder == KEY.holder
        assert bytes(range(32)).hex() not in path.read_text()

    def test_letters_composed_otherwise_are_the_same_passphrase(self) -> None:
        wrapped = KEY.wrapped("caf\u00e9 caf\u00e9 caf\u00e9", CHEAP)
        assert HolderKey.unwrapped(wrapped, "cafe\u0301 cafe\u0301 cafe\u0301").holder == KEY.holder

    @pytest.mark.parametrize(
        "passphrase", ["", "an invented passphras", "An invented passphrase", "x" * 10_000]
    )
    def test_a_wrong_passphrase_is_refused_with_one_message(self, passphrase: str) -> None:
        assert self._refusal(KEY.wrapped(PASSPHRASE, CHEAP), passphrase) == wrapping.WRONG

    @pytest.mark.parametrize(
        "fields",
        [
            {"label": "desk-2"},
            {"public": SECOND.holder.public},
            {"cost": Cost(kib=128, iterations=1, lanes=1)},
            {"salt": bytes(16)},
            {"nonce": bytes(12)},
            {"sealed": bytes(48)},
        ],
    )
    def test_any_changed_part_is_refused_with_the_same(self, fields: dict[str, object]) -> None:
        wrapped = msgspec.structs.replace(KEY.wrapped(PASSPHRASE, CHEAP), **fields)
        assert self._refusal(wrapped, PASSPHRASE) == wrapping.WRONG

    @staticmethod
    def _refusal(wrapped: wrapping.Wrapped, passphrase: str) -> str:
        with pytest.raises(KeyHolderError) as refusal:
            HolderKey.unwrapped(wrapped, passphrase)
        assert refusal.value.__cause__ is None
        return str(refusal.value)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda fields: fields.update(version=2), "version 2 is not known"),
            (lambda fields: fields.update(format="other"), "no holder's key"),
            (lambda fields: fields.pop("salt"), "damaged"),
            (lambda fields: fields.update(salt="c2hvcnQ="), "damaged"),
            (lambda fields: fields.update(more=1), "damaged"),
            (lambda fields: fields["cost"].update(kib=2**30), "damaged"),
            (lambda fields: fields["cost"].update(iterations=0), "damaged"),
        ],
    )
    def test_a_damaged_file_says_what_to_do(self, change: object, message: str) -> None:
        fields = json.loads(msgspec.json.encode(KEY.wrapped(PASSPHRASE, CHEAP)))
        assert callable(change)
        change(fields)
        with pytest.raises(KeyHolderError, match=message):
            decode(json.dumps(fields).encode(), "desk-1.key")

    @given(st.binary(max_size=200))
    def test_rubbish_is_refused(self, content: bytes) -> None:
        with pytest.raises(KeyHolderError, match="damaged"):
            decode(content, "desk-1.key")

    def test_a_key_is_never_overwritten(self, tmp_path: Path) -> None:
        write_wrapped(tmp_path / "a.key", KEY.wrapped(PASSPHRASE, CHEAP))
        before = (tmp_path / "a.key").read_bytes()
        with pytest.raises(KeyHolderError, match="never overwritten"):
            write_wrapped(tmp_path / "a.key", SECOND.wrapped(PASSPHRASE, CHEAP))
        assert (tmp_path / "a.key").read_bytes() == before

    def test_open_to_others_it_is_refused(self, tmp_path: Path) -> None:
        write_wrapped(tmp_path / "a.key", KEY.wrapped(PASSPHRASE, CHEAP))
        (tmp_path / "a.key").chmod(0o640)
        with pytest.raises(KeyHolderError, match="chmod 600"):
            read_wrapped(tmp_path / "a.key")

    def test_a_short_passphrase_is_refused(self) -> None:
        with pytest.raises(KeyHolderError, match="at least 15"):
            wrapping.check_passphrase("fourteen chars")
        wrapping.check_passphrase("fifteen letters")


class TestPaper:
    def test_published_vectors(self) -> None:
        """BIP-39's test vectors of 256 bits."""
        assert mnemonic.secret_words(bytes(32)) == ["abandon"] * 23 + ["art"]
        assert mnemonic.secret_words(b"\xff" * 32) == ["zoo"] * 23 + ["vote"]
        assert mnemonic.secret_words(b"\x80" * 32)[-1] == "bless"
        assert " ".join(mnemonic.secret_words(b"\x7f" * 32)).endswith("title")

    @given(st.binary(min_size=32, max_size=32))
    def test_comes_back(self, secret: bytes) -> None:
        written = mnemonic.secret_words(secret)
        assert mnemonic.secret_of(" ".join(written)) == secret
        assert mnemonic.secret_of("\n".join(word[:4].upper() for word in written)) == secret

    @given(st.binary(min_size=32, max_size=32), st.integers(0, 23))
    def test_a_wrong_word_never_gives_the_key(self, secret: bytes, place: int) -> None:
        written = mnemonic.secret_words(secret)
        written[place] = "zoo" if written[place] != "zoo" else "abandon"
        try:
            assert mnemonic.secret_of(" ".join(written)) != secret
        except KeyHolderError as error:
            assert "do not fit together" in str(error)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "0 words"),
            ("abandon " * 23, "23 words"),
            ("abandon " * 5 + "abandonned " + "abandon " * 18, "word 6 is not on the list"),
            ("abandon " * 24, "do not fit together"),
        ],
    )
    def test_what_is_wrong_is_said_without_the_words(self, text: str, message: str) -> None:
        with pytest.raises(KeyHolderError, match=message) as refusal:
            mnemonic.secret_of(text)
        assert "abandon" not in str(refusal.value)

    def test_restores_the_key(self) -> None:
        assert HolderKey.from_words(" ".join(KEY.words()), "desk-1").holder == KEY.holder


class TestHolderKey:
    def test_does_not_show_itself(self) -> None:
        assert bytes(range(32)).hex() not in repr(KEY) + str(KEY)
        for leak in (pickle.dumps, copy.copy):
            with pytest.raises(TypeError):
                leak(KEY)

    def test_two_new_ones_differ(self) -> None:
        assert HolderKey.new("desk").holder.id != HolderKey.new("desk").holder.id

    @given(st.binary(max_size=300))
    def test_rubbish_is_no_released_identity(self, content: bytes) -> None:
        with pytest.raises(KeyHolderError, match="not a sealed identity"):
            holder_key.decode(content, "released.json")

    def test_a_later_version_is_not_guessed(self) -> None:
        fields = json.loads((GOLDEN / "one.v1.json").read_bytes())
        with pytest.raises(KeyHolderError, match="version 2"):
            holder_key.decode(json.dumps({**fields, "v": 2}).encode(), "released.json")

    def test_a_name_with_separators_is_no_pseudonym(self) -> None:
        fields = json.loads((GOLDEN / "one.v1.json").read_bytes())
        with pytest.raises(KeyHolderError, match="not a sealed identity"):
            holder_key.decode(json.dumps({**fields, "pseudonym": "u1_x|y"}).encode(), "released.json")
        assert isinstance(holder_key.decode(json.dumps(fields).encode(), "released.json"), SealedIdentity)


class TestPublicFiles:
    def test_a_ring_of_holders(self, tmp_path: Path) -> None:
        add_holder(tmp_path / "k", KEY.holder, Mode.ONE)
        add_holder(tmp_path / "k", SECOND.holder, Mode.TWO)
        assert load_keyring(tmp_path / "k") == Keyring((KEY.holder, SECOND.holder), Mode.TWO)
        kept = retire_holder(tmp_path / "k", "desk-2")
        assert kept.parent.name == FORMER
        ring = load_keyring(tmp_path / "k")
        assert (ring.holders, "two key-holders are needed" in ring.lacking) == ((KEY.holder,), True)

    def test_the_same_label_again_replaces(self, tmp_path: Path) -> None:
        young = HolderKey.new("desk-1").holder
        for holder in (KEY.holder, young):
            add_holder(tmp_path, holder, Mode.ONE)
        assert load_keyring(tmp_path).holders == (young,)
        assert len(list((tmp_path / FORMER).iterdir())) == 1

    def test_ended_half_way_it_takes_no_fewer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        add_holder(tmp_path, KEY.holder, Mode.ONE)
        replace = Path.replace

        def crash(path: Path, target: Path) -> Path:
            if target.name == "desk-2.pub":
                raise KeyboardInterrupt
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            add_holder(tmp_path, SECOND.holder, Mode.TWO)
        assert load_keyring(tmp_path) == Keyring((KEY.holder,), Mode.TWO)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("desk-1", "../desk", "label"),
            ("holder-1", "holder-2", "not a key-holder's public file"),
            ("8f40", "9f40", "words do not belong to its key"),
            ("\n", "\nmore\n", "not a key-holder's public file"),
        ],
    )
    def test_a_changed_file_is_refused(self, old: str, new: str, message: str) -> None:
        assert old in KEY.holder.line()
        with pytest.raises(KeyHolderError, match=message):
            parse_holder(KEY.holder.line().replace(old, new, 1), "desk-1.pub")

    @given(st.text())
    def test_rubbish_is_refused(self, text: str) -> None:
        with pytest.raises(KeyHolderError):
            parse_holder(text, "desk-1.pub")

    def test_a_folder_that_others_can_write_to_is_refused(self, tmp_path: Path) -> None:
        add_holder(tmp_path / "k", KEY.holder, Mode.ONE)
        (tmp_path / "k").chmod(0o770)
        with pytest.raises(KeyHolderError, match="chmod go-w"):
            load_keyring(tmp_path / "k")

    @pytest.mark.parametrize(("mode", "count"), [(Mode.ONE, 13), (Mode.TWO, 6)])
    def test_too_many_are_refused(self, mode: Mode, count: int) -> None:
        many = tuple(HolderKey(bytes([n]) * 32, f"desk-{n}").holder for n in range(1, count + 1))
        with pytest.raises(KeyHolderError, match="at most"):
            check_keyring(Keyring(many, mode))

    def test_one_key_under_two_labels_is_refused(self) -> None:
        twice = (KEY.holder, Holder("desk-2", KEY.holder.public))
        with pytest.raises(KeyHolderError, match="two people"):
            check_keyring(Keyring(twice, Mode.TWO))
