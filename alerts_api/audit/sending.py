"""Where checkpoints go, so that whoever rules this machine cannot take them back.

Two ways, either or both. A folder, one file for each checkpoint, opened to append only: lay it on a
write-once share or under ``chattr +a``, which allow just that. And an outgoing folder of mails as ``.eml``
files, which the site's own mailer sends and removes (``sendmail -t < FILE``): journalguard itself opens no
connection. Neither folder is made here: one that is missing may be a share that is not mounted. After a
crash what is missing in the first follows with the next call, and its mail may go out twice.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import msgspec

from alerts_api.audit.checkpoints import (
    Cadence,
    Checkpoint,
    Signed,
    due,
    notes_between,
    parse_checkpoint,
    read_checkpoint,
    sign,
)
from alerts_api.audit.errors import HandOverError, NoteError, RewrittenError
from alerts_api.audit.signednote import PublicKey, Signer, is_signed_by, text_of
from alerts_api.database import Database

SUFFIX = ".checkpoint"


class Mail(msgspec.Struct, frozen=True):
    """Mails to hand over."""

    outgoing: Path  # folder
    sender: str
    recipient: str


class Places(msgspec.Struct, frozen=True):
    """Where checkpoints are kept and sent."""

    kept: Path | None = None  # folder, write-once if it can be
    mail: Mail | None = None


def keep(
    database: Database, signer: Signer, places: Places, *, now: int, cadence: Cadence | None = None
) -> Signed | None:
    """Sign and send a checkpoint; with a ``cadence`` only when one is due, then ``None`` if none is.

    What an earlier call signed but could not lay into the folder follows too. ``now`` is wall clock, s UTC.

    Raises:
        RewrittenError: the log does not continue what was signed or kept; nothing was signed.
        HandOverError: a folder cannot be read, and nothing was signed; or cannot be written, and what was
            signed goes out with a later call.
        StoreError: the database.
    """
    with database.reading() as connection:
        wanted = cadence is None or due(connection, cadence, now)
    signed = None
    if wanted:
        kept = _newest_kept(places.kept, signer.public)  # a slow share must not hold up other writers
        with database.writing() as connection:
            signed = sign(connection, signer, now=now, kept=kept)
    if places.kept is not None:
        _send_rest(database, signer.public, places, places.kept, now)
    elif signed is not None and places.mail is not None:
        _mail(places.mail, signed.checkpoint, signed.note, now)
    return signed


def file_name(size: int, key: PublicKey) -> str:
    return f"{size:012d}-{key.id.hex()}{SUFFIX}"


def _send_rest(database: Database, key: PublicKey, places: Places, folder: Path, now: int) -> None:
    """Every checkpoint of this key that the folder has not yet."""
    newest = _newest_kept(folder, key)
    with database.reading() as connection:
        notes = notes_between(connection, newest[0].size if newest else -1, 2**62)
    for note in notes:
        if is_signed_by(note, key):
            checkpoint = parse_checkpoint(text_of(note))
            if places.mail is not None:
                _mail(places.mail, checkpoint, note, now)
            _keep(folder / file_name(checkpoint.size, key), note)


def _newest_kept(folder: Path | None, key: PublicKey) -> tuple[Checkpoint, ...]:
    """The newest checkpoint of this key in the folder, if there is one; a torn one does not count."""
    if folder is None:
        return ()
    with _folder(folder):
        for path in sorted(p for p in folder.iterdir() if p.name.endswith(file_name(0, key)[12:]))[::-1]:
            try:
                return (read_checkpoint(path.read_text("utf-8"), key),)
            except (NoteError, UnicodeDecodeError):
                continue
    return ()


def _keep(path: Path, note: str) -> None:
    """Append what is missing of the note: all of it, or the rest after a crash."""
    data = note.encode()
    with _folder(path.parent):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        with os.fdopen(descriptor, "rb+", buffering=0) as file:
            found = file.read() or b""
            if not data.startswith(found):
                raise RewrittenError(f"{path}: another checkpoint of this size was kept there before")
            file.write(data[len(found) :])
            os.fsync(descriptor)
        _sync(path.parent)


def _mail(mail: Mail, checkpoint: Checkpoint, note: str, now: int) -> None:
    """A mail file appears whole, under a name that says which it is."""
    name = f"{checkpoint.size:012d}{SUFFIX}"
    message = EmailMessage()
    message["From"], message["To"] = mail.sender, mail.recipient
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    message["Subject"] = f"Checkpoint of the audit log, {checkpoint.size} entries"
    message.set_content(
        "Please keep this mail. The attached file says, signed, what the audit log\n"
        f"{checkpoint.origin} held when it was made. Every later export must contain all of it:\n\n"
        f"  journalguard audit verify EXPORT --public-key FILE --checkpoint {name}\n"
    )
    message.add_attachment(note.encode(), maintype="application", subtype="octet-stream", filename=name)
    with _folder(mail.outgoing):
        part = mail.outgoing / f"{name}.part"
        part.write_bytes(message.as_bytes())
        part.replace(mail.outgoing / f"{name}.eml")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HandOverError(
            f"{error.filename or path}: a checkpoint cannot be kept there ({error.strerror}); see that the "
            "folder is there, mounted and writable. What is missing in it follows with the next checkpoint"
        ) from None
