"""Checkpoints: the log's size and root, signed.

The text (https://c2sp.org/tlog-checkpoint) is three lines: the origin (which is the key's name), the size in
decimal, the root in base64. A checkpoint is signed only if the log still continues every earlier one, so
whoever keeps checkpoints elsewhere can hold the log to them.
"""

import base64
import binascii
import re
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, insert, select

from alerts_api.audit.errors import NoteError, RewrittenError
from alerts_api.audit.log import inclusion, lock_appends, root, size
from alerts_api.audit.merkle import HASH_BYTES
from alerts_api.audit.signednote import PublicKey, Signer, open_note, text_of
from alerts_api.storage import audit_tables

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CHECKPOINT = audit_tables.checkpoints.c


class LogCheckpoint(msgspec.Struct, frozen=True):
    """A tree at one size."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Signed(msgspec.Struct, frozen=True):
    """A checkpoint, and its note as it is sent."""

    checkpoint: LogCheckpoint
    note: str


class Cadence(msgspec.Struct, frozen=True):
    """A checkpoint is due after so many new leaves, or so long after the last one if there are any."""

    leaves: int = 256
    seconds: int = 3_600


def parse_checkpoint(text: str) -> LogCheckpoint:
    """A note's text as a checkpoint; further lines are passed over. Raises ``NoteError``."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]):
        raise NoteError("not a checkpoint: it has lines for origin, size and root")
    try:
        found = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != HASH_BYTES:
        raise NoteError("not a checkpoint: its root is no SHA-256 in base64")
    return LogCheckpoint(lines[0], int(lines[1]), found)


def read_checkpoint(note: str, key: PublicKey) -> LogCheckpoint:
    """A checkpoint that ``key`` signed for the log of its own name. Raises ``NoteError``."""
    found = parse_checkpoint(open_note(note, key))
    if found.origin != key.name:
        raise NoteError(f"a checkpoint of {found.origin}, signed by {key.name}")
    return found


def newest(connection: Connection) -> tuple[int, int, str] | None:
    """Size, time (s UTC) and note of the last checkpoint."""
    found = select(_CHECKPOINT.size, _CHECKPOINT.at, _CHECKPOINT.note).order_by(_CHECKPOINT.size.desc())
    row = connection.execute(found.limit(1)).first()
    return None if row is None else row


def notes_between(connection: Connection, after: int, upto: int) -> list[str]:
    """The notes of checkpoints of more than ``after`` and at most ``upto`` leaves, in order."""
    found = select(_CHECKPOINT.note).where(_CHECKPOINT.size > after, _CHECKPOINT.size <= upto)
    return list(connection.execute(found.order_by(_CHECKPOINT.size)).scalars())


def due(connection: Connection, cadence: Cadence, now: int) -> bool:
    """Whether enough has happened since the last checkpoint. ``now`` is wall clock, s UTC."""
    found = size(connection)
    last = newest(connection)
    if last is None:
        return found > 0
    return found > last[0] and (found - last[0] >= cadence.leaves or now - last[1] >= cadence.seconds)


def sign(connection: Connection, signer: Signer, *, now: int, kept: Iterable[LogCheckpoint] = ()) -> Signed:
    """Sign the log as it is now, inside the caller's writing transaction. Again at one size: the same note.

    Args:
        kept: checkpoints that were kept elsewhere; the log has to continue them too.

    Raises:
        RewrittenError: the log does not continue an earlier checkpoint; nothing was signed.
    """
    lock_appends(connection)
    last = newest(connection)
    earlier = [*kept, *([parse_checkpoint(text_of(last[2]))] if last else [])]
    found = size(connection)
    for each in earlier:
        _continue(connection, each, found)
    checkpoint = LogCheckpoint(signer.public.name, found, root(connection, found))
    signed = Signed(checkpoint, signer.sign(checkpoint.text()))
    if last is None or last[0] < found:
        connection.execute(insert(audit_tables.checkpoints), {"size": found, "note": signed.note, "at": now})
    return signed


def receipt(connection: Connection, index: int, signed: Signed) -> str:
    """A proof that stands alone, that leaf ``index`` is in the log: https://c2sp.org/tlog-proof.

    Raises:
        NoSuchTreeError: the checkpoint is older than the leaf.
    """
    hashes = inclusion(connection, index, signed.checkpoint.size)
    lines = "".join(base64.b64encode(each).decode() + "\n" for each in hashes)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{lines}\n{signed.note}"


def _continue(connection: Connection, earlier: LogCheckpoint, found: int) -> None:
    advice = (
        "nothing was signed. If the database was put back from a copy, the acts since then are lost: "
        "tell the DPO, and begin a new log and key. If not, somebody changed it: keep it as it is"
    )
    if earlier.size > found:
        raise RewrittenError(
            f"the audit log has {found} leaves, but {earlier.size} were signed before; {advice}"
        )
    if root(connection, earlier.size) != earlier.root:
        raise RewrittenError(
            f"the first {earlier.size} leaves of the audit log are not those signed before; {advice}"
        )
