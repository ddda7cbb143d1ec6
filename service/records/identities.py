"""Who a pseudonym is, as records that other rooms may keep but not read.

``SealedIdentity`` is made in ``pseudonymiser.vault``: HPKE ciphertext for the key-holders, whose private keys
are on their own computers. ``Link`` tells that a pseudonym has a new name since the keys were rotated. All as
JSON (binary parts in base64), so that a browser and the program of ten years from now can read them.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Annotated

import msgspec

VERSION = 1
SEAL_FORMAT = "journalguard-seal-1"

Pseudonym = Annotated[str, msgspec.Meta(pattern=r"^u[0-9A-Za-z]{1,8}_[a-z2-7]{24}$")]
Epoch = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,8}$")]
HolderId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]  # see pseudonymiser.holders


class Mode(StrEnum):
    """How many key-holders it takes to name a reader."""

    ONE = "one"  # any one of them
    TWO = "two"  # any two of them, one after the other


class KeyShare(msgspec.Struct, frozen=True):
    """One way to open an identity."""

    holders: tuple[HolderId, ...]  # who must open, in this order: one id, or two
    sealed: bytes  # HPKE enc || ciphertext for the first of them


class SealedIdentity(
    msgspec.Struct, frozen=True, tag_field="kind", tag="sealed-identity", omit_defaults=True
):
    """The identity behind one pseudonym, sealed. A newer one of the same pseudonym replaces it."""

    v: int
    pseudonym: Pseudonym
    epoch: Epoch
    mode: Mode
    ring: str  # which holders and mode it was sealed for: changes when one comes or goes
    shares: tuple[KeyShare, ...]
    signature: bytes = b""  # Ed25519 of the ingest host over ``signed_text``; empty before it signed


class HalfOpened(msgspec.Struct, frozen=True, tag_field="kind", tag="half-opened"):
    """What the first of two key-holders hands on: still sealed, each share for one other holder."""

    v: int
    pseudonym: Pseudonym
    epoch: Epoch
    first: HolderId  # who has opened
    shares: tuple[KeyShare, ...]  # ``holders``: first and second; ``sealed`` for the second


class Link(msgspec.Struct, frozen=True):
    """An account seen for the first time since the key was rotated: what ``old`` had is ``new``'s."""

    old: str
    new: str


def signed_text(record: SealedIdentity) -> bytes:
    """What the ingest host signs: everything of the record, the ciphertexts by their SHA-256."""
    shares = (f"{'+'.join(share.holders)} {sha256(share.sealed).hexdigest()}" for share in record.shares)
    head = (SEAL_FORMAT, str(record.v), record.pseudonym, record.epoch, record.mode.value, record.ring)
    return "\n".join([*head, *shares]).encode()


def encode(record: SealedIdentity | HalfOpened) -> bytes:
    """As JSON, for the database, a message or a file."""
    return msgspec.json.encode(record)
