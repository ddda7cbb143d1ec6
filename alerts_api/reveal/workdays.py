"""Working days, Monday to Friday, UTC. Holidays are unknown: a deadline comes early rather than late."""

from datetime import UTC, datetime, timedelta

_SATURDAY = 5


def after(moment: float, days: int) -> float:
    """The same time of day so many working days later; both are s UTC.

    >>> friday = datetime(2026, 11, 27, 10, tzinfo=UTC).timestamp()
    >>> datetime.fromtimestamp(after(friday, 1), UTC).strftime("%a %d %b %H:%M")
    'Mon 30 Nov 10:00'
    """
    at = datetime.fromtimestamp(moment, UTC)
    while days:
        at += timedelta(days=1)
        days -= at.weekday() < _SATURDAY
    return at.timestamp()
