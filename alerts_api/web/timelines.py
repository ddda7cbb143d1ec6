"""From an alert's picture to the two time lines of its page, each with its sentence."""

from datetime import UTC, date, datetime

from alerts_api.web.charts import Line, Point
from alerts_api.web.wording import number, plural
from service.records.events import Alert

_HOUR = 3_600


def hours_line(alert: Alert) -> Line:
    """Documents in each of the last hours."""
    picture = alert.picture
    points = tuple(
        Point(label=_hour(start), tick=_hour_tick(start), value=count, at=start, end=start + _HOUR)
        for start, count in picture.hours
    )
    sentence = _sentence(points, picture.usual_hour, "hour")
    return Line(points, picture.usual_hour, _moments(alert, points), sentence)


def days_line(alert: Alert) -> Line:
    """Documents on each of the last local days."""
    picture = alert.picture
    starts = [(_midnight(day), day, count) for day, count in picture.days]
    points = tuple(
        Point(label=_day(day), tick=_day_tick(day), value=count, at=start, end=start + 24 * _HOUR)
        for start, day, count in starts
    )
    return Line(
        points, picture.usual_day, _moments(alert, points), _sentence(points, picture.usual_day, "day")
    )


def _sentence(points: tuple[Point, ...], usual: float, span: str) -> str:
    if not points:
        return ""
    peak = max(points, key=lambda point: point.value)
    above = sum(point.value > usual for point in points)
    return (
        f"At most {plural(peak.value, 'document')} in one {span} ({peak.label}). "
        f"This account's usual most is {number(usual)}; "
        f"{above} of these {plural(len(points), span)} {'is' if above == 1 else 'are'} above it."
    )


def _moments(alert: Alert, points: tuple[Point, ...]) -> tuple[tuple[float, str], ...]:
    if not points:
        return ()
    start, end = points[0].at, points[-1].end
    marked = [(alert.opened_at, "alert")]
    if alert.updated_at - alert.opened_at > (end - start) / 12:
        marked.append((alert.updated_at, "last change"))
    return tuple((float(at), word) for at, word in marked if start <= at <= end)


def _hour_tick(start: int) -> str:
    """Every sixth hour, midnight by its date."""
    moment = datetime.fromtimestamp(start, UTC)
    if moment.hour % 6:
        return ""
    return f"{moment:%H:%M}" if moment.hour else f"{moment.day} {moment:%b}"


def _day_tick(day: str) -> str:
    """Mondays."""
    return "" if date.fromisoformat(day).weekday() else _day(day)


def _hour(start: int) -> str:
    moment = datetime.fromtimestamp(start, UTC)
    return f"{moment.day} {moment:%b %H:%M}"


def _day(day: str) -> str:
    found = date.fromisoformat(day)
    return f"{found.day} {found:%b}"


def _midnight(day: str) -> int:
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp())
