"""The key that signs checkpoints, as files.

``signing.key`` (0600, in a directory of its own, 0700) is read by the process that signs; ``public.key``
goes to the auditor and the DPO, by a way that does not lead over this machine's administrator.
"""

import secrets
from pathlib import Path

from alerts_api.audit.errors import NoteError, SigningKeyError
from alerts_api.audit.signednote import KEY_BYTES, PublicKey, Signer, new_private_text, parse_private
from service.base.files import write_new

PRIVATE_FILE = "signing.key"
PUBLIC_FILE = "public.key"


def create(directory: Path, name: str) -> PublicKey:
    """Make a key. ``name`` is the log's too: a schema-less URL, as ``alerts.example.ac.uk/audit``.

    Raises:
        NoteError: a name that a note cannot carry.
        SigningKeyError: there is a key already, the directory is open to others, or cannot be written.
    """
    path = directory / PRIVATE_FILE
    text = new_private_text(name, secrets.token_bytes(KEY_BYTES))
    public = parse_private(text).public
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_if_open(directory, "700")
        write_new(path, f"{text}\n".encode("ascii"))
        (directory / PUBLIC_FILE).unlink(missing_ok=True)  # of a private key that was moved away
        write_new(directory / PUBLIC_FILE, f"{public.text()}\n".encode("ascii"), 0o644)
    except FileExistsError:
        raise SigningKeyError(
            f"{path}: there is a key already, and others check by it. To begin with a new one, move the "
            "old file away, and give auditor and DPO the new public key"
        ) from None
    except OSError as error:
        raise SigningKeyError(f"{path}: cannot be written ({error.strerror}); make it writable") from None
    return public


def load(directory: Path) -> Signer:
    """Read the key.

    Raises:
        SigningKeyError: missing, damaged, or readable by group or others.
    """
    path = directory / PRIVATE_FILE
    try:
        _refuse_if_open(directory, "700")
        _refuse_if_open(path, "600")
        return parse_private(path.read_text("ascii"))
    except FileNotFoundError:
        raise SigningKeyError(f"{path}: no key here; make one with `journalguard audit key --name`") from None
    except OSError as error:
        raise SigningKeyError(f"{path}: cannot be read ({error.strerror}); check its owner") from None
    except (NoteError, UnicodeDecodeError):
        raise SigningKeyError(f"{path}: damaged, not a key; put it back from your backup") from None


def _refuse_if_open(path: Path, mode: str) -> None:
    if path.stat().st_mode & 0o077:
        raise SigningKeyError(f"{path}: open to group or others; close it with `chmod {mode} {path}`")
