"""The site's own part: what analysts said of its alerts, how many there were, and who they fell on.

Thefts nobody found are not known here, so there is no recall; and an alert that waits for a verdict is
neither a theft nor a false alarm.
"""

from collections.abc import Mapping, Sequence

import msgspec

from models.evaluation import figures, groups
from models.evaluation.figures import FALSE
from models.evaluation.records import DAY, Cell, RaisedAlert
from service.decision.reader_groups import EVERYONE, HEAVY, Counts, dimension_of, merge_counts
from service.evaluation.report import MINIMUM_CELL, Heavy, NamedLoad, Part

HEAVY_READERS = dimension_of(HEAVY)[0]
WINDOW_DAYS = 31  # up to the newest line


class SiteAlert(msgspec.Struct, frozen=True):
    """An alert with its latest verdict, and the groups of its reader when it opened."""

    raised: RaisedAlert
    groups: tuple[str, ...]


class SiteCounts(msgspec.Struct, frozen=True):
    """What a site's database says."""

    alerts: tuple[SiteAlert, ...]
    days: Mapping[int, Counts]  # local day since 1970 -> account-days by group
    budget: float


def window(own: SiteCounts) -> SiteCounts:
    """The last days alone. Days are local to the site by its counts; alerts go by UTC."""
    last = max(own.days, default=0)
    first = last - WINDOW_DAYS + 1
    return SiteCounts(
        alerts=tuple(one for one in own.alerts if first <= one.raised.opened_at // DAY <= last),
        days={day: counts for day, counts in own.days.items() if day >= first},
        budget=own.budget,
    )


def site_part(own: SiteCounts) -> Part:
    """The figures of the window."""
    seen = window(own)
    found_cells, everyone = site_cells(seen)
    heavy = [cell for cell in found_cells if cell.dimension == HEAVY_READERS]
    found_cells = tuple(cell for cell in found_cells if cell not in heavy)
    raised = [one.raised for one in seen.alerts]
    decided = [one for one in raised if one.verdict]
    return Part(
        source="site",
        title=f"Its last {len(seen.days)} days; {len(decided)} of {len(raised)} alerts have a verdict",
        truth="verdicts",
        burden=figures.burden(everyone),
        precision=figures.precision(raised),
        loads=(NamedLoad("this site", site_load(seen)),),
        bins=figures.verdict_bins(raised),
        burdens=groups.compare(found_cells, everyone, MINIMUM_CELL),
        heavy=tuple(Heavy(cell.group, figures.burden(cell), None) for cell in heavy),
    )


def site_load(own: SiteCounts) -> figures.Load:
    """Alerts a day over the days counted."""
    raised = [one.raised for one in own.alerts]
    return figures.load(raised, min(own.days, default=0), max(own.days, default=-1), 0, own.budget)


def site_cells(own: SiteCounts) -> tuple[tuple[Cell, ...], Cell]:
    """Every group, and everyone."""
    counts = merge_counts(own.days.values())
    made = [_cell(group, count.account_days, own.alerts) for group, count in counts.items()]
    everyone = next((cell for cell in made if not cell.dimension), Cell("", EVERYONE, 0, 0, 0))
    return tuple(cell for cell in made if cell.dimension), everyone


def _cell(group: str, account_days: int, alerts: Sequence[SiteAlert]) -> Cell:
    mine = [one.raised for one in alerts if group in one.groups]
    false = sum(alert.verdict in FALSE for alert in mine)
    return Cell(*dimension_of(group), account_days, len(mine), false)
