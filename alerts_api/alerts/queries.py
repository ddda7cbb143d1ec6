"""Read statements of the pages and the JSON API. Each takes a connection and returns records."""

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, false, func, or_, select

from alerts_api.alerts.daily_cap import within_daily_cap
from alerts_api.alerts.detections import Detections, of_severity, severity_of
from alerts_api.alerts.filters import SPANS, Filters
from alerts_api.alerts.records import AlertPage, AlertRow, JudgedAlert, Refused, StreamProgress, TracePage
from alerts_api.alerts.restrictions import in_force, visible_alert
from alerts_api.alerts.verdicts import read_history
from alerts_api.signin.actors import Actor
from alerts_api.storage import tables
from alerts_api.storage.rows import DETECTION, PLACE, PLATFORM, to_alert, to_trace
from alerts_api.storage.tables import DAY
from service.records.checkpoints import Trace
from service.records.events import Alert

CHOICES = 200  # names offered in a filter
_BEFORE, _AFTER = DAY, 3_600  # s of an account's events shown around an alert

_ALERT = tables.alerts.c
_QUEUE = (
    _ALERT.number,
    _ALERT.alert_id,
    _ALERT.account,
    _ALERT.opened_at,
    _ALERT.updated_at,
    _ALERT.score,
    _ALERT.probability,
    _ALERT.summary,
    _ALERT.events,
    _ALERT.documents,
    _ALERT.verdict,
    _ALERT.judged_at,
)
_ORDERS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "score": (_ALERT.score.desc(), _ALERT.number.desc()),
    "newest": (_ALERT.updated_at.desc(), _ALERT.number.desc()),
    "oldest": (_ALERT.updated_at.asc(), _ALERT.number.asc()),
}


def find_alerts(
    connection: Connection, filters: Filters, reference: float, known: Detections, daily_cap: int
) -> AlertPage:
    """The page of the queue that ``filters`` ask for; periods count back from ``reference``, s UTC."""
    conditions = [*_conditions(filters, reference, known), *_under(filters, daily_cap)]
    total = connection.execute(
        select(func.count()).select_from(tables.alerts).where(*conditions)
    ).scalar_one()
    found = (
        select(*_QUEUE)
        .where(*conditions)
        .order_by(*_ORDERS[filters.sort])
        .limit(filters.size)
        .offset((filters.page - 1) * filters.size)
    )
    rows = _queue_rows(connection, found, known)
    return AlertPage(total=total, page=filters.page, size=filters.size, alerts=rows)


def get_alert(
    connection: Connection, actor: Actor, alert_id: str, known: Detections, now: float, *, case: str = ""
) -> JudgedAlert | None:
    """``None`` also for an alert that :func:`visible_alert` keeps from this person."""
    if not visible_alert(connection, actor, alert_id, now, case):
        return None
    rows = _queue_rows(connection, select(*_QUEUE).where(_ALERT.alert_id == alert_id), known)
    payload = connection.execute(select(_ALERT.payload).where(_ALERT.alert_id == alert_id)).scalar_one()
    return JudgedAlert(row=rows[0], alert=to_alert(payload), history=read_history(connection, alert_id))


def similar_alerts(
    connection: Connection, alert: Alert, known: Detections, *, limit: int = 5
) -> tuple[tuple[AlertRow, ...], tuple[AlertRow, ...]]:
    """Other alerts of the same account, and judged ones of the same strongest detection; newest first."""
    others = (
        select(*_QUEUE)
        .where(_ALERT.alert_id != alert.alert_id, _visible(0.0))
        .order_by(*_ORDERS["newest"])
        .limit(limit)
    )
    same_account = _queue_rows(connection, others.where(_ALERT.account == alert.account), known)
    alike = _marked(DETECTION, alert.detections[0]) if alert.detections else false()
    judged = others.where(_ALERT.account != alert.account, _ALERT.verdict != "", alike)
    return same_account, _queue_rows(connection, judged, known)


def events_around(connection: Connection, alert: Alert, *, page: int, size: int) -> TracePage:
    """The account's kept events from a day before the alert opened to an hour after it last changed."""
    inside = _around(alert)
    total = connection.execute(select(func.count()).select_from(tables.traces).where(*inside)).scalar_one()
    events = _traces(connection, alert, size, (page - 1) * size)
    return TracePage(total=total, page=page, size=size, events=events)


def newest_events(connection: Connection, alert: Alert, limit: int) -> tuple[Trace, ...]:
    """The newest ``limit`` of those events, oldest first."""
    return _traces(connection, alert, limit, 0)[::-1]


def read_progress(connection: Connection) -> StreamProgress:
    row = connection.execute(select(tables.feed.c.last_event_time, tables.feed.c.written_at)).one_or_none()
    return StreamProgress() if row is None else StreamProgress(*row)


def read_counters(connection: Connection) -> dict[str, int]:
    return dict(connection.execute(select(tables.counters.c.name, tables.counters.c.value)).all())


def newest_refused(connection: Connection, limit: int) -> tuple[Refused, ...]:
    """The newest refused lines of the quarantine index, newest first."""
    line = tables.rejected.c
    found = select(line.reason, line.source, line.line, line.length, line.written_at)
    rows = connection.execute(found.order_by(line.id.desc()).limit(limit))
    return tuple(Refused(*row) for row in rows)


def count_open(connection: Connection) -> int:
    return connection.execute(
        select(func.count()).select_from(tables.alerts).where(_ALERT.verdict == "", _visible(0.0))
    ).scalar_one()


def oldest_open(connection: Connection) -> int:
    """When the oldest of those that wait opened, s UTC; 0 where none waits."""
    waiting = select(func.min(_ALERT.opened_at)).where(_ALERT.verdict == "", _visible(0.0))
    return connection.execute(waiting).scalar() or 0


def count_hidden(connection: Connection, daily_cap: int) -> int:
    """Of those that wait, how many are beyond the daily cap of their day."""
    return connection.execute(
        select(func.count())
        .select_from(tables.alerts)
        .where(_ALERT.verdict == "", ~within_daily_cap(daily_cap))
    ).scalar_one()


def newest_number(connection: Connection) -> int:
    return connection.execute(select(func.max(_ALERT.number))).scalar() or 0


def count_detections(connection: Connection) -> dict[str, int]:
    """Alerts by strongest detection."""
    mark = tables.marks.c
    first = and_(mark.kind == DETECTION, mark.rank == 0)
    return dict(connection.execute(select(mark.name, func.count()).where(first).group_by(mark.name)).all())


def count_verdicts(connection: Connection) -> dict[str, int]:
    """Alerts by latest verdict; those without one are not in it."""
    counted = select(_ALERT.verdict, func.count()).where(_ALERT.verdict != "").group_by(_ALERT.verdict)
    return dict(connection.execute(counted).all())


def filter_choices(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Names that the queue can be filtered by, the commonest first: kind -> names."""
    return {kind: _names(connection, kind) for kind in (DETECTION, PLATFORM, PLACE)}


def _names(connection: Connection, kind: str) -> tuple[str, ...]:
    mark = tables.marks.c
    counted = select(mark.name).where(mark.kind == kind).group_by(mark.name)
    return tuple(
        connection.execute(counted.order_by(func.count().desc(), mark.name).limit(CHOICES)).scalars()
    )


def _conditions(filters: Filters, reference: float, known: Detections) -> list[ColumnElement[bool]]:
    found = [*_with_status(filters), _ALERT.number > filters.after, _visible(reference)]
    if filters.period in SPANS:
        found.append(_ALERT.updated_at >= math.ceil(reference) - SPANS[filters.period])
    if filters.account:
        found.append(_ALERT.account == filters.account)
    if filters.severity:
        found.append(_of_severity(filters.severity, known))
    marks = {DETECTION: filters.detection, PLATFORM: filters.platform, PLACE: filters.place}
    found.extend(_marked(kind, name) for kind, name in marks.items() if name)
    return found


def _visible(now: float) -> ColumnElement[bool]:
    """Alerts of restricted accounts are not shown to analysts."""
    return _ALERT.account.not_in(in_force(now))


def _with_status(filters: Filters) -> list[ColumnElement[bool]]:
    if filters.verdict:
        return [_ALERT.verdict == filters.verdict]
    return {"open": [_ALERT.verdict == ""], "closed": [_ALERT.verdict != ""]}.get(filters.status, [])


def _under(filters: Filters, daily_cap: int) -> list[ColumnElement[bool]]:
    if filters.overflow == "only":
        return [_ALERT.verdict == "", ~within_daily_cap(daily_cap)]
    if filters.overflow == "show" or filters.account or filters.verdict:
        return []
    return [or_(_ALERT.verdict != "", within_daily_cap(daily_cap))]


def _of_severity(severity: str, known: Detections) -> ColumnElement[bool]:
    inside, names = of_severity(severity, known)
    mark = tables.marks.c
    named = mark.name.in_(names) if inside else mark.name.not_in(names)
    return exists().where(mark.alert_id == _ALERT.alert_id, mark.kind == DETECTION, mark.rank == 0, named)


def _marked(kind: str, name: str) -> ColumnElement[bool]:
    mark = tables.marks.c
    return exists().where(mark.alert_id == _ALERT.alert_id, mark.kind == kind, mark.name == name)


def _queue_rows(connection: Connection, found: Select[Any], known: Detections) -> tuple[AlertRow, ...]:
    rows = connection.execute(found).all()
    detections = _detections(connection, [row.alert_id for row in rows])
    return tuple(_queue_row(row, detections.get(row.alert_id, ()), known) for row in rows)


def _queue_row(row: Row[Any], detections: tuple[str, ...], known: Detections) -> AlertRow:
    values = row._asdict()
    judged_at = values.pop("judged_at")
    grown = bool(row.verdict) and row.updated_at > judged_at
    severity = severity_of(detections, known)
    return AlertRow(**values, severity=severity, detections=detections, grown=grown)


def _detections(connection: Connection, alert_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    mark = tables.marks.c
    inside = and_(mark.kind == DETECTION, mark.alert_id.in_(alert_ids))
    found: dict[str, tuple[str, ...]] = {}
    for alert_id, name in connection.execute(
        select(mark.alert_id, mark.name).where(inside).order_by(mark.rank)
    ):
        found[alert_id] = (*found.get(alert_id, ()), name)
    return found


def _around(alert: Alert) -> tuple[ColumnElement[bool], ...]:
    trace = tables.traces.c
    window = trace.time.between(alert.opened_at - _BEFORE, alert.updated_at + _AFTER)
    return trace.account == alert.account, window


def _traces(connection: Connection, alert: Alert, limit: int, offset: int) -> tuple[Trace, ...]:
    trace = tables.traces.c
    found = (
        select(trace.sequence, trace.evidence, trace.event)
        .where(*_around(alert))
        .order_by(trace.time.desc(), trace.sequence.desc())
        .limit(limit)
        .offset(offset)
    )
    return tuple(to_trace(*row) for row in connection.execute(found))
