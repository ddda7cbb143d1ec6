"""The public side of the key-holders: who they are, and how many of them it takes to name a reader.

``SITE/keyholders/`` has one file ``<label>.pub`` a holder, one line of text::

    journalguard-holder-1 <label> <public key, 64 hex digits> <eight words>

The words are the fingerprint: 88 bits of SHA-256 over the key, read aloud when the file is handed over. A
file ``mode`` beside them says ``one`` (any holder) or ``two`` (any two); without it, it is ``one``. What was
replaced or revoked lies in ``former/``. Nothing in the folder is secret, but whoever can write there can make
himself a holder: it belongs to the administrator alone.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from pseudonymiser.errors import KeyHolderError
from pseudonymiser.mnemonic import spoken
from service.base.files import write_atomically
from service.records.identities import Mode

FORMAT = "journalguard-holder-1"
SUFFIX = ".pub"
FORMER = "former"
MODE_FILE = "mode"
SPOKEN = 8  # words of a fingerprint
MOST = {Mode.ONE: 12, Mode.TWO: 5}  # holders; two of five are 20 sealings an account

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?")


class Holder(msgspec.Struct, frozen=True):
    """One key-holder's public key. Equal ids are equal keys."""

    label: str
    public: bytes  # X25519, 32 bytes

    @property
    def id(self) -> str:
        """The first 64 bits of the fingerprint, in hex."""
        return _fingerprint(self.public).hex()[:16]

    @property
    def words(self) -> str:
        """The fingerprint to be read aloud."""
        return " ".join(spoken(_fingerprint(self.public), SPOKEN))

    def line(self) -> str:
        """Content of the public file."""
        return f"{FORMAT} {self.label} {self.public.hex()} {self.words}\n"


class Keyring(msgspec.Struct, frozen=True):
    """The holders of a site, by label, and how many of them it takes."""

    holders: tuple[Holder, ...] = ()
    mode: Mode = Mode.ONE

    @property
    def lacking(self) -> str:
        """Why no identity can be sealed for these holders; empty where it can."""
        if not self.holders:
            return "there is no key-holder"
        if self.mode is Mode.TWO and len(self.holders) < 2:
            return "two key-holders are needed and there is one"
        return ""

    def find(self, label: str) -> Holder:
        """Raises KeyHolderError if there is none of that label."""
        for holder in self.holders:
            if holder.label == label:
                return holder
        known = ", ".join(holder.label for holder in self.holders) or "none"
        raise KeyHolderError(f"no key-holder {label!r} here; there are: {known}")


def check_label(label: str) -> str:
    """A label that can be a file's name. Raises KeyHolderError."""
    if not _LABEL.fullmatch(label):
        raise KeyHolderError(
            f"label {label!r}: use 1 to 32 of a-z, 0-9, dot, dash and underscore, like library-desk-1"
        )
    return label


def parse_holder(text: str, where: str) -> Holder:
    """The holder of a public file; ``where`` names it in errors. Raises KeyHolderError."""
    parts = text.split()
    if len(parts) != 3 + SPOKEN or parts[0] != FORMAT or len(text.splitlines()) != 1:
        raise KeyHolderError(f"{where}: not a key-holder's public file; it is one line that begins {FORMAT}")
    if not re.fullmatch(r"[0-9a-f]{64}", parts[2]):
        raise KeyHolderError(f"{where}: damaged; ask the holder for the file again")
    holder = Holder(check_label(parts[1]), bytes.fromhex(parts[2]))
    if holder.words.split() != parts[3:]:
        raise KeyHolderError(
            f"{where}: its words do not belong to its key: damaged or changed on the way; "
            "ask the holder for the file again"
        )
    X25519PublicKey.from_public_bytes(holder.public)
    return holder


def read_holder(path: Path) -> Holder:
    """Raises KeyHolderError, also where the file cannot be read."""
    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise KeyHolderError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise KeyHolderError(f"{path}: not a key-holder's public file") from None
    return parse_holder(text, str(path))


def load_keyring(folder: Path) -> Keyring:
    """The holders in ``folder``; no folder is no holders. Raises KeyHolderError."""
    if not folder.is_dir():
        return Keyring()
    _refuse_if_writable(folder)
    holders = [read_holder(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    for path, holder in zip(sorted(folder.glob(f"*{SUFFIX}")), holders, strict=True):
        if path.name != holder.label + SUFFIX:
            raise KeyHolderError(f"{path}: holds the key of {holder.label!r}; name it {holder.label}{SUFFIX}")
    return check_keyring(Keyring(tuple(holders), _read_mode(folder / MODE_FILE)))


def check_keyring(keyring: Keyring) -> Keyring:
    """Raises KeyHolderError where one key is there twice, or where there are too many holders."""
    if len({holder.id for holder in keyring.holders}) < len(keyring.holders):
        raise KeyHolderError("two labels have one key: two holders must be two people with a key each")
    if len(keyring.holders) > MOST[keyring.mode]:
        raise KeyHolderError(
            f"{len(keyring.holders)} key-holders, at most {MOST[keyring.mode]} in mode {keyring.mode}"
        )
    return keyring


def add_holder(folder: Path, holder: Holder, mode: Mode) -> None:
    """Write the holder's file and the mode; one of the same label goes to ``former``.

    Ended half way, it never takes fewer holders than before or after.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if mode is Mode.TWO:
        write_atomically(folder / MODE_FILE, f"{mode}\n".encode())
    if (folder / (holder.label + SUFFIX)).exists():
        retire_holder(folder, holder.label)
    write_atomically(folder / (holder.label + SUFFIX), holder.line().encode("ascii"))
    if mode is Mode.ONE:
        write_atomically(folder / MODE_FILE, f"{mode}\n".encode())


def retire_holder(folder: Path, label: str) -> Path:
    """Move the holder's file to ``former``, where it no longer counts; where it is now."""
    path = folder / (label + SUFFIX)
    kept = folder / FORMER / f"{label}-{read_holder(path).id}{SUFFIX}"
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    path.replace(kept)
    return kept


def ring_of(holders: Sequence[Holder], mode: Mode, signer: bytes = b"") -> str:
    """A short name of who can open, and by whose key it is signed, 16 hex digits."""
    signed = [signer.hex()] if signer else []
    text = "|".join(["journalguard-ring", "v1", mode, *sorted(holder.id for holder in holders), *signed])
    return sha256(text.encode()).hexdigest()[:16]


def _fingerprint(public: bytes) -> bytes:
    return sha256(b"journalguard-holder|v1|" + public).digest()


def _read_mode(path: Path) -> Mode:
    if not path.exists():
        return Mode.ONE
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    if text not in {mode.value for mode in Mode}:
        raise KeyHolderError(f"{path}: {text[:20]!r} is neither 'one' nor 'two'")
    return Mode(text)


def _refuse_if_writable(folder: Path) -> None:
    for path in (folder, *folder.glob(f"*{SUFFIX}")):
        if path.stat().st_mode & 0o022:
            raise KeyHolderError(
                f"{path}: group or others can write here and so name readers; "
                f"close it with `chmod go-w {path}`"
            )
