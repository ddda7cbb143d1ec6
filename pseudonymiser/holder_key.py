"""The private side of a key-holder, on the holder's own computer: it alone can open what the vault sealed.

Python cannot wipe memory; so a process opens one identity, shows it and ends.
"""

from typing import NoReturn

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pseudonymiser import mnemonic, wrapping
from pseudonymiser.errors import KeyHolderError
from pseudonymiser.holders import Holder, check_label
from pseudonymiser.vault import INNER, OUTER, info, nest, suite
from pseudonymiser.wrapping import Cost, Wrapped
from service.records.identities import VERSION, HalfOpened, KeyShare, Mode, SealedIdentity


class OpenedIdentity(msgspec.Struct, frozen=True):
    """A reader's name, for the screen and nothing else. Does not print itself."""

    user: str
    realm: str  # empty at home
    cut: bool  # the name was longer than what is kept

    def __repr__(self) -> str:
        return "OpenedIdentity(…)"


class HolderKey:
    """A private key that is open. Cannot be printed, pickled or copied by accident."""

    __slots__ = ("_private", "_suite", "holder")

    def __init__(self, secret: bytes, label: str) -> None:
        self._private = X25519PrivateKey.from_private_bytes(secret)
        self._suite = suite()
        self.holder = Holder(check_label(label), self._private.public_key().public_bytes_raw())

    @classmethod
    def new(cls, label: str) -> "HolderKey":
        """From the system's random numbers."""
        return cls(X25519PrivateKey.generate().private_bytes_raw(), label)

    @classmethod
    def from_words(cls, text: str, label: str) -> "HolderKey":
        """From the paper. Raises KeyHolderError."""
        return cls(mnemonic.secret_of(text), label)

    @classmethod
    def unwrapped(cls, wrapped: Wrapped, passphrase: str) -> "HolderKey":
        """From the file. Raises KeyHolderError with the same message, whatever does not fit."""
        key = cls(wrapping.unwrap(wrapped, passphrase), wrapped.label)
        if key.holder.public != wrapped.public:
            raise KeyHolderError(wrapping.WRONG)
        return key

    def wrapped(self, passphrase: str, cost: Cost) -> Wrapped:
        """For the file."""
        secret = self._private.private_bytes_raw()
        return wrapping.wrap(
            secret, passphrase, label=self.holder.label, public=self.holder.public, cost=cost
        )

    def words(self) -> list[str]:
        """For the paper."""
        return mnemonic.secret_words(self._private.private_bytes_raw())

    def open(self, record: SealedIdentity | HalfOpened) -> OpenedIdentity | HalfOpened:
        """The name; or, as the first of two, what the second opens. Raises KeyHolderError."""
        if isinstance(record, HalfOpened):
            return self._second(record)
        return self._first(record) if record.mode is Mode.TWO else self._alone(record)

    def _alone(self, record: SealedIdentity) -> OpenedIdentity:
        mine = self.holder.id
        for share in record.shares:
            if share.holders == (mine,):
                return _read(self._open(share, record, mine))
        raise self._not_mine(record)

    def _first(self, record: SealedIdentity) -> HalfOpened:
        mine = self.holder.id
        halves = tuple(
            KeyShare(share.holders, self._open(share, record, nest(*share.holders, OUTER)))
            for share in record.shares
            if len(share.holders) == 2 and share.holders[0] == mine
        )
        if not halves:
            raise self._not_mine(record)
        return HalfOpened(VERSION, record.pseudonym, record.epoch, mine, halves)

    def _second(self, record: HalfOpened) -> OpenedIdentity:
        mine = self.holder.id
        if record.first == mine:
            raise KeyHolderError("you have opened this one already; the second must be another key-holder")
        for share in record.shares:
            if share.holders == (record.first, mine):
                return _read(self._open(share, record, nest(record.first, mine, INNER)))
        raise self._not_mine(record)

    def _open(self, share: KeyShare, record: SealedIdentity | HalfOpened, slot: str) -> bytes:
        bound = info(record.epoch, record.pseudonym, slot)
        try:
            return self._suite.decrypt(share.sealed, self._private, info=bound)
        except (InvalidTag, ValueError):
            raise KeyHolderError(
                f"{record.pseudonym}: does not open: changed, or sealed for another pseudonym or epoch"
            ) from None

    def _not_mine(self, record: SealedIdentity | HalfOpened) -> KeyHolderError:
        return KeyHolderError(
            f"{record.pseudonym}: not sealed for this key ({self.holder.label}, {self.holder.id}); "
            "it may be for one that you had before, or for other key-holders"
        )

    def __repr__(self) -> str:
        return f"HolderKey({self.holder.label!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled")


def decode(content: bytes, where: str) -> SealedIdentity | HalfOpened:
    """A released blob; ``where`` names it in errors. Raises KeyHolderError."""
    try:
        record = msgspec.json.decode(content, type=SealedIdentity | HalfOpened)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise KeyHolderError(f"{where}: not a sealed identity, or damaged; have it released again") from None
    if record.v != VERSION:
        raise KeyHolderError(f"{where}: version {record.v} is not known; use a newer journalguard")
    return record


def _read(plain: bytes) -> OpenedIdentity:
    try:
        return msgspec.json.decode(plain, type=OpenedIdentity)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise KeyHolderError("opened, but it holds no name; tell the administrator") from None
