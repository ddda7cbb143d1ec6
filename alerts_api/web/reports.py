"""Reports of ``journalguard evaluate`` as a page and as a file of their own.

Both show the same body; the file carries the style sheet inside, so that it can be sent and kept.
"""

from importlib.resources import files
from pathlib import Path

import msgspec
from markupsafe import Markup

from alerts_api.storage.backend import DatabaseLocation, is_url
from alerts_api.web.plots import Spot, Whisker, reach, spots, whiskers
from alerts_api.web.rendering import page
from alerts_api.web.wording import plural
from models.evaluation.figures import Bin, DetectorSummary, Family
from models.evaluation.groups import Burdens, GroupBurden
from models.evaluation.intervals import Proportion
from service.base.errors import ReportError
from service.config.settings import REPORTS
from service.evaluation.report import Part, Report, file_name, listed, read

WORST = 1.5  # times everyone's rate of false alarms: what no group should be above
_NAMED = 5  # of groups that were pooled
_RATIO_TOP = 4.0


class ReportEntry(msgspec.Struct, frozen=True):
    """One line of the list."""

    name: str  # in the address
    report: Report
    moved: tuple[str, ...]  # figures that changed by more than chance


class Pictures(msgspec.Struct, frozen=True):
    """The plots of one part."""

    recall: Markup
    recall_says: str
    curve: Markup
    curve_says: str
    calibration: Markup
    calibration_says: str
    groups: Markup
    groups_say: str


def reports_beside(database: DatabaseLocation) -> Path | None:
    """The reports of the site that a database file belongs to; of a server there is no telling."""
    return None if is_url(database) else Path(database).parent / REPORTS


def entries(folder: Path | None) -> tuple[ReportEntry, ...]:
    """The reports of a folder, newest first; what cannot be read is left out."""
    found = []
    for path in reversed(listed(folder)) if folder else ():
        try:
            report = read(path)
        except ReportError:
            continue
        moved = tuple(c.figure for part in report.changes for c in part.changes if c.beyond)
        found.append(ReportEntry(path.stem, report, moved))
    return tuple(found)


def find(folder: Path | None, name: str) -> Report | None:
    """The report of that name; the name of a file is never made from the address."""
    return next((entry.report for entry in entries(folder) if entry.name == name), None)


def as_file(report: Report) -> str:
    """HTML that needs nothing beside it."""
    style = files("alerts_api.web").joinpath("static/app.css").read_text("utf-8")
    return page("report_file.html", **body(report), style=Markup(style), name=file_name(report))  # noqa: S704 - ours


def body(report: Report) -> dict[str, object]:
    """What the template of a report needs."""
    return {"report": report, "parts": [(part, pictures(part)) for part in report.parts], "worst": WORST}


def pictures(part: Part) -> Pictures:
    """The plots of a part, and what each says in a sentence."""
    recall, curve = _recall_says(part.families), _curve_says(part.budgets)
    calibration, groups = _calibration_says(part.bins, part.truth), _groups_say(part.burdens)
    bins = [Spot(one.stated, one.true.share, one.true.low, one.true.high) for one in part.bins]
    budgets = [Spot(s.per_day, s.recall.share, s.recall.low, s.recall.high) for s in part.budgets]
    return Pictures(
        recall=whiskers([_whisker(f.family, f.found) for f in part.families], recall, top=1.0),
        recall_says=recall,
        curve=spots(budgets, curve, across="alerts a day", up="share found", wide=reach(budgets)),
        curve_says=curve,
        calibration=spots(
            bins, calibration, across="chance stated", up="share true", wide=1.0, diagonal=True
        ),
        calibration_says=calibration,
        groups=whiskers(_ratios(part.burdens), groups, top=_RATIO_TOP, marks=(1.0, WORST)),
        groups_say=groups,
    )


def _whisker(label: str, share: Proportion) -> Whisker:
    return Whisker(label, share.share, share.low, share.high)


def _ratios(burdens: Burdens | None) -> list[Whisker]:
    groups = burdens.groups if burdens else ()
    return [
        Whisker(f"{g.dimension}: {g.group}", g.against_all.ratio, g.against_all.low, g.against_all.high)
        for g in groups
    ]


def _recall_says(families: tuple[Family, ...]) -> str:
    causal = next((f for f in families if f.family == "all but mimic"), None)
    if causal is None or not causal.found.of:
        return "No theft is known here."
    found = causal.found
    least = min((f for f in families if not f.family.startswith("all")), key=lambda f: f.found.share)
    return (
        f"{found.hits} of {found.of} thefts were found (mimic apart), half of them before "
        f"{causal.out.middle:g} documents were out; least of {least.family}, {least.found.hits} of "
        f"{least.found.of}."
    )


def _curve_says(budgets: tuple[DetectorSummary, ...]) -> str:
    if not budgets:
        return "No other budget was tried."
    first, last = budgets[0], budgets[-1]
    return (
        f"From {first.per_day:.1f} to {last.per_day:.1f} alerts a day the share of thefts found goes from "
        f"{first.recall.share:.2f} to {last.recall.share:.2f}."
    )


def _calibration_says(bins: tuple[Bin, ...], truth: str) -> str:
    if not bins:
        return "No alert has been judged yet."
    missed = sum(not one.true.low <= one.stated <= one.true.high for one in bins)
    return (
        f"Of {len(bins)} ranges of stated chance, {len(bins) - missed} agree with the share of alerts that "
        f"were thefts by {truth}."
    )


def _named(group: GroupBurden) -> str:
    """A group, or those that were pooled into it: not always the same as in the table."""
    if not group.members:
        return group.group
    named, more = ", ".join(group.members[:_NAMED]), len(group.members) - _NAMED
    return f"{named} and {plural(more, 'other')} together" if more > 0 else f"{named} together"


def _groups_say(burdens: Burdens | None) -> str:
    if burdens is None or burdens.worst is None:
        return "There are too few false alarms to say which group has most."
    worst, ratio = burdens.worst, burdens.worst.against_all
    return (
        f"The group with most false alarms for its account-days is {worst.dimension}: {_named(worst)}, with "
        f"{ratio.ratio:.2f} times everyone's rate ({ratio.low:.2f} to {ratio.high:.2f})."
    )
