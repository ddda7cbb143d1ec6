"""Alerts as lines of JSON, and the times in them."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from service.base.errors import OutputError
from service.base.files import write_atomically
from service.records.events import Alert, Reason


class AlertLine(msgspec.Struct, frozen=True):
    """One line; the order of the fields is the order of the keys."""

    alert_id: str
    account: str
    opened_at: str
    updated_at: str
    score: float
    probability: float
    detections: tuple[str, ...]
    reasons: tuple[Reason, ...]
    summary: str
    events: int
    documents: int
    policy: str
    model: str


def rfc3339(seconds: int) -> str:
    """``2026-11-24T02:03:04Z`` for seconds since 1970 UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def alert_line(alert: Alert) -> bytes:
    """JSON with its newline."""
    line = AlertLine(
        alert_id=alert.alert_id,
        account=alert.account,
        opened_at=rfc3339(alert.opened_at),
        updated_at=rfc3339(alert.updated_at),
        score=alert.score,
        probability=alert.probability,
        detections=alert.detections,
        reasons=alert.reasons,
        summary=alert.summary,
        events=alert.events,
        documents=alert.documents,
        policy=alert.policy,
        model=alert.model,
    )
    return msgspec.json.encode(line) + b"\n"


def check_writable(path: Path) -> None:
    """Raises ``OutputError`` where ``write_alerts`` would, before long work is done in vain."""
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; give the name of a file")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: the folder cannot be written; give another, or access to it")


def write_alerts(path: Path, alerts: Iterable[Alert]) -> None:
    """One line each."""
    check_writable(path)
    write_whole(path, map(alert_line, alerts))


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Writes all or nothing: the file appears, or is replaced, when it is complete. Mode 0600."""
    try:
        write_atomically(path, parts)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); nothing was left behind") from None
