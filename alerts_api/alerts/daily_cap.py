"""The daily cap: of each day's alerts, so many of the highest score are in the queue; the others overflow.

Ranked here, where all alerts of the site are together, and not where they are raised: workers do not see
each other's alerts within a day, and the strongest alert of a day may be its last. What was judged keeps its
place, so that a verdict does not let the next one in. The order follows from the alerts alone, so it is the
same however they arrived.
"""

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from alerts_api.alerts.records import Overflow
from alerts_api.storage import tables

_ALERT = tables.alerts.c


def within_daily_cap(daily_cap: int) -> ColumnElement[bool]:
    """Alerts that fewer than ``daily_cap`` of their day are ahead of."""
    other = tables.alerts.alias("other")
    ahead = or_(
        other.c.score > _ALERT.score,
        and_(other.c.score == _ALERT.score, other.c.alert_id < _ALERT.alert_id),
    )
    count = select(func.count()).select_from(other).where(other.c.day == _ALERT.day, ahead)
    return count.scalar_subquery() < daily_cap


def read_overflow(connection: Connection, daily_cap: int) -> tuple[Overflow, ...]:
    """How many open alerts of each day are beyond the daily cap, the newest days first."""
    found = (
        select(_ALERT.day, func.count())
        .where(_ALERT.verdict == "", ~within_daily_cap(daily_cap))
        .group_by(_ALERT.day)
        .order_by(_ALERT.day.desc())
    )
    return tuple(Overflow(*row) for row in connection.execute(found))
