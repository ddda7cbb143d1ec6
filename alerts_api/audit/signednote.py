"""Notes signed with Ed25519, as C2SP's signed-note says: https://c2sp.org/signed-note.

A text that ends in a newline, an empty line, and lines of ``— NAME BASE64``. A public key is written
``NAME+ID+BASE64`` (a *vkey*), a private one ``PRIVATE+KEY+NAME+ID+BASE64``, as Go's sumdb/note does; both
begin the key's bytes with the type of signature, 1 for Ed25519. The id is the first four bytes of SHA-256
over name, newline, type and public key.
"""

import base64
import binascii
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from alerts_api.audit.errors import NoteError

ED25519 = b"\x01"
KEY_BYTES = 32
NOTE_LIMIT = 1_000_000  # characters; sixteen signatures of 5 kB, which have to be read, are a tenth
_SIGNATURE_LIMIT = 64  # lines
_PRIVATE = "PRIVATE+KEY+"


class PublicKey(NamedTuple):
    """Who signs, and what checks it."""

    name: str
    raw: bytes

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    def text(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_base64(ED25519 + self.raw)}"


class Signer:
    """A private key with its name. Cannot be printed by accident."""

    __slots__ = ("_key", "public")

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = PublicKey(_checked_name(name), raw)

    def sign(self, text: str) -> str:
        """The note over ``text``, which ends in a newline. The same text gives the same note."""
        _check_text(text)
        line = _base64(self.public.id + self._key.sign(text.encode()))
        return f"{text}\n— {self.public.name} {line}\n"

    def __repr__(self) -> str:
        return f"Signer({self.public.text()!r})"


def new_private_text(name: str, seed: bytes) -> str:
    """The private key's text. ``seed``: 32 random bytes."""
    return f"{_PRIVATE}{name}+{Signer(name, seed).public.id.hex()}+{_base64(ED25519 + seed)}"


def parse_private(text: str) -> Signer:
    """Raises ``NoteError``, which never quotes the text."""
    head, _, rest = text.strip().partition(_PRIVATE)
    parts = rest.split("+", 2)
    if head or len(parts) != 3:
        raise NoteError("not a private key of signed notes")
    signer = Signer(parts[0], _key_bytes(parts[2]))
    if signer.public.id.hex() != parts[1]:
        raise NoteError("a private key whose id does not fit it")
    return signer


def parse_public(text: str) -> PublicKey:
    """A vkey. Raises ``NoteError``."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise NoteError("not a public key: it looks like NAME+ab12cd34+ARpc…")
    key = PublicKey(_checked_name(parts[0]), _key_bytes(parts[2]))
    if key.id.hex() != parts[1]:
        raise NoteError(f"the public key of {parts[0]} has the id {key.id.hex()}, not {parts[1][:8]}")
    return key


def open_note(note: str, key: PublicKey) -> str:
    """The text that ``key`` signed. Signatures of others are passed over.

    Raises:
        NoteError: not a note, not signed by this key, or not this text.
    """
    text, lines = _split(note)
    found = [signature for name, signature in lines if name == key.name and signature[:4] == key.id]
    if not found:
        raise NoteError(f"not signed by {key.name} (key {key.id.hex()})")
    public = Ed25519PublicKey.from_public_bytes(key.raw)
    try:
        for signature in found:
            public.verify(signature[4:], text.encode())
    except InvalidSignature:
        raise NoteError(f"the signature of {key.name} (key {key.id.hex()}) does not fit the text") from None
    return text


def text_of(note: str) -> str:
    """The text, whoever signed it: only for notes of one's own keeping. Raises ``NoteError`` for no note."""
    return _split(note)[0]


def is_signed_by(note: str, key: PublicKey) -> bool:
    """Whether it bears a signature line of this key, right or wrong. Raises ``NoteError`` for no note."""
    return any(name == key.name and signature[:4] == key.id for name, signature in _split(note)[1])


def _split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    text, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n") or len(note) > NOTE_LIMIT:
        raise NoteError("not a signed note")
    _check_text(text + "\n")
    lines = signatures[:-1].split("\n")
    if len(lines) > _SIGNATURE_LIMIT:
        raise NoteError(f"a note with more than {_SIGNATURE_LIMIT} signatures")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    dash, name, encoded = (*line.split(" "), "", "", "")[:3]
    if dash != "—" or line.count(" ") != 2:
        raise NoteError("not a signed note: a signature's line has another form")
    signature = _decoded(encoded)
    if len(signature) < 5:
        raise NoteError("not a signed note: a signature is too short")
    return _checked_name(name), signature


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(character < " " and character != "\n" for character in text):
        raise NoteError("a note's text ends in a newline and has no other control characters")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise NoteError("a note is UTF-8")


def _checked_name(name: str) -> str:
    if not name or not name.isprintable() or any(c.isspace() or c == "+" for c in name):
        raise NoteError("a key's name has neither spaces nor +; take one like alerts.example.ac.uk/audit")
    return name


def _key_bytes(text: str) -> bytes:
    raw = _decoded(text)
    if raw[:1] != ED25519 or len(raw) != 1 + KEY_BYTES:
        raise NoteError("not an Ed25519 key of signed notes")
    return raw[1:]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64") from None
