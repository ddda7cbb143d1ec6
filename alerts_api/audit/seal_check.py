"""Whether a sealed identity is by the site's ingest host, from its public keys in ``SITE/seal.pub``.

The same check as in the ingest room, which the pages do not know; a test holds the two together.
"""

import re
from enum import StrEnum
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from service.records.identities import SEAL_FORMAT, SealedIdentity, signed_text

_LINE = re.compile(rf"{SEAL_FORMAT} ([0-9A-Za-z]{{1,8}}) ([0-9a-f]{{64}})")


class Seal(StrEnum):
    """What is known of who sealed it."""

    GENUINE = "seal-genuine"
    UNSIGNED = "seal-unsigned"  # before the ingest host signed, or by somebody else
    UNCHECKED = "seal-unchecked"  # there is no file of public keys here
    WRONG = "seal-wrong"


def check_seal(sealed: bytes, account: str, keys: Path | None) -> Seal:
    """``WRONG`` also for what is no sealed identity, or another account's."""
    try:
        record = msgspec.json.decode(sealed, type=SealedIdentity)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Seal.WRONG
    if record.pseudonym != account:
        return Seal.WRONG
    found = _public(keys)
    if not found:
        return Seal.UNCHECKED
    return _checked(record, found)


def _checked(record: SealedIdentity, found: dict[str, str]) -> Seal:
    if not record.signature:
        return Seal.UNSIGNED
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found[record.epoch]))
        public.verify(record.signature, signed_text(record))
    except (KeyError, InvalidSignature):
        return Seal.WRONG
    return Seal.GENUINE


def _public(keys: Path | None) -> dict[str, str]:
    try:
        return dict(_LINE.findall(keys.read_text("ascii", "replace"))) if keys else {}
    except OSError:
        return {}
