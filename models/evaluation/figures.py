"""Recall, documents out, precision, load and calibration.

A theft is found if an alert of its account opens between its first line and a day after its last; an alert
that finds none is a false alarm. What is warming up (the first days of a log) is left out of the load only:
thefts do not begin there.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from models.evaluation.intervals import Proportion, Quartiles, proportion, quartiles
from models.evaluation.records import DAY, Cell, DetectedTheft, RaisedAlert, Theft, found, is_theft

APART = ("mimic",)  # families that nobody claims to find: a thief who reads as the reader does
EDGES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0)  # of stated probability, for the calibration plot
WINDOW = 14  # days over which alerts a day are held to the budget
TRUE, FALSE = ("confirmed",), ("expected", "wrong-logic", "wrong-data")  # verdicts that decide


class Family(msgspec.Struct, frozen=True):
    """Thefts of one family, or of several together."""

    family: str
    found: Proportion
    taken: Quartiles  # documents of a theft
    out: Quartiles  # documents out before the alert, of thefts found
    out_all: Quartiles  # the same with all that was taken for thefts not found


class Load(msgspec.Struct, frozen=True):
    """Alerts a day after the warm-up."""

    days: int
    alerts: int
    budget: float  # alerts a day asked for
    per_day: float
    worst_day: int
    lowest_window: float  # alerts a day over any ``WINDOW`` days
    highest_window: float


class Bin(msgspec.Struct, frozen=True):
    """Alerts whose stated probability lay between two edges, and the share of them that were thefts."""

    low: float
    high: float
    stated: float  # mean of what was stated
    true: Proportion


class Burden(msgspec.Struct, frozen=True):
    """Alerts against account-days."""

    account_days: int
    alerts: int
    false_alarms: int
    per_10000: float  # alerts per 10,000 account-days
    false_per_10000: float


class DetectorSummary(msgspec.Struct, frozen=True):
    """One way of detecting, in a line: what a table of several compares."""

    name: str
    budget: float
    recall: Proportion  # all families but those apart
    out: Quartiles
    per_day: float
    burden: Burden


def families(thefts: Sequence[DetectedTheft]) -> tuple[Family, ...]:
    """A row for each family in order of the alphabet, then all but those apart, then all."""
    names = sorted({one.theft.family for one in thefts})
    rows = [_family(name, [one for one in thefts if one.theft.family == name]) for name in names]
    causal = [one for one in thefts if one.theft.family not in APART]
    return (*rows, _family("all but mimic", causal), _family("all", thefts))


def _family(name: str, thefts: Sequence[DetectedTheft]) -> Family:
    out = [one.out for one in thefts if one.out is not None]
    taken = [len(one.theft.document_times) for one in thefts]
    return Family(
        family=name,
        found=proportion(len(out), len(thefts)),
        taken=quartiles(taken),
        out=quartiles(out),
        out_all=quartiles([t if one.out is None else one.out for one, t in zip(thefts, taken, strict=True)]),
    )


def load(alerts: Sequence[RaisedAlert], first: int, last: int, offset: int, budget: float) -> Load:
    """Alerts a day over local days ``first`` to ``last`` (since 1970); ``offset`` of the site in s."""
    days = max(0, last - first + 1)
    opened = Counter((alert.opened_at + offset) // DAY for alert in alerts)
    counts = [opened[day] for day in range(first, first + days)]
    span = min(WINDOW, days)
    windows = [sum(counts[at : at + span]) / span for at in range(days - span + 1)] if span else [0.0]
    return Load(
        days=days,
        alerts=sum(counts),
        budget=budget,
        per_day=round(sum(counts) / days, 3) if days else 0.0,
        worst_day=max(counts, default=0),
        lowest_window=round(min(windows), 3),
        highest_window=round(max(windows), 3),
    )


def truth_bins(alerts: Sequence[RaisedAlert], thefts: tuple[Theft, ...]) -> tuple[Bin, ...]:
    """Calibration against what is known to be theft."""
    return _bins([(alert.probability, is_theft(alert, thefts)) for alert in alerts])


def verdict_bins(alerts: Sequence[RaisedAlert]) -> tuple[Bin, ...]:
    """Calibration against verdicts that decide."""
    return _bins([(a.probability, a.verdict in TRUE) for a in alerts if a.verdict in TRUE + FALSE])


def _bins(judged: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    bins = []
    for low, high in pairwise(EDGES):
        inside = [(p, true) for p, true in judged if low <= p < high or p == high == EDGES[-1]]
        if inside:
            stated = sum(p for p, _ in inside) / len(inside)
            true = proportion(sum(true for _, true in inside), len(inside))
            bins.append(Bin(low, high, round(stated, 4), true))
    return tuple(bins)


def precision(alerts: Sequence[RaisedAlert]) -> Proportion:
    """Share of confirmed among alerts whose verdict decides; open and undetermined ones are left out."""
    return proportion(sum(a.verdict in TRUE for a in alerts), sum(a.verdict in TRUE + FALSE for a in alerts))


def true_share(alerts: Sequence[RaisedAlert], thefts: tuple[Theft, ...]) -> Proportion:
    """The same by what is known to be theft."""
    return proportion(sum(is_theft(alert, thefts) for alert in alerts), len(alerts))


def burden(everyone: Cell) -> Burden:
    """Alerts and false alarms per 10,000 account-days."""
    days = max(everyone.account_days, 1)
    return Burden(
        account_days=everyone.account_days,
        alerts=everyone.alerts,
        false_alarms=everyone.false_alarms,
        per_10000=round(1e4 * everyone.alerts / days, 2),
        false_per_10000=round(1e4 * everyone.false_alarms / days, 2),
    )


def summary(
    name: str,
    alerts: tuple[RaisedAlert, ...],
    thefts: tuple[Theft, ...],
    account_days: int,
    loads: Sequence[Load],
) -> DetectorSummary:
    """The line of one way of detecting, over logs with these loads."""
    causal = tuple(theft for theft in thefts if theft.family not in APART)
    row = _family(name, found(causal, alerts))
    false = sum(not is_theft(alert, thefts) for alert in alerts)
    cell = Cell("", "", account_days, len(alerts), false)
    days = max(sum(one.days for one in loads), 1)
    per_day = round(sum(one.alerts for one in loads) / days, 3)
    return DetectorSummary(name, max(one.budget for one in loads), row.found, row.out, per_day, burden(cell))
