"""A holder's private key under a passphrase, as a file.

Version 1 is JSON: the 32 bytes under AES-256-GCM with a key that Argon2id (RFC 9106) makes of the passphrase
(NFC, UTF-8). The parameters stand in the file, so they can grow without a new version, and are bound with
label and public key as additional data::

    journalguard-holder-key|1|<label>|<public>|argon2id|<KiB>|<iterations>|<lanes>|<salt>|<nonce>

with binary parts in hex. PKCS#8 is no choice: its usual encryption takes 2,048 iterations of PBKDF2.
"""

import secrets
import unicodedata
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from pseudonymiser.errors import KeyHolderError
from service.base.files import write_new

VERSION = 1
SHORTEST = 15  # characters of a new passphrase
WRONG = "the passphrase is wrong, or the file was changed"

_FORMAT: Final = "journalguard-holder-key"

_Bytes16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
_Bytes12 = Annotated[bytes, msgspec.Meta(min_length=12, max_length=12)]
_Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Bytes48 = Annotated[bytes, msgspec.Meta(min_length=48, max_length=48)]


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of Argon2id. The limits keep a changed file from taking the machine's memory."""

    kib: Annotated[int, msgspec.Meta(ge=64, le=2**21)] = 65_536
    iterations: Annotated[int, msgspec.Meta(ge=1, le=64)] = 3
    lanes: Annotated[int, msgspec.Meta(ge=1, le=8)] = 4


class Wrapped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of the file."""

    format: Literal["journalguard-holder-key"]
    version: int
    label: str
    public: _Bytes32
    kdf: Literal["argon2id"]
    cost: Cost
    salt: _Bytes16
    nonce: _Bytes12
    sealed: _Bytes48

    def bound(self) -> bytes:
        """The additional data of the encryption."""
        cost = self.cost
        parts = (
            *(self.format, self.version, self.label, self.public.hex(), self.kdf),
            *(cost.kib, cost.iterations, cost.lanes, self.salt.hex(), self.nonce.hex()),
        )
        return "|".join(str(part) for part in parts).encode()


class _Versioned(msgspec.Struct, frozen=True):
    format: str
    version: int


def wrap(secret: bytes, passphrase: str, *, label: str, public: bytes, cost: Cost) -> Wrapped:
    """The 32 bytes under a passphrase."""
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    empty = Wrapped(_FORMAT, VERSION, label, public, "argon2id", cost, salt, nonce, bytes(48))
    sealed = AESGCM(_key(empty, passphrase)).encrypt(nonce, secret, empty.bound())
    return msgspec.structs.replace(empty, sealed=sealed)


def unwrap(wrapped: Wrapped, passphrase: str) -> bytes:
    """The 32 bytes. Raises KeyHolderError with one message, whatever does not fit."""
    try:
        return AESGCM(_key(wrapped, passphrase)).decrypt(wrapped.nonce, wrapped.sealed, wrapped.bound())
    except InvalidTag:
        raise KeyHolderError(WRONG) from None


def check_passphrase(passphrase: str) -> None:
    """Raises KeyHolderError for one that is too short."""
    if len(passphrase) < SHORTEST:
        raise KeyHolderError(f"the passphrase must have at least {SHORTEST} characters; four words will do")


def read_wrapped(path: Path) -> Wrapped:
    """Raises KeyHolderError: missing, damaged, of a later version, or readable by others."""
    try:
        if path.stat().st_mode & 0o077:
            raise KeyHolderError(f"{path}: open to group or others; close it with `chmod 600 {path}`")
        content = path.read_bytes()
    except OSError as error:
        raise KeyHolderError(f"{path}: cannot be read ({error.strerror})") from None
    return decode(content, str(path))


def decode(content: bytes, where: str) -> Wrapped:
    """``where`` names the file in errors. Raises KeyHolderError."""
    damaged = KeyHolderError(f"{where}: no holder's key, or damaged; make it anew from the paper: `restore`")
    try:
        version = msgspec.json.decode(content, type=_Versioned)
        if version.format != _FORMAT:
            raise damaged
        if version.version != VERSION:
            raise KeyHolderError(
                f"{where}: version {version.version} is not known; use the journalguard that wrote it"
            )
        return msgspec.json.decode(content, type=Wrapped)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise damaged from None


def write_wrapped(path: Path, wrapped: Wrapped) -> None:
    """A new file, 0600 from birth. Raises KeyHolderError where there is one, or it cannot be written."""
    try:
        write_new(path, msgspec.json.format(msgspec.json.encode(wrapped), indent=2) + b"\n")
    except FileExistsError:
        raise KeyHolderError(f"{path}: exists already; a key is never overwritten") from None
    except OSError as error:
        raise KeyHolderError(f"{path}: cannot be written ({error.strerror})") from None


def _key(wrapped: Wrapped, passphrase: str) -> bytes:
    cost = wrapped.cost
    kdf = Argon2id(
        salt=wrapped.salt, length=32, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.kib
    )
    return kdf.derive(unicodedata.normalize("NFC", passphrase).encode())
