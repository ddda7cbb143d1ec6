"""What the pages and the JSON API show. The stream's own records are in :mod:`service.records.events`."""

import msgspec

from service.records.checkpoints import Trace
from service.records.events import Alert


class AlertRow(msgspec.Struct, frozen=True):
    """One line of the queue."""

    number: int  # short id, in order of arrival
    alert_id: str
    account: str
    opened_at: int  # s UTC
    updated_at: int  # s UTC
    score: float
    probability: float
    severity: str  # "low", "medium", "high"
    detections: tuple[str, ...]
    summary: str
    events: int
    documents: int
    verdict: str  # "" while open
    grown: bool  # changed since its verdict


class AlertPage(msgspec.Struct, frozen=True):
    """A page of the queue."""

    total: int  # alerts that match the filters
    page: int  # from 1
    size: int
    alerts: tuple[AlertRow, ...]


class Overflow(msgspec.Struct, frozen=True):
    """Open alerts of one day that its daily cap hides."""

    day: int  # of the site, days since 1970
    alerts: int


class Judgement(msgspec.Struct, frozen=True):
    """One entry of an alert's history."""

    verdict: str
    note: str
    actor: str  # name, or where none is known what the audit log calls this person
    created_at: float  # wall clock, s UTC
    quiet_days: int  # for which the like shall raise no alert of the account
    teaches: bool  # false beyond what one analyst may teach in a day


class JudgedAlert(msgspec.Struct, frozen=True):
    """An alert as a whole, with what the analysts said of it."""

    row: AlertRow
    alert: Alert
    history: tuple[Judgement, ...]  # newest first


class TracePage(msgspec.Struct, frozen=True):
    """A page of the account's events around an alert, newest first."""

    total: int
    page: int  # from 1
    size: int
    events: tuple[Trace, ...]


class StreamProgress(msgspec.Struct, frozen=True):
    """How far the site has come."""

    last_event_time: int = 0  # s UTC, 0 = nothing scored yet
    written_at: float = 0.0  # wall clock of the last checkpoint, s UTC, 0 = none yet


class Refused(msgspec.Struct, frozen=True):
    """Where a refused line was. Its text is not kept."""

    reason: str
    source: str  # name of the file
    line: int  # in what was read of it, from 1
    length: int  # bytes
    written_at: float  # wall clock of the checkpoint, s UTC


class Status(msgspec.Struct, frozen=True):
    """The state of the service as a whole."""

    status: str  # "ok", "stale" (no checkpoint for ten minutes) or "empty" (none yet)
    last_event_time: int
    written_at: float
    lag_seconds: float  # from the newest scored line to now; 0 before the first
    open_alerts: int
    newest_alert: int  # highest alert number so far, 0 = none
    lines: int
    events: int  # lines that became events
    events_without_account: int  # of them, those that name no reader
    rejected: dict[str, int]  # reason -> lines
