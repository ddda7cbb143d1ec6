"""Sealed identities signed by the ingest host: what it has not sealed itself is told from what it has.

Anybody can seal for a public key, so whoever can write the database could put a name of their choice under
a pseudonym. So the ingest host signs each sealed identity (Ed25519), with a key derived from its root, label
``journalguard/seal/v1/<epoch>``. The public halves lie in ``SITE/seal.pub``, one line an epoch, for the pages
and the key-holders::

    journalguard-seal-1 <epoch> <public key, 64 hex digits>
"""

import re
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pseudonymiser.errors import KeyHolderError
from pseudonymiser.keys import Keys
from service.records.identities import SEAL_FORMAT, SealedIdentity, signed_text

_LINE = re.compile(rf"{SEAL_FORMAT} ([0-9A-Za-z]{{1,8}}) ([0-9a-f]{{64}})")


class SealSigner:
    """Of one epoch."""

    __slots__ = ("_private", "epoch", "public")

    def __init__(self, keys: Keys) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(keys.seal_seed())
        self.epoch = keys.epoch
        self.public = self._private.public_key().public_bytes_raw()

    def sign(self, record: SealedIdentity) -> SealedIdentity:
        return msgspec.structs.replace(record, signature=self._private.sign(signed_text(record)))

    def publish(self, path: Path) -> None:
        """Add this epoch's line to the file of public keys. Raises ``OSError``."""
        line = f"{SEAL_FORMAT} {self.epoch} {self.public.hex()}"
        lines = path.read_text("ascii").splitlines() if path.exists() else []
        if line not in lines:
            kept = [each for each in lines if each.split()[1:2] != [self.epoch]]
            path.write_text("\n".join([*kept, line]) + "\n", encoding="ascii")

    def __repr__(self) -> str:
        return f"SealSigner({self.epoch!r})"


def check_signature(record: SealedIdentity, path: Path) -> bool:
    """Whether the ingest host of this file of public keys sealed it; ``False`` for one that nobody signed.

    Raises:
        KeyHolderError: signed, and not by a key of the file.
    """
    if not record.signature:
        return False
    found = dict(_LINE.findall(path.read_text("ascii", "replace")))
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found[record.epoch]))
        public.verify(record.signature, signed_text(record))
    except (KeyError, InvalidSignature):
        raise KeyHolderError(
            f"{record.pseudonym}: not sealed by the ingest host of {path}: somebody put it there; nothing "
            "was opened. Tell the data protection officer"
        ) from None
    return True
