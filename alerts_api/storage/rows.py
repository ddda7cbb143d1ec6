"""Records to rows and back."""

from collections.abc import Iterator
from typing import Any

import msgspec

from alerts_api.storage.tables import DAY
from service.records.checkpoints import Trace
from service.records.events import AccessEvent, Alert, Rejected

Row = dict[str, Any]

DETECTION, PLATFORM, PLACE = "detection", "platform", "place"

_decode_alert = msgspec.json.Decoder(Alert).decode
_decode_event = msgspec.json.Decoder(AccessEvent).decode
_encode = msgspec.json.Encoder().encode


def alert_row(alert: Alert) -> Row:
    """The row of an alert nobody has judged yet."""
    return {
        "alert_id": alert.alert_id,
        "account": alert.account,
        "opened_at": alert.opened_at,
        "updated_at": alert.updated_at,
        "score": alert.score,
        "probability": alert.probability,
        "summary": alert.summary,
        "events": alert.events,
        "documents": alert.documents,
        "payload": _encode(alert),
        "verdict": "",
        "judged_at": 0,
        "day": alert.day or alert.opened_at // DAY,
    }


def mark_rows(alert: Alert) -> Iterator[Row]:
    """What the alert can be found by, each name once per kind."""
    names = {
        DETECTION: alert.detections,
        PLATFORM: [count.name for count in alert.picture.platforms],
        PLACE: [count.name for count in alert.picture.places],
    }
    for kind, found in names.items():
        for rank, name in enumerate(dict.fromkeys(found)):
            yield {"alert_id": alert.alert_id, "kind": kind, "name": name, "rank": rank}


def trace_row(trace: Trace) -> Row:
    event = trace.event
    return {
        "sequence": trace.sequence,
        "account": event.account,
        "time": event.time,
        "evidence": trace.evidence,
        "event": _encode(event),
    }


def rejected_row(rejected: Rejected, written_at: float) -> Row:
    return {
        "reason": rejected.reason,
        "source": rejected.source,
        "line": rejected.line,
        "length": rejected.length,
        "written_at": written_at,
    }


def to_alert(payload: bytes) -> Alert:
    return _decode_alert(payload)


def to_trace(sequence: int, evidence: float, event: bytes) -> Trace:
    return Trace(sequence=sequence, event=_decode_event(event), evidence=evidence)
