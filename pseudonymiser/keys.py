"""The root secret and the keys derived from it.

One file of 32 random bytes per site, ``pseudonyms.json`` (0600) in a directory of its own (0700). Each kind
of identifier has its own key, HKDF-Expand (RFC 5869, SHA-256) of the root under the label
``journalguard/pseudonym/v1/<domain>/<epoch>``; so tokens of two kinds can never be compared, and a new epoch
makes every token new. Whoever holds the file can test names against pseudonyms: it is the protection, not the
hash. Nothing here prints, pickles or logs a key.

A file of version 2 is one that was rotated (``epochs``): readers have a new root, the other kinds *keep* the
keys they had, derived already so that the old root can go, and the readers' *former* key links for a while.
"""

import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from pseudonymiser.errors import KeyFileError
from service.base.files import write_atomically, write_new

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


class SubKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The key of one kind of identifier, outliving its root. Cannot be printed or pickled by accident."""

    epoch: str
    key: bytes  # base64 in the file
    until: int = 0  # event time up to which a former key links, s UTC

    def __repr__(self) -> str:
        return f"SubKey(epoch={self.epoch!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled")


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    version: int
    epoch: str
    root: bytes  # base64 in the file
    kept: dict[Domain, SubKey] = {}
    former: SubKey | None = None

    def __repr__(self) -> str:
        return "_KeyFile(…)"


class Keys:
    """The root secret of one epoch, and what is left of others. Cannot be printed, pickled or copied.

    Args:
        root: 32 bytes.
        epoch: of the readers' pseudonyms, and of all kinds that are not in ``kept``.
        kept: kinds that still have the key of an earlier epoch; never the readers.
        former: the readers' key of the epoch before, while accounts are linked.

    Raises:
        KeyFileError: a part of the wrong size or shape.
    """

    __slots__ = ("_kept", "_root", "epoch", "former")

    def __init__(
        self,
        root: bytes,
        epoch: str = FIRST_EPOCH,
        *,
        kept: Mapping[Domain, SubKey] = MappingProxyType({}),
        former: SubKey | None = None,
    ) -> None:
        parts = [*kept.values(), *([former] if former else [])]
        if any(len(key) != ROOT_BYTES for key in (root, *(part.key for part in parts))):
            raise KeyFileError(f"the root secret must have {ROOT_BYTES} bytes")
        for name in (epoch, *(part.epoch for part in parts)):
            if not (name.isascii() and name.isalnum() and len(name) <= 8):
                raise KeyFileError("the epoch must be 1 to 8 letters or digits")
        if Domain.USER in kept:
            raise KeyFileError("the readers' key is never kept")
        self._root = root
        self._kept = dict(kept)
        self.epoch = epoch
        self.former = former

    def settled(self) -> "Keys":
        """The same keys without the former one: nobody can be linked from then on."""
        return Keys(self._root, self.epoch, kept=self._kept)

    def epoch_of(self, domain: Domain) -> str:
        """The epoch that a kind's tokens name."""
        return self._kept[domain].epoch if domain in self._kept else self.epoch

    def subkey(self, domain: Domain) -> bytes:
        """The 32-byte key of one kind of identifier."""
        if domain in self._kept:
            return self._kept[domain].key
        label = f"journalguard/pseudonym/v1/{domain.value}/{self.epoch}"
        return HKDFExpand(algorithm=SHA256(), length=32, info=label.encode()).derive(self._root)

    def seal_seed(self) -> bytes:
        """What the key that signs sealed identities is made of; new with each epoch."""
        label = f"journalguard/seal/v1/{self.epoch}"
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
        write_new(path, _encode(keys))
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


def replace(directory: Path, keys: Keys) -> None:
    """Put ``keys`` in place of those in ``directory``, wholly or not at all.

    What was there is gone for the program; a copy in a backup or on a worn disk is not.

    Raises:
        KeyFileError: the directory is open to others, or cannot be written.
    """
    path = directory / KEY_FILE
    try:
        _refuse_if_open(directory, "700")
        write_atomically(path, _encode(keys))
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written ({error.strerror}); nothing was changed") from None


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
    if file.version not in (1, 2):
        raise KeyFileError(f"{path}: version {file.version} is not known; use the journalguard that wrote it")
    try:
        return Keys(file.root, file.epoch, kept=file.kept, former=file.former)
    except KeyFileError as error:
        raise KeyFileError(f"{path}: damaged, {error}; restore it from your backup") from None


def _encode(keys: Keys) -> bytes:
    """Version 1 as long as it can say everything."""
    version = 2 if keys._kept or keys.former else 1  # noqa: SLF001 - of this module
    file = _KeyFile(version, keys.epoch, keys._root, keys._kept, keys.former)  # noqa: SLF001 - of this module
    return msgspec.json.encode(file) + b"\n"


def _refuse_if_open(path: Path, mode: str) -> None:
    if path.stat().st_mode & 0o077:
        raise KeyFileError(f"{path}: open to group or others; close it with `chmod {mode} {path}`")
