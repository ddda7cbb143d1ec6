"""Statements and figures of the evaluation page: what verdicts and counts say between two reports.

What is shown can be handed on: counts below the minimum cell are not told, others are rounded (HESA's rule),
and rates are made from the rounded counts, so that no difference between two leads back to a reader.
"""

from collections.abc import Mapping, Sequence

import msgspec
from markupsafe import Markup
from sqlalchemy import Connection, select

from alerts_api.storage import tables
from alerts_api.storage.rows import to_alert
from alerts_api.web.charts import Line, Point, line_chart
from alerts_api.web.wording import day_name
from models.evaluation import figures
from models.evaluation.figures import FALSE, TRUE, Load
from models.evaluation.intervals import Proportion
from models.evaluation.records import DAY, Cell, RaisedAlert
from service.decision.reader_groups import PREFIX, Counts, read_group_history
from service.evaluation.ownsite import SiteAlert, SiteCounts, site_cells, site_load, window

MINIMUM = 10  # alerts or account-days that may be told
ROUNDING = 5
FEWER = f"under {MINIMUM}"


class GroupRow(msgspec.Struct, frozen=True):
    """One group as it is shown: rounded, or not told."""

    dimension: str
    group: str
    account_days: str
    alerts: str
    false_alarms: str
    per_10000: str


class LiveFigures(msgspec.Struct, frozen=True):
    """The figures above the list of reports."""

    days: int
    precision: Proportion
    undecided: int
    load: Load
    groups: tuple[GroupRow, ...]
    points: tuple[Point, ...]
    picture: Markup
    says: str
    minimum: int = MINIMUM
    rounding: int = ROUNDING


def read_own(connection: Connection, budget: float) -> SiteCounts:
    """All alerts with their verdicts, and the account-days that were counted."""
    alert = tables.alerts.c
    rows = connection.execute(select(alert.payload, alert.verdict).order_by(alert.number)).all()
    shared = connection.execute(
        select(tables.shared.c.name, tables.shared.c.state).where(tables.shared.c.name.startswith(PREFIX))
    ).all()
    numbers: dict[str, int] = {}
    judged = []
    for payload, verdict in rows:
        found = to_alert(payload)
        number = numbers.setdefault(found.account, len(numbers))
        raised = RaisedAlert(number, found.opened_at, found.score, found.probability, verdict)
        judged.append(SiteAlert(raised, found.groups))
    return SiteCounts(tuple(judged), read_group_history(dict(shared)), budget)


def live(own: SiteCounts) -> LiveFigures:
    """What is shown of the last days."""
    seen = window(own)
    raised = [one.raised for one in seen.alerts]
    load = site_load(seen)
    cells, _ = site_cells(seen)
    line = _line(raised, seen.days, own.budget)
    return LiveFigures(
        days=len(seen.days),
        precision=figures.precision(raised),
        undecided=sum(alert.verdict not in TRUE + FALSE for alert in raised),
        load=load,
        groups=tuple(_row(cell) for cell in cells if cell.account_days >= MINIMUM),
        points=line.points,
        picture=line_chart(line),
        says=line.sentence,
    )


def rounded(count: int) -> int:
    """Round a count, so that it points at nobody.

    >>> rounded(12), rounded(13)
    (10, 15)
    """
    return ROUNDING * ((2 * count + ROUNDING) // (2 * ROUNDING))


def _row(cell: Cell) -> GroupRow:
    days = rounded(cell.account_days)
    rate = f"{1e4 * rounded(cell.alerts) / days:,.0f}" if cell.alerts >= MINIMUM else "–"
    return GroupRow(
        cell.dimension,
        cell.group,
        _rounded_count(days),
        _rounded_count(cell.alerts),
        _rounded_count(cell.false_alarms),
        rate,
    )


def _rounded_count(count: int) -> str:
    return f"{rounded(count):,}" if count >= MINIMUM else FEWER


def _line(raised: Sequence[RaisedAlert], days: Mapping[int, Counts], budget: float) -> Line:
    """Alerts a day, with the budget as what is usual."""
    opened = [alert.opened_at // DAY for alert in raised]
    points = tuple(
        Point(
            label=day_name(day),
            tick=day_name(day) if n % 7 == 0 else "",
            value=opened.count(day),
            end=float(day + 1),
            at=float(day),
        )
        for n, day in enumerate(days)
    )
    above = sum(point.value > budget for point in points)
    sentence = f"Alerts opened on each day; {above} of {len(points)} days are above the budget of {budget:g}."
    return Line(points, budget, (), sentence)
