"""The wire's records as they were when version 1 began: what an old reader knows. Never changed.

A new member of an enumeration is a new version too: old readers refuse what they do not know.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Kind = Literal[
    "pdf",
    "fulltext",
    "book",
    "media",
    "abstract",
    "contents",
    "search",
    "page",
    "asset",
    "poll",
    "login",
    "connect",
    "menu",
    "logout",
    "login-ok",
    "login-failed",
    "intruder",
    "blocked",
    "audit",
]
Network = Literal["campus", "education", "isp", "mobile", "hosting", "vpn", "unknown"]


class FrameHeader(msgspec.Struct, frozen=True):
    v: int
    shipper: int
    day: int
    offset: int
    numbers: tuple[int, ...] = ()


class Place(msgspec.Struct, frozen=True):
    country: str = ""
    city: str = ""
    latitude: float | None = None
    longitude: float | None = None
    owner: str = ""
    kind: Network = "unknown"


class Resource(msgspec.Struct, frozen=True):
    platform: str
    kind: Kind
    document: str = ""
    journal: str = ""
    sequence: int = -1


class AccessEvent(msgspec.Struct, frozen=True):
    time: int
    offset: int
    account: str
    session: str
    address: str
    network: str
    place: Place
    method: str
    status: int
    size: int
    resource: Resource
    referer: str = ""
    agent: str = ""
    category: str = ""


class Reason(msgspec.Struct, frozen=True):
    detection: str
    measure: str
    text: str
    observed: float
    usual: float | None
    peers: float
    unit: str
    surprise: float


class Count(msgspec.Struct, frozen=True):
    name: str
    days: float
    share: float
    new: bool


class Picture(msgspec.Struct, frozen=True):
    measures: tuple[Reason, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()
    days: tuple[tuple[str, int], ...] = ()
    usual_hour: float = 0.0
    usual_day: float = 0.0
    places: tuple[Count, ...] = ()
    networks: tuple[Count, ...] = ()
    platforms: tuple[Count, ...] = ()
    active_days: float = 0.0
    groups: tuple[tuple[str, float], ...] = ()


class Alert(msgspec.Struct, frozen=True):
    alert_id: str
    account: str
    opened_at: int
    updated_at: int
    score: float
    probability: float
    detections: tuple[str, ...]
    reasons: tuple[Reason, ...]
    summary: str
    events: int
    documents: int
    policy: str
    model: str
    picture: Picture = Picture()


class AlertRecord(msgspec.Struct, frozen=True):
    v: int
    alert: Alert


class Trace(msgspec.Struct, frozen=True):
    sequence: int
    event: AccessEvent
    evidence: float


class TraceRecord(msgspec.Struct, frozen=True):
    v: int
    traces: tuple[Trace, ...]


class VerdictRecord(msgspec.Struct, frozen=True):
    v: int
    verdict_id: int
    alert_id: str
    account: str
    verdict: str
    created_at: float


class Rejected(msgspec.Struct, frozen=True):
    reason: str
    source: str = ""
    line: int = 0
    length: int = 0


class StatusRecord(msgspec.Struct, frozen=True):
    v: int
    process: str
    counters: Mapping[str, int] = {}
    last_event_time: int = 0
    written_at: float = 0.0
    rejected: tuple[Rejected, ...] = ()


class Candidate(msgspec.Struct, frozen=True, array_like=True):
    day: int
    account: int
    score: float


class Sample(msgspec.Struct, frozen=True):
    ids: bytes = b""
    circles: bytes = b""
    calm: bytes = b""
    groups: bytes = b""


class DaySums(msgspec.Struct, frozen=True):
    day: int
    active: int = 0
    opened: int = 0
    calm: int = 0
    histograms: bytes = b""
    seen: Mapping[str, tuple[bytes, bytes]] = {}
    candidates: tuple[Candidate, ...] = ()
    sample: Sample = Sample()


class SumsRecord(msgspec.Struct, frozen=True):
    v: int
    partition: int
    next_day: int
    after: int
    sums: DaySums


class KnowledgeRecord(msgspec.Struct, frozen=True):
    v: int
    name: str
    day: int
    blob: bytes


class AsideRecord(msgspec.Struct, frozen=True):
    v: int
    topic: str
    partition: int
    offset: int
    reason: str
    length: int


class Link(msgspec.Struct, frozen=True):
    old: str
    new: str


class MoveRecord(msgspec.Struct, frozen=True):
    v: int
    link: Link
    state: bytes = b""
    names: tuple[str, ...] = ()


class Share(msgspec.Struct, frozen=True):
    holders: tuple[str, ...]
    sealed: bytes


class SealedIdentity(msgspec.Struct, frozen=True, tag_field="kind", tag="sealed-identity"):
    v: int
    pseudonym: str
    epoch: str
    mode: str
    ring: str
    shares: tuple[Share, ...]


class IdentityRecord(msgspec.Struct, frozen=True):
    v: int
    identity: SealedIdentity
