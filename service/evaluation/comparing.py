"""A report against the one before: what moved, and whether by more than chance."""

import msgspec

from models.evaluation.changes import Change, proportion_change, rate_change
from service.evaluation.report import Part, PartChanges, Report


def compared(report: Report, before: Report | None) -> Report:
    """The report with what changed since ``before``, part by part where both have the part."""
    if before is None:
        return report
    old = {(part.source, part.title): part for part in before.parts}
    changes = tuple(
        PartChanges(part.source, _changes(old[part.source, part.title], part))
        for part in report.parts
        if (part.source, part.title) in old
    )
    return msgspec.structs.replace(report, before=before.made_at, changes=changes)


def _changes(before: Part, now: Part) -> tuple[Change, ...]:
    recall = {family.family: family.found for family in before.families}
    return (
        rate_change("false alarms per 10,000 account-days", before.burden, now.burden),
        proportion_change("precision", before.precision, now.precision),
        *(
            proportion_change(f"recall: {family.family}", recall[family.family], family.found)
            for family in now.families
            if family.family in recall
        ),
    )
