"""What goes over Kafka, and nothing else does: closed records as JSON, each with its schema version.

A message of the access topic is a *frame*: one header line, then one event a line (NDJSON), all events of
accounts of one partition. Readers ignore fields they do not know, so a field with a default may be added
within a version; any other change is a new version, which older readers put aside instead of guessing.
``deploy/schemas`` holds these records as JSON Schema.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar

import msgspec

from service.learning.day_summary import DaySummary
from service.records.checkpoints import AnalystVerdict, Trace
from service.records.commands import Command
from service.records.drift_report import DriftReport
from service.records.events import AccessEvent, Alert, Rejected
from service.records.identities import Link, SealedIdentity

VERSION = 1
STATUS = "status"  # name of all processes' newest status records among a store's shared blobs


class WireFault(StrEnum):
    """Why a message is put aside."""

    GARBAGE = "garbage"  # no JSON, or not UTF-8
    WRONG_SCHEMA = "wrong-schema"  # JSON, but not this record
    FUTURE_VERSION = "future-version"
    WRONG_PARTITION = "wrong-partition"  # holds an account of another partition
    WRONG_ORDER = "wrong-order"  # event numbers that do not increase


class WireError(Exception):
    """A message that is not what its topic carries. Never leaves the stage that reads."""

    def __init__(self, refusal: WireFault) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class FrameHeader(msgspec.Struct, frozen=True):
    """First line of a frame. A frame without events says that a day began, or that time passes."""

    v: int
    shipper: int  # number of the shipper within the site
    day: int  # local day in progress, days since 1970
    offset: int  # the site's offset from UTC when that day began, s
    numbers: tuple[int, ...] = ()  # of the events: unique within the site, increasing within a shipper
    leaving: tuple[Link, ...] = ()  # accounts of this partition that go on elsewhere, under another pseudonym
    coming: tuple[Link, ...] = ()  # accounts of this partition whose states must come first
    orders: tuple[Command, ...] = ()  # taken before the events


class Frame(NamedTuple):
    """A frame as it is used: header and its events, which are as many as the header's numbers."""

    header: FrameHeader
    events: list[AccessEvent]


class MoveRecord(msgspec.Struct, frozen=True):
    """The state of an account that goes on under another pseudonym in another partition. Key: the new one."""

    v: int
    link: Link
    state: bytes = b""  # as ``service.pipeline.account_table`` packs it; empty where nothing was known
    names: tuple[str, ...] = ()  # behind the keys of its places and platforms


class IdentityRecord(msgspec.Struct, frozen=True):
    """Who a pseudonym is, sealed for the key-holders. Key: the pseudonym."""

    v: int
    identity: SealedIdentity


class AlertRecord(msgspec.Struct, frozen=True):
    """An alert, opened or grown. Key: the account."""

    v: int
    alert: Alert


class TraceRecord(msgspec.Struct, frozen=True):
    """Events kept for the analyst. Key: the account."""

    v: int
    traces: tuple[Trace, ...]


class VerdictRecord(msgspec.Struct, frozen=True):
    """What an analyst said of an alert, without the note. Key: the account."""

    v: int
    verdict_id: int  # increasing
    alert_id: str
    account: str
    verdict: str
    created_at: float  # wall clock, s UTC
    quiet_days: int = 0  # this and the next as in service.records.checkpoints.Judged
    teaches: bool = True

    @property
    def to_verdict(self) -> AnalystVerdict:
        """As the stream takes it."""
        return AnalystVerdict(
            self.verdict_id, self.alert_id, self.account, self.verdict, self.quiet_days, self.teaches
        )


class StatusRecord(msgspec.Struct, frozen=True):
    """How far a process is. Key: ``process``; the newest counts."""

    v: int
    process: str  # "shipper/0", "partition/7"; "site" for what moved, "site/groups/07" for a day's counts
    counters: Mapping[str, int] = {}  # since the beginning
    last_event_time: int = 0  # s UTC, 0 none
    written_at: float = 0.0  # wall clock, s UTC
    rejected: tuple[Rejected, ...] = ()  # the newest few since the last record: reason and place, never text
    drift: DriftReport | None = None  # told at the close of a day
    groups: Mapping[str, bytes] = {}  # counts by group of readers: ``service.decision.reader_groups``


class SumsRecord(msgspec.Struct, frozen=True):
    """A day that is over in one partition. Key: ``sums/PARTITION/DAY``."""

    v: int
    partition: int
    next_day: int  # the day the partition goes on with
    after: int  # newest day that the site had learnt while this one lasted, 0 for none
    sums: DaySummary


class KnowledgeRecord(msgspec.Struct, frozen=True):
    """A part of what the site knows after a day. Key: ``site/NAME``."""

    v: int
    name: str
    day: int
    blob: bytes


class AsideRecord(msgspec.Struct, frozen=True):
    """A message that was put aside: where it lies, not what it says."""

    v: int
    topic: str
    partition: int
    offset: int
    reason: str
    length: int  # bytes


class _Versioned(msgspec.Struct, frozen=True):
    v: int


R = TypeVar(
    "R",
    AlertRecord,
    TraceRecord,
    VerdictRecord,
    StatusRecord,
    SumsRecord,
    KnowledgeRecord,
    AsideRecord,
    MoveRecord,
    IdentityRecord,
)

_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines
_header = msgspec.json.Decoder(FrameHeader).decode
_events = msgspec.json.Decoder(AccessEvent).decode_lines
_version = msgspec.json.Decoder(_Versioned).decode


def encode(record: R) -> bytes:
    """The value of a message."""
    return _encode(record)


def decode(value: bytes, record: type[R]) -> R:
    """The record of a message. Raises ``WireError``."""
    _check_version(value)
    try:
        return msgspec.json.decode(value, type=record)
    except msgspec.ValidationError:
        raise WireError(WireFault.WRONG_SCHEMA) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WireError(WireFault.GARBAGE) from None


def encode_frame(header: FrameHeader, events: Sequence[AccessEvent]) -> bytes:
    """The value of a message of the access topic."""
    return _encode_lines([header, *events])


def decode_frame(value: bytes) -> Frame:
    """Header and events of a frame. Raises ``WireError``."""
    head, _, body = value.partition(b"\n")
    _check_version(head)
    try:
        header, events = _header(head), _events(body)
    except msgspec.ValidationError:
        raise WireError(WireFault.WRONG_SCHEMA) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WireError(WireFault.GARBAGE) from None
    if len(events) != len(header.numbers):
        raise WireError(WireFault.WRONG_SCHEMA)
    if any(a >= b for a, b in zip(header.numbers, header.numbers[1:], strict=False)):
        raise WireError(WireFault.WRONG_ORDER)
    return Frame(header, events)


def _check_version(value: bytes) -> None:
    try:
        version = _version(value).v
    except msgspec.ValidationError:
        raise WireError(WireFault.WRONG_SCHEMA) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WireError(WireFault.GARBAGE) from None
    if version > VERSION:
        raise WireError(WireFault.FUTURE_VERSION)
    if version < 1:
        raise WireError(WireFault.WRONG_SCHEMA)
