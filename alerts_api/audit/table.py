"""Acts as a table for spreadsheets."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime

from alerts_api.audit.reading import AuditEntry

HEADINGS = (
    *("entry", "time", "act", "actor", "role", "alert", "account"),
    *("reason", "case", "outcome", "request", "note", "times", "intact"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(entries: Iterable[AuditEntry]) -> str:
    """Comma-separated, with a line of headings."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    writer.writerows([harmless(str(cell)) for cell in _cells(entry)] for entry in entries)
    return out.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula.

    >>> harmless("=1+1"), harmless("verdict")
    ("'=1+1", 'verdict')
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _cells(entry: AuditEntry) -> tuple[object, ...]:
    record, intact = entry.record, "yes" if entry.fits else "no"
    if record is None:
        return (entry.index, *("" for _ in HEADINGS[2:]), "no")
    return (
        *(entry.index, datetime.fromtimestamp(record.at, UTC).isoformat(), record.kind, record.actor),
        *(record.role, record.alert, entry.account, record.reason, record.case, record.outcome),
        *(record.request, entry.note, record.times or "", intact),
    )
