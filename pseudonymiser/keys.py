"""The root secret and the keys derived from it.

One file of 32 random bytes per site, ``pseudonyms.json`` (0600) in a directory of its own (0700). Each kind
of identifier has its own key, HKDF-Expand (RFC 5869, SHA-256) of the root under the label
``journalguard/pseudonym/v1/<domain>/<epoch>``; so tokens of two kinds can never be compared, and a new epoch
makes every token new. Whoever holds the file can test names against pseudonyms: it is the protection, not the
hash. Nothing here prints, pickles or logs a key.
"""

import os
import secrets
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from pseudonymiser.errors import KeyFileError

KEY_FILE = "pseudonyms.json"
ROOT_BYTES = 32
FIRST_EPOCH = "1"


class Domain(StrEnum):
    """Kinds of identifier, one key each."""

    USER = "user"
    IP = "ip"
    NET = "net"
    SESSION = "session"
    DOCUMENT = "document"
    JOURNAL = "journal"


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    epoch: str
    root: bytes  # base64 in the file

    def __repr__(self) -> str:
        return "_KeyFile(…)"


class Keys:
    """The root secret of one epoch. Cannot be printed, pickled or copied by accident."""

    __slots__ = ("_root", "epoch")

    def __init__(self, root: bytes, epoch: str = FIRST_EPOCH) -> None:
        if len(root) != ROOT_BYTES:
            raise KeyFileError(f"the root secret must have {ROOT_BYTES} bytes")
        if not (epoch.isascii() and epoch.isalnum() and len(epoch) <= 8):
            raise KeyFileError("the epoch must be 1 to 8 letters or digits")
        self._root = root
        self.epoch = epoch

    def subkey(self, domain: Domain) -> bytes:
        """The 32-byte key of one kind of identifier in this epoch."""
        label = f"journalguard/pseudonym/v1/{domain.value}/{self.epoch}"
        return HKDFExpand(algorithm=SHA256(), length=32, info=label.encode()).derive(self._root)

    def __repr__(self) -> str:
        return f"Keys(epoch={self.epoch!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled")


def create(directory: Path) -> Keys:
    """Make a root secret in ``directory``, which is made 0700 if it is not there.

    Raises:
        KeyFileError: there are keys already (a new root would make every account a stranger), the directory
            is open to others, or it cannot be written.
    """
    path = directory / KEY_FILE
    keys = Keys(secrets.token_bytes(ROOT_BYTES))
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_if_open(directory, "700")
        _write_new(path, msgspec.json.encode(_KeyFile(1, keys.epoch, keys._root)) + b"\n")
    except FileExistsError:
        raise KeyFileError(
            f"{path}: keys exist already; with new ones every account would be a stranger. "
            "Use them, or move the file away first"
        ) from None
    except OSError as error:
        raise KeyFileError(
            f"{path}: cannot be written ({error.strerror}); make the directory writable"
        ) from None
    return keys


def load(directory: Path) -> Keys:
    """Read the root secret from ``directory``.

    Raises:
        KeyFileError: missing, damaged, or readable by group or others.
    """
    path = directory / KEY_FILE
    try:
        _refuse_if_open(directory, "700")
        _refuse_if_open(path, "600")
        content = path.read_bytes()
    except FileNotFoundError:
        raise KeyFileError(f"{path}: no keys here; make them with `journalguard init`") from None
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read ({error.strerror}); check its owner") from None
    return _decode(path, content)


def _decode(path: Path, content: bytes) -> Keys:
    """``from None`` everywhere: a decoding error may quote the secret."""
    try:
        file = msgspec.json.decode(content, type=_KeyFile)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise KeyFileError(f"{path}: damaged, not a key file; restore it from your backup") from None
    if file.version != 1:
        raise KeyFileError(f"{path}: version {file.version} is not known; use the journalguard that wrote it")
    try:
        return Keys(file.root, file.epoch)
    except KeyFileError as error:
        raise KeyFileError(f"{path}: damaged, {error}; restore it from your backup") from None


def _refuse_if_open(path: Path, mode: str) -> None:
    if path.stat().st_mode & 0o077:
        raise KeyFileError(f"{path}: open to group or others; close it with `chmod {mode} {path}`")


def _write_new(path: Path, content: bytes) -> None:
    """Never through a readable moment: the file is born 0600 and flushed before it counts."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
