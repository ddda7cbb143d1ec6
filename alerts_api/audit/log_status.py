"""Whether the log in the database is still what its own tree and its last checkpoint say.

It is what the machine says of itself. Who rules the machine can make it say anything: proof is an export and
a checkpoint kept elsewhere, in ``journalguard audit verify``.
"""

import msgspec
from sqlalchemy import Connection, select

from alerts_api.audit.checkpoints import newest, parse_checkpoint
from alerts_api.audit.errors import NoteError, RewrittenError
from alerts_api.audit.log import root, size
from alerts_api.audit.merkle import Frontier, leaf_hash
from alerts_api.audit.signednote import text_of
from alerts_api.storage import audit_tables

_READ_AT_ONCE = 1_000  # leaves


class LogStatus(msgspec.Struct, frozen=True):
    """What was found, all leaves hashed anew."""

    leaves: int
    signed: int  # leaves that the last checkpoint covers; 0: there is none
    signed_at: int  # s UTC
    broken: str  # what does not fit; "" where everything does


def log_status(connection: Connection) -> LogStatus:
    """Compute the tree from its leaves, inside a reading transaction."""
    total, last = size(connection), newest(connection)
    signed, signed_at, note = last or (0, 0, "")
    found = _roots(connection, {total, signed})
    return LogStatus(total, signed, signed_at, _broken(connection, found, total, signed, note))


def _broken(connection: Connection, found: dict[int, bytes], total: int, signed: int, note: str) -> str:
    try:
        if found.get(total) != root(connection, total):
            return "The leaves are not those that the tree was made of."
        if note and found.get(signed) != parse_checkpoint(text_of(note)).root:
            return "The leaves are not those that the last checkpoint was signed for."
    except (RewrittenError, NoteError) as error:
        return str(error)
    return ""


def _roots(connection: Connection, wanted: set[int]) -> dict[int, bytes]:
    """The roots of the first so many leaves, by what the leaves are now."""
    frontier = Frontier()
    roots = {0: frontier.root()}
    leaf = audit_tables.leaves.c
    rows = connection.execution_options(yield_per=_READ_AT_ONCE).execute(
        select(leaf.data).order_by(leaf.number)
    )
    for data in rows.scalars():
        frontier.append(leaf_hash(data))
        if frontier.size in wanted:
            roots[frontier.size] = frontier.root()
    return roots
