"""Is everyone burdened alike? False alarms per account-day by group, against the rate of all.

Groups too small to tell, or to be told, are pooled within their dimension: those of fewer account-days than
the minimum cell, and those that would have fewer than five false alarms at everyone's rate (Cochran's rule,
Biometrics 10 (1954) 417). What is left is compared one by one with an exact test, corrected after Holm, and
where the groups of a dimension part all account-days among them, together by chi-square.

The worst group is looked for where a ratio says something: among groups of at least ``LEAST_JUDGED`` false
alarms to be expected, smaller ones pooled for that question, and among all that chance does not explain.

Alerts of one account are not independent, so intervals are a little too narrow.
"""

from collections.abc import Sequence

import msgspec

from models.evaluation.intervals import Ratio, holm, ratio
from models.evaluation.records import Cell

LEAST_EXPECTED = 5.0  # false alarms
LEAST_JUDGED = 25.0  # the same: with fewer, one in a hundred groups like everyone shows 1.5 times by chance
BEYOND_CHANCE = 0.05  # corrected p below which chance does not explain a ratio
POOLED = "others, pooled"


class GroupBurden(msgspec.Struct, frozen=True):
    """One group against everyone."""

    dimension: str
    group: str
    members: tuple[str, ...]  # the groups that were pooled into it; empty for a single one
    account_days: int
    alerts: int
    false_alarms: int
    per_10000: float  # alerts per 10,000 account-days
    false_per_10000: float
    against_all: Ratio  # of false alarms
    corrected_p: float  # after Holm, among all groups of the report


class Dimension(msgspec.Struct, frozen=True):
    """Do the groups of a dimension differ? p of chi-square; None where they overlap, or one is too small."""

    dimension: str
    groups: int
    p: float | None


class Burdens(msgspec.Struct, frozen=True):
    """All groups, and what to look at first."""

    groups: tuple[GroupBurden, ...]
    dimensions: tuple[Dimension, ...]
    worst: GroupBurden | None  # highest ratio of those, single or pooled, that can be judged


def compare(cells: Sequence[Cell], everyone: Cell, least_account_days: int) -> Burdens:
    """``cells`` of any dimensions against ``everyone``; those under ``least_account_days`` are pooled."""
    groups = _compared(cells, everyone, least_account_days, LEAST_EXPECTED)
    large = _compared(cells, everyone, least_account_days, LEAST_JUDGED)
    judged = [
        *(group for group in large if _expected(group, everyone) >= LEAST_JUDGED),
        *(group for group in groups if group.corrected_p < BEYOND_CHANCE),
    ]
    dimensions = tuple(
        _dimension(name, [g for g in groups if g.dimension == name], everyone)
        for name in dict.fromkeys(group.dimension for group in groups)
    )
    return Burdens(groups, dimensions, max(judged, key=lambda g: g.against_all.ratio, default=None))


def _compared(
    cells: Sequence[Cell], everyone: Cell, least_account_days: int, least_expected: float
) -> tuple[GroupBurden, ...]:
    kept = [
        pooled
        for dimension in dict.fromkeys(cell.dimension for cell in cells)
        for pooled in _pooled(
            [c for c in cells if c.dimension == dimension], everyone, least_account_days, least_expected
        )
    ]
    ratios = [
        ratio(cell.false_alarms, cell.account_days, everyone.false_alarms, everyone.account_days)
        for cell, _ in kept
    ]
    corrected = holm([one.p for one in ratios])
    return tuple(
        _group(cell, members, against, p)
        for (cell, members), against, p in zip(kept, ratios, corrected, strict=True)
    )


def _expected(group: Cell | GroupBurden, everyone: Cell) -> float:
    """False alarms at everyone's rate."""
    return everyone.false_alarms * group.account_days / max(everyone.account_days, 1)


def _pooled(
    cells: Sequence[Cell], everyone: Cell, least_account_days: int, least_expected: float
) -> list[tuple[Cell, tuple[str, ...]]]:
    """Cells that can stand alone, most account-days first, then the rest as one with its members."""
    ordered = sorted(cells, key=lambda c: (-c.account_days, c.group))
    alone = [
        c
        for c in ordered
        if c.account_days >= least_account_days and _expected(c, everyone) >= least_expected
    ]
    rest = [c for c in ordered if c not in alone]
    if len(rest) == 1 and rest[0].account_days >= least_account_days:
        alone, rest = [*alone, *rest], []  # with nothing to pool it with, its wide interval says enough
    kept: list[tuple[Cell, tuple[str, ...]]] = [(c, ()) for c in alone]
    if rest:
        cell = Cell(
            dimension=rest[0].dimension,
            group=POOLED,
            account_days=sum(c.account_days for c in rest),
            alerts=sum(c.alerts for c in rest),
            false_alarms=sum(c.false_alarms for c in rest),
        )
        kept.append((cell, tuple(c.group for c in rest)))
    return kept


def _group(cell: Cell, members: tuple[str, ...], against: Ratio, corrected: float) -> GroupBurden:
    days = max(cell.account_days, 1)
    return GroupBurden(
        dimension=cell.dimension,
        group=cell.group,
        members=members,
        account_days=cell.account_days,
        alerts=cell.alerts,
        false_alarms=cell.false_alarms,
        per_10000=round(1e4 * cell.alerts / days, 2),
        false_per_10000=round(1e4 * cell.false_alarms / days, 2),
        against_all=against,
        corrected_p=corrected,
    )


def _dimension(name: str, groups: Sequence[GroupBurden], everyone: Cell) -> Dimension:
    parted = sum(g.account_days for g in groups) == everyone.account_days
    counted = sum(g.false_alarms for g in groups) == everyone.false_alarms
    expected = [_expected(g, everyone) for g in groups]
    if not (parted and counted and len(groups) > 1 and min(expected) >= LEAST_EXPECTED):
        return Dimension(name, len(groups), None)
    from scipy.stats import chisquare  # noqa: PLC0415 - as in ``intervals``

    test = chisquare([g.false_alarms for g in groups], expected)
    return Dimension(name, len(groups), round(float(test.pvalue), 6))
