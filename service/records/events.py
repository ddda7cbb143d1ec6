"""The records that cross rooms.

All are frozen. Nothing in them is a clear name, address, session id or URL: identifiers are keyed
pseudonyms made in ``pseudonymiser``; a document is a keyed token. Times are event times, in whole
seconds since 1970 UTC; no record carries the time of processing.
"""

from enum import StrEnum

import msgspec

SCHEMA_VERSION = 1


class EventKind(StrEnum):
    """What was asked for. ``PDF``, ``FULLTEXT`` and ``BOOK`` are reading; nothing else is."""

    PDF = "pdf"
    FULLTEXT = "fulltext"  # an article or chapter as a page
    BOOK = "book"  # a whole book or a slice of one
    MEDIA = "media"
    ABSTRACT = "abstract"
    CONTENTS = "contents"  # issue or journal contents
    SEARCH = "search"
    PAGE = "page"
    ASSET = "asset"
    POLL = "poll"  # keep-alive, analytics ticks
    LOGIN = "login"
    CONNECT = "connect"
    MENU = "menu"
    LOGOUT = "logout"
    LOGIN_OK = "login-ok"  # the audit log says so
    LOGIN_FAILED = "login-failed"
    INTRUDER = "intruder"
    BLOCKED = "blocked"  # reconnect or country change blocked, usage limit, login denied
    AUDIT = "audit"  # any other audit event


READING = frozenset({EventKind.PDF, EventKind.FULLTEXT, EventKind.BOOK})


class NetworkKind(StrEnum):
    """What sort of network an address belongs to."""

    CAMPUS = "campus"
    EDUCATION = "education"
    ISP = "isp"
    MOBILE = "mobile"
    HOSTING = "hosting"
    VPN = "vpn"
    UNKNOWN = "unknown"


class Location(msgspec.Struct, frozen=True, gc=False):
    """Where an address is. Empty text and ``None`` mean unknown."""

    country: str = ""  # ISO 3166-1 alpha-2
    city: str = ""
    latitude: float | None = None  # degrees
    longitude: float | None = None
    owner: str = ""  # network owner (AS organisation)
    kind: NetworkKind = NetworkKind.UNKNOWN


class Resource(msgspec.Struct, frozen=True, gc=False):
    """What is left of a URL."""

    platform: str  # "sciencedirect", or the registrable host where no pattern knows it
    kind: EventKind
    document: str = ""  # keyed token (12 characters, base32hex) of the document, "" if none
    journal: str = ""  # keyed token of its container (journal, book, host), "" if unknown
    sequence: int = -1  # ordinal inside the container where the id has one, else -1


class AccessEvent(msgspec.Struct, frozen=True, gc=False):
    """One accepted line of an access or audit log."""

    time: int  # s UTC
    offset: int  # the site's offset from UTC at that time, s
    account: str  # pseudonym of the reader, "" where the line has no person
    session: str  # pseudonym, or ""
    address: str  # pseudonym of the address, or ""
    network: str  # pseudonym of the /24 or /48, or ""
    place: Location
    method: str  # upper case; "" unknown
    status: int  # HTTP status; 0 unknown
    size: int  # bytes sent; -1 unknown
    resource: Resource
    referer: str = ""  # class: "", "none", "same", "search", "discovery", "library", "shadow", "other"
    agent: str = ""  # class: "", "browser", "mobile", "reference-manager", "script", "bot", "other"
    category: str = ""  # coarse user category, where the log carries groups


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """One line that could not become an event. Never carries the line's text."""

    reason: str  # from a closed list, see pseudonymiser.ingest.REASONS
    source: str = ""  # name of the file
    line: int = 0  # number of the line in what was read, from 1
    length: int = 0  # bytes


class Reason(msgspec.Struct, frozen=True):
    """Why an alert was raised, one measure's worth."""

    detection: str  # id of the policy
    measure: str
    text: str  # a sentence for people
    observed: float
    usual: float | None  # this account's usual most; None while it has no history
    peers: float  # one in this many account-days of the site's readers reaches the observed value
    unit: str
    surprise: float  # -ln p


class SeenEntity(msgspec.Struct, frozen=True):
    """A place, network owner or platform of an account, and how familiar it is."""

    name: str
    days: float  # days on which the account was seen with it, fading
    share: float  # of the account's active days, 0 to 1
    new: bool  # first seen in this episode or in the day before it


class Picture(msgspec.Struct, frozen=True):
    """What the alert page draws: the account at the time of the alert's last update."""

    measures: tuple[Reason, ...] = ()  # every measure above its usual, most surprising first
    hours: tuple[tuple[int, int], ...] = ()  # (start of hour s UTC, documents), oldest first
    days: tuple[tuple[str, int], ...] = ()  # (local date, documents), oldest first
    usual_hour: float = 0.0  # upper edge of the account's usual documents in an hour
    usual_day: float = 0.0
    places: tuple[SeenEntity, ...] = ()  # countries and cities
    networks: tuple[SeenEntity, ...] = ()  # owner and kind
    platforms: tuple[SeenEntity, ...] = ()
    active_days: float = 0.0  # how much history there is
    groups: tuple[tuple[str, float], ...] = ()  # group of measures -> surprise


class Suppression(msgspec.Struct, frozen=True):
    """What a verdict found to be expected of the alert's account."""

    groups: tuple[str, ...]  # kinds of evidence that raise no alert of this account
    since: int  # local day of the site, days since 1970
    until: int  # first local day on which they do again


class Alert(msgspec.Struct, frozen=True):
    """One account in one episode. The same id is written again as the episode grows."""

    alert_id: str
    account: str
    opened_at: int  # event time of the event that raised it, s UTC
    updated_at: int  # event time of the newest event that changed it
    score: float  # -ln of the share of account-days that look as unusual
    probability: float  # that the account is stolen, under the policy's stated prior
    detections: tuple[str, ...]  # policy ids, strongest first
    reasons: tuple[Reason, ...]
    summary: str  # the reason in one sentence
    events: int  # events of the account since the episode opened
    documents: int  # distinct documents since then
    policy: str  # hash of the policies that were in force
    model: str  # version of the models
    picture: Picture = Picture()
    day: int = 0  # local day of the site on which it opened, days since 1970
    quiet: Suppression | None = None  # as the newest verdict that has taken effect wants it
    groups: tuple[str, ...] = ()  # of readers, when it opened: "user type: student"; for reports
