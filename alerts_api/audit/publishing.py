"""Where checkpoints go, so that whoever rules this machine cannot take them back.

Two ways, either or both. A folder, one file for each checkpoint, opened to append only: lay it on a
write-once share or under ``chattr +a``, which allow just that; like that of mails (``mails``) it is not made
here. After a crash what is missing in it follows with the next call, and its mail may go out twice.
"""

import os
from pathlib import Path

import msgspec

from alerts_api.audit.checkpoints import (
    Cadence,
    LogCheckpoint,
    Signed,
    due,
    notes_between,
    parse_checkpoint,
    read_checkpoint,
    sign,
)
from alerts_api.audit.errors import NoteError, RewrittenError
from alerts_api.audit.mails import Mail, compose, deliver, reachable
from alerts_api.audit.signednote import PublicKey, Signer, is_signed_by, text_of
from alerts_api.storage.database import Database
from service.base.files import sync_folder

SUFFIX = ".checkpoint"


class CheckpointTargets(msgspec.Struct, frozen=True):
    """Where checkpoints are kept and sent."""

    kept: Path | None = None  # folder, write-once if it can be
    mail: Mail | None = None


def keep(
    database: Database, signer: Signer, places: CheckpointTargets, *, now: int, cadence: Cadence | None = None
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
        mail_checkpoint(places.mail, signed.checkpoint, signed.note, now)
    return signed


def file_name(size: int, key: PublicKey) -> str:
    return f"{size:012d}-{key.id.hex()}{SUFFIX}"


def _send_rest(database: Database, key: PublicKey, places: CheckpointTargets, folder: Path, now: int) -> None:
    """Every checkpoint of this key that the folder has not yet."""
    newest = _newest_kept(folder, key)
    with database.reading() as connection:
        notes = notes_between(connection, newest[0].size if newest else -1, 2**62)
    for note in notes:
        if is_signed_by(note, key):
            checkpoint = parse_checkpoint(text_of(note))
            if places.mail is not None:
                mail_checkpoint(places.mail, checkpoint, note, now)
            _keep(folder / file_name(checkpoint.size, key), note)


def _newest_kept(folder: Path | None, key: PublicKey) -> tuple[LogCheckpoint, ...]:
    """The newest checkpoint of this key in the folder, if there is one; a torn one does not count."""
    if folder is None:
        return ()
    with reachable(folder):
        for path in sorted(p for p in folder.iterdir() if p.name.endswith(file_name(0, key)[12:]))[::-1]:
            try:
                return (read_checkpoint(path.read_text("utf-8"), key),)
            except (NoteError, UnicodeDecodeError):
                continue
    return ()


def _keep(path: Path, note: str) -> None:
    """Append what is missing of the note: all of it, or the rest after a crash."""
    data = note.encode()
    with reachable(path.parent):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        with os.fdopen(descriptor, "rb+", buffering=0) as file:
            found = file.read() or b""
            if not data.startswith(found):
                raise RewrittenError(f"{path}: another checkpoint of this size was kept there before")
            file.write(data[len(found) :])
            os.fsync(descriptor)
        sync_folder(path.parent)


def mail_checkpoint(mail: Mail, checkpoint: LogCheckpoint, note: str, now: int) -> None:
    """A mail under a name that says which checkpoint it brings. Raises ``HandOverError``."""
    name = f"{checkpoint.size:012d}{SUFFIX}"
    text = (
        "Please keep this mail. The attached file says, signed, what the audit log\n"
        f"{checkpoint.origin} held when it was made. Every later export must contain all of it:\n\n"
        f"  journalguard audit verify EXPORT --public-key FILE --checkpoint {name}\n"
    )
    message = compose(mail, f"Checkpoint of the audit log, {checkpoint.size} entries", text, now)
    message.add_attachment(note.encode(), maintype="application", subtype="octet-stream", filename=name)
    deliver(mail, name, message)
