"""Whose sealing it is: the ingest host's, nobody's, a changed one; pages and ingest room agree."""

from pathlib import Path

import msgspec
import pytest

from alerts_api.audit.seal_check import Seal, check_seal
from pseudonymiser import epochs
from pseudonymiser.canonical import Identity
from pseudonymiser.errors import KeyHolderError
from pseudonymiser.holder_key import HolderKey, OpenedIdentity
from pseudonymiser.keys import Keys
from pseudonymiser.seal_signing import SealSigner, check_signature
from pseudonymiser.vault import Vault
from service.records.identities import Mode, SealedIdentity, encode

KEYS = Keys(b"\x07" * 32)
HOLDERS = [HolderKey(bytes([n]) * 32, f"desk-{n}") for n in (1, 2)]
A, B = "u1_" + "a" * 24, "u1_" + "b" * 24


def sealed(pseudonym: str = A, keys: Keys | None = KEYS, mode: Mode = Mode.ONE) -> SealedIdentity:
    signer = SealSigner(keys) if keys else None
    vault = Vault([key.holder for key in HOLDERS], (keys or KEYS).epoch, mode, signer)
    return vault.seal(pseudonym, Identity("", "innocent.person"))


@pytest.fixture
def public(tmp_path: Path) -> Path:
    path = tmp_path / "seal.pub"
    SealSigner(KEYS).publish(path)
    return path


@pytest.mark.parametrize("mode", list(Mode))
def test_what_the_ingest_host_sealed_is_known_and_opens(public: Path, mode: Mode) -> None:
    record = sealed(mode=mode)
    assert check_signature(record, public)
    assert check_seal(encode(record), A, public) is Seal.GENUINE
    if mode is Mode.ONE:
        assert HOLDERS[0].open(record) == OpenedIdentity("innocent.person", "", False)


def test_a_forgery_with_the_holders_public_keys_alone_is_told(public: Path) -> None:
    """It opens without complaint: so the signature is what tells."""
    forged = sealed(keys=None)
    assert check_seal(encode(forged), A, public) is Seal.UNSIGNED
    assert not check_signature(forged, public)
    by_another = sealed(keys=Keys(b"\x08" * 32))
    assert check_seal(encode(by_another), A, public) is Seal.WRONG
    with pytest.raises(KeyHolderError, match="not sealed by the ingest host"):
        check_signature(by_another, public)


@pytest.mark.parametrize("field", ["pseudonym", "epoch", "ring", "mode", "shares", "signature"])
def test_a_signature_is_of_the_whole_record(public: Path, field: str) -> None:
    record, other = sealed(), sealed(B)
    changes = {"epoch": "2", "mode": Mode.TWO, "ring": "0" * 16, "shares": other.shares[:1]}
    changes |= {"pseudonym": B, "signature": other.signature}
    changed = msgspec.structs.replace(record, **{field: changes[field]})
    assert check_seal(encode(changed), changed.pseudonym, public) is Seal.WRONG
    with pytest.raises(KeyHolderError):
        check_signature(changed, public)


def test_another_account_s_whole_record_is_wrong_whoever_signed_it(public: Path) -> None:
    assert check_seal(encode(sealed(B)), A, public) is Seal.WRONG
    assert check_seal(encode(sealed(B, keys=None)), A, None) is Seal.WRONG
    assert check_seal(b"\xff", A, public) is Seal.WRONG


def test_without_the_public_keys_nothing_is_known(tmp_path: Path) -> None:
    assert check_seal(encode(sealed()), A, None) is Seal.UNCHECKED
    assert check_seal(encode(sealed()), A, tmp_path / "none") is Seal.UNCHECKED


def test_both_epochs_are_known_after_a_rotation(public: Path) -> None:
    young = epochs.rotated(KEYS, 1_795_500_000)
    for _ in range(2):
        SealSigner(young).publish(public)
    assert len(public.read_text().splitlines()) == 2
    new = sealed(f"u{young.epoch}_" + "a" * 24, keys=young)
    assert check_seal(encode(new), new.pseudonym, public) is Seal.GENUINE
    assert check_seal(encode(sealed()), A, public) is Seal.GENUINE


def test_a_host_that_signs_seals_anew_what_was_sealed_before() -> None:
    holders = [key.holder for key in HOLDERS]
    assert Vault(holders, "1", Mode.ONE).ring != Vault(holders, "1", Mode.ONE, SealSigner(KEYS)).ring


def test_a_signer_cannot_be_printed() -> None:
    assert "epoch" not in repr(SealSigner(KEYS))
    assert len(repr(SealSigner(KEYS))) < 20
