"""Whether the log in the database is still what its own tree and its last checkpoint say.

It is what the machine says of itself. Who rules the machine can make it say anything: proof is an export and
a checkpoint kept elsewhere, in ``journalguard audit verify``.
"""

from collections import Counter
from threading import Lock

import msgspec
from sqlalchemy import Connection, func, select

from alerts_api.audit.checkpoints import newest, parse_checkpoint
from alerts_api.audit.errors import NoteError, RewrittenError
from alerts_api.audit.leaves import Record, decode
from alerts_api.audit.log import root, size
from alerts_api.audit.merkle import Frontier, leaf_hash
from alerts_api.audit.reading import AuditFilters, misfiled
from alerts_api.audit.signednote import text_of
from alerts_api.storage import audit_tables

AGAIN_SECONDS = 3_600.0  # after which all leaves are hashed anew
_READ_AT_ONCE = 1_000  # leaves
_LEAF = audit_tables.leaves.c
_FINDING = ("kind", "actor", "alert", "request")  # the columns that acts are found by


class LogStatus(msgspec.Struct, frozen=True):
    """What was found."""

    leaves: int
    signed: int  # leaves that the last checkpoint covers; 0: there is none
    signed_at: int  # s UTC
    broken: str  # what does not fit; "" where everything does
    hashed_at: float = 0.0  # when all leaves were hashed anew last, s UTC


class LogWatch:
    """Hashes each leaf when it is new, and all of them once an hour; remembers how far it has verified.

    Safe to use from several threads. So that a log of millions costs a page no more than a short one.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._hashed_at = 0.0
        self._begin()

    def status(self, connection: Connection, now: float, filters: AuditFilters | None = None) -> LogStatus:
        """Inside a reading transaction. ``filters``: what is asked for must be filed where it belongs."""
        with self._lock:
            total, last = size(connection), newest(connection)
            signed, signed_at, note = last or (0, 0, "")
            shrunk = total < self._frontier.size
            before = self._frontier.size
            if shrunk or not 0 <= now - self._hashed_at < AGAIN_SECONDS:
                self._begin()
                self._hashed_at = now
            self._read_on(connection)
            broken = self._broken(connection, total, signed, note) or self._hidden(connection, filters)
            if shrunk:
                broken = f"The log had {before} acts when this page looked last, and has {total} now."
            return LogStatus(total, signed, signed_at, broken, self._hashed_at)

    def _begin(self) -> None:
        self._frontier = Frontier()
        self._roots = {0: self._frontier.root()}
        self._misfiled: list[int] = []
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in _FINDING}

    def _read_on(self, connection: Connection) -> None:
        wanted = set(connection.execute(select(audit_tables.checkpoints.c.size)).scalars())
        rows = connection.execution_options(yield_per=_READ_AT_ONCE).execute(
            select(audit_tables.leaves).where(_LEAF.number >= self._frontier.size).order_by(_LEAF.number)
        )
        for row in rows:
            record = decode(row.data)
            self._frontier.append(leaf_hash(row.data))
            if self._frontier.size in wanted:
                self._roots[self._frontier.size] = self._frontier.root()
            if record is not None:
                self._count(record)
                if misfiled(row, record):
                    self._misfiled.append(row.number)

    def _count(self, record: Record) -> None:
        for name in _FINDING:
            self._counts[name][str(getattr(record, name))] += 1

    def _broken(self, connection: Connection, total: int, signed: int, note: str) -> str:
        try:
            if self._frontier.size != total or self._frontier.root() != root(connection, total):
                return "The leaves are not those that the tree was made of."
            # Of a checkpoint that was signed after its leaves were read, what the tree says.
            found = self._roots.get(signed) or (root(connection, signed) if signed <= total else b"")
            if note and found != parse_checkpoint(text_of(note)).root:
                return "The leaves are not those that the last checkpoint was signed for."
        except (RewrittenError, NoteError) as error:
            return str(error)
        if self._misfiled:
            return f"Entry {self._misfiled[0]} is filed as another act than it is; filters do not find it."
        return ""

    def _hidden(self, connection: Connection, filters: AuditFilters | None) -> str:
        """By the numbers of what is asked for: what was filed elsewhere since it was read is missing."""
        kinds = dict(connection.execute(select(_LEAF.kind, func.count()).group_by(_LEAF.kind)).all())
        if kinds != dict(self._counts["kind"]):
            return "Entries are filed as other acts than they are: filters do not find them."
        for name in ("actor", "alert", "request"):
            value = getattr(filters, name, "")
            if value and self._counts[name][value] != _filed(connection, name, value):
                return f"Entries of this {name} are filed elsewhere: not all of them are shown here."
        return ""


def _filed(connection: Connection, name: str, value: str) -> int:
    found = select(func.count()).select_from(audit_tables.leaves).where(_LEAF[name] == value)
    return connection.execute(found).scalar_one()
