"""The log as one file that needs nothing beside it: lines of JSON.

::

    {"audit_export":1,"size":300}                            first line: version and number of leaves
    {"checkpoint":"alerts.example.ac.uk/audit\\n256\\n…"}       every checkpoint, oldest first
    {"actor":"…","at":…,"index":0,…}                         256 leaves, each exactly the bytes in the tree:
    …                                                        leaf hash = SHA-256(0x00 || line without newline)
    {"hashes":["…"],"first":0,"misfiled":[]}                 what the database's own tree holds for them, and
                                                             which it files as other acts than they are
    {"opening":{"leaf":0,"name":"account","salt":"…","value":"…"}}   pseudonyms that were not erased
    …                                                        the next 256, and so on

``hashes`` proves nothing. It tells where a leaf was changed by somebody who forgot the tree. Free text is
not exported.
"""

from array import array
from collections.abc import Collection, Iterable
from typing import IO, TypeVar

import msgspec
from sqlalchemy import Connection, select

from alerts_api.audit.checkpoints import notes_between
from alerts_api.audit.errors import ExportError
from alerts_api.audit.leaves import VERSION, ActKind, LeafPosition, Opening, Record, decode, opens, place
from alerts_api.audit.log import size
from alerts_api.audit.merkle import Frontier, leaf_hash
from alerts_api.audit.reading import misfiled, openings_between
from alerts_api.storage import audit_tables

EXPORT_VERSION = 1
CHUNK = 256  # leaves
_BIGGEST = 2**62
_FORGETS = (ActKind.OPENINGS_ERASED, ActKind.OPENINGS_EXPIRED)
_T = TypeVar("_T")
_LEAF, _NODE = audit_tables.leaves.c, audit_tables.nodes.c


class _Header(msgspec.Struct, frozen=True):
    audit_export: int
    size: int


class _CheckpointLine(msgspec.Struct, frozen=True):
    checkpoint: str


class _HashesLine(msgspec.Struct, frozen=True):
    hashes: tuple[bytes, ...]
    first: int
    misfiled: tuple[int, ...] = ()  # leaves whose columns, by which they are found, say otherwise


class _OpeningLine(msgspec.Struct, frozen=True):
    opening: Opening


class ExportFacts(msgspec.Struct, frozen=True):
    """What a file holds, before anything is concluded from it."""

    size: int  # leaves that it says it has
    indexes: "array[int]"  # what each leaf says its index is, in the file's order; -1: no record
    in_order: int  # so many from the first stand where they belong
    roots: dict[int, bytes]  # of the sizes asked for, up to ``in_order``
    changed: tuple[int, ...]  # leaves that are not what the database's tree holds
    misfits: tuple[int, ...]  # leaves whose pseudonym is not the one they were made with
    newer: int  # leaves of a version that is not known here
    misfiled: tuple[int, ...] = ()  # leaves that the database found by other words than their own
    unopened: int = 0  # leaves about an account that nothing tells any more
    forgotten: int = 0  # so many of them the log itself says were erased or have expired


def write_export(connection: Connection, out: IO[bytes]) -> int:
    """Write the whole log; how many leaves. The connection is inside a reading transaction.

    Raises:
        OSError: the file.
    """
    total = size(connection)
    _line(out, _Header(EXPORT_VERSION, total))
    for note in notes_between(connection, -1, _BIGGEST):
        _line(out, _CheckpointLine(note))
    for first in range(0, total, CHUNK):
        _write_chunk(connection, out, first, min(first + CHUNK, total))
    return total


def checkpoints_of(lines: Iterable[bytes]) -> tuple[int, list[str], Iterable[bytes]]:
    """The number of leaves a file says it has, its checkpoints' notes, and the lines after them.

    Raises:
        ExportError: not an export, or one of a newer version.
    """
    rest = iter(lines)
    header = _parsed(next(rest, b""), _Header)
    if header is None:
        raise ExportError("this is not an export of an audit log; make one with `journalguard audit export`")
    if header.audit_export != EXPORT_VERSION:
        raise ExportError(f"export version {header.audit_export} is not known here; use a newer journalguard")
    notes: list[str] = []
    for line in rest:
        found = _parsed(line, _CheckpointLine)
        if found is None:
            return header.size, notes, _chain(line, rest)
        notes.append(found.checkpoint)
    return header.size, notes, ()


def scan(lines: Iterable[bytes], said: int, wanted: Collection[int]) -> ExportFacts:
    """Read leaves. ``said``: how many the file says there are; ``wanted``: sizes whose roots are needed."""
    scanner = _Scanner(frozenset(wanted))
    for line in lines:
        scanner.take(line.rstrip(b"\n"))
    return ExportFacts(
        size=said,
        indexes=scanner.indexes,
        in_order=scanner.frontier.size,
        roots=scanner.roots,
        changed=tuple(scanner.changed),
        misfits=tuple(scanner.misfits),
        newer=scanner.newer,
        misfiled=tuple(scanner.misfiled),
        unopened=scanner.unopened - scanner.opened,
        forgotten=scanner.forgotten,
    )


class _Scanner:
    def __init__(self, wanted: frozenset[int]) -> None:
        self.wanted = wanted
        self.indexes = array("q")
        self.frontier = Frontier()
        self.roots = {0: self.frontier.root()}
        self.changed: list[int] = []
        self.misfits: list[int] = []
        self.newer = 0
        self.misfiled: list[int] = []
        self.unopened = self.opened = self.forgotten = 0
        self._chunk: dict[int, tuple[bytes, Record | None]] = {}  # index -> leaf hash, record
        self._after = False  # the last line was not a leaf

    def take(self, line: bytes) -> None:
        self._after, after = True, self._after
        if line.startswith(b'{"hashes":') and (hashes := _parsed(line, _HashesLine)):
            self._compare(hashes)
            self.misfiled.extend(hashes.misfiled)
        elif line.startswith(b'{"opening":') and (found := _parsed(line, _OpeningLine)):
            record = self._chunk.get(found.opening.leaf, (b"", None))[1]
            if record is not None:
                self.opened += found.opening.name == "account"
                if not opens(found.opening, record):
                    self.misfits.append(found.opening.leaf)
        else:
            if after:
                self._chunk.clear()
            self._after = False
            self._leaf(line)

    def _leaf(self, line: bytes) -> None:
        here = len(self.indexes)
        found = place(line)
        record = decode(line)
        index = -1 if found is None or (record is None and found.v <= VERSION) else found.index
        self.newer += _is_newer(found)
        self.indexes.append(index)
        if record is not None:
            self.unopened += bool(record.account)
            self.forgotten += record.times if record.kind in _FORGETS else 0
        hashed = leaf_hash(line)
        self._chunk[here if index < 0 else index] = hashed, record
        if self.frontier.size == here and index in (here, -1):
            self.frontier.append(hashed)
            if here + 1 in self.wanted:
                self.roots[here + 1] = self.frontier.root()

    def _compare(self, line: _HashesLine) -> None:
        for index, hashed in enumerate(line.hashes, line.first):
            here = self._chunk.get(index)
            if here is not None and here[0] != hashed:
                self.changed.append(index)


def _is_newer(found: LeafPosition | None) -> bool:
    return found is not None and found.v > VERSION


def _write_chunk(connection: Connection, out: IO[bytes], first: int, end: int) -> None:
    leaves = select(audit_tables.leaves).where(_LEAF.number >= first, _LEAF.number < end)
    filed_wrong = []
    for row in connection.execute(leaves.order_by(_LEAF.number)):
        out.write(row.data.replace(b"\n", b" ") + b"\n")  # none of ours has a newline; a planted one shows
        record = decode(row.data)
        if record is not None and misfiled(row, record):
            filed_wrong.append(row.number)
    nodes = select(_NODE.position, _NODE.hash).where(
        _NODE.level == 0, _NODE.position >= first, _NODE.position < end
    )
    found = dict(connection.execute(nodes).all())
    hashes = tuple(found.get(index, b"") for index in range(first, end))
    _line(out, _HashesLine(hashes, first, tuple(filed_wrong)))
    for opening in openings_between(connection, first, end, "account"):
        _line(out, _OpeningLine(opening))


def _line(out: IO[bytes], value: msgspec.Struct) -> None:
    out.write(msgspec.json.encode(value) + b"\n")


def _chain(line: bytes, rest: Iterable[bytes]) -> Iterable[bytes]:
    yield line
    yield from rest


def _parsed(line: bytes, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
