"""Identities sealed for the key-holders, on the way in only: nothing here can open them.

At the first sight of a pseudonym in an epoch, {user, realm} is sealed with HPKE (RFC 9180, base mode,
DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM: what WebCrypto can do too). The plaintext is JSON,
filled with blanks to 256 bytes, so that ciphertexts of all names are equally long. The ``info`` of each
sealing is

    journalguard-vault|v1|<epoch>|<pseudonym>|<slot>

with slot ``<holder>`` where one holder suffices. Where it takes two, each ordered pair has a nest: sealed to
the second with slot ``<first>+<second>|inner``, and that to the first with ``<first>+<second>|outer``; so
either may begin, and one of them alone gets nothing. A ciphertext moved to another pseudonym, epoch or slot
does not open.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from itertools import permutations
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from pseudonymiser.canonical import Identity
from pseudonymiser.errors import KeyHolderError
from pseudonymiser.holders import Holder, Keyring, check_keyring, load_keyring, ring_of
from pseudonymiser.seal_signing import SealSigner
from service.records.identities import VERSION, KeyShare, Mode, SealedIdentity

BUCKET = 256  # bytes of every plaintext
REMEMBERED = 200_000  # pseudonyms known to be sealed, times two
INNER, OUTER = "inner", "outer"

_LONGEST_USER, _LONGEST_REALM = 150, 60  # bytes of JSON that are kept where both do not fit


class Vault:
    """Seals each pseudonym once, as far as a bounded memory goes; a second time does no harm.

    Raises:
        KeyHolderError: not enough holders for the mode, or too many.
    """

    def __init__(
        self, holders: Sequence[Holder], epoch: str, mode: Mode, signer: SealSigner | None = None
    ) -> None:
        if lacking := check_keyring(Keyring(tuple(holders), mode)).lacking:
            raise KeyHolderError(f"identities cannot be sealed: {lacking}")
        self.epoch = epoch
        self.ring = ring_of(holders, mode, signer.public if signer else b"")
        self._signer = signer
        self._mode = mode
        self._suite = suite()
        self._publics = {h.id: X25519PublicKey.from_public_bytes(h.public) for h in holders}
        self._known: set[str] = set()
        self._older: set[str] = set()
        self._sealed: list[SealedIdentity] = []
        for holder in holders:
            self._try(holder)

    def remember(self, pseudonyms: Iterable[str]) -> None:
        """These are in the store, sealed for this ``ring``."""
        for pseudonym in pseudonyms:
            self._note(pseudonym)

    def see(self, pseudonym: str, identity: Identity) -> None:
        """Seals the identity if the pseudonym was not seen before."""
        if pseudonym in self._known:
            return
        if pseudonym not in self._older:
            self._sealed.append(self.seal(pseudonym, identity))
        self._note(pseudonym)

    def forget(self, pseudonyms: Collection[str]) -> None:
        """They are sealed again when they are seen again."""
        self._known.difference_update(pseudonyms)
        self._older.difference_update(pseudonyms)
        self._sealed = [sealed for sealed in self._sealed if sealed.pseudonym not in pseudonyms]

    def take(self) -> tuple[SealedIdentity, ...]:
        """What was sealed since the last call."""
        sealed = tuple(self._sealed)
        self._sealed.clear()
        return sealed

    def seal(self, pseudonym: str, identity: Identity) -> SealedIdentity:
        """The identity for these holders; another ciphertext each time."""
        plain = pad(identity)
        shares = self._nested(pseudonym, plain) if self._mode is Mode.TWO else self._plain(pseudonym, plain)
        sealed = SealedIdentity(VERSION, pseudonym, self.epoch, self._mode, self.ring, tuple(shares))
        return self._signer.sign(sealed) if self._signer else sealed

    def _plain(self, pseudonym: str, plain: bytes) -> Iterable[KeyShare]:
        for holder in self._publics:
            yield KeyShare((holder,), self._seal(plain, holder, pseudonym, holder))

    def _nested(self, pseudonym: str, plain: bytes) -> Iterable[KeyShare]:
        for first, second in permutations(self._publics, 2):
            inner = self._seal(plain, second, pseudonym, nest(first, second, INNER))
            outer = self._seal(inner, first, pseudonym, nest(first, second, OUTER))
            yield KeyShare((first, second), outer)

    def _seal(self, plain: bytes, holder: str, pseudonym: str, slot: str) -> bytes:
        return self._suite.encrypt(plain, self._publics[holder], info=info(self.epoch, pseudonym, slot))

    def _try(self, holder: Holder) -> None:
        """A key of a few known points seals for nobody; RFC 9180, section 7.1.4 has it refused."""
        try:
            self._seal(b"", holder.id, "", "")
        except ValueError:
            raise KeyHolderError(f"{holder.label}: not a usable key; ask the holder for a new one") from None

    def _note(self, pseudonym: str) -> None:
        if len(self._known) >= REMEMBERED:
            self._older, self._known = self._known, set()
        self._known.add(pseudonym)


def open_vault(folder: Path, epoch: str, signer: SealSigner | None = None) -> tuple[Vault | None, str]:
    """The vault for the holders in ``folder``; or none, and a sentence that says why.

    Raises:
        KeyHolderError: a holder's file is damaged, or can be written by others.
    """
    keyring = load_keyring(folder)
    if keyring.lacking:
        mend = "`journalguard keyholder new --help` tells how to make one"
        return None, f"identities are not sealed, so nobody can ever be named: {keyring.lacking}; {mend}"
    return Vault(keyring.holders, epoch, keyring.mode, signer), ""


def suite() -> Suite:
    """The one set of algorithms of version 1."""
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def info(epoch: str, pseudonym: str, slot: str) -> bytes:
    """What a sealing is bound to."""
    return f"journalguard-vault|v1|{epoch}|{pseudonym}|{slot}".encode()


def nest(first: str, second: str, layer: str) -> str:
    """The slot of one layer of a pair's nest."""
    return f"{first}+{second}|{layer}"


def pad(identity: Identity) -> bytes:
    """``{"user":…,"realm":…,"cut":…}`` and blanks, 256 bytes. What does not fit is cut, and says so."""
    plain = _plaintext(identity, cut=False)
    if len(plain) > BUCKET:
        short = Identity(_head(identity.realm, _LONGEST_REALM), _head(identity.local, _LONGEST_USER))
        plain = _plaintext(short, cut=True)
    return plain.ljust(BUCKET)


def _plaintext(identity: Identity, *, cut: bool) -> bytes:
    return msgspec.json.encode({"user": identity.local, "realm": identity.realm, "cut": cut})


def _head(text: str, space: int) -> str:
    """The longest beginning that takes at most ``space`` bytes of JSON, without its quotes."""
    ends = range(1, len(text) + 1)
    fit = bisect_right(ends, space + 2, key=lambda end: len(msgspec.json.encode(text[:end])))
    return text[:fit]
