"""What moved at the site, read from the store and put in words."""

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, select

from alerts_api.storage import tables
from service.kernel.measure_types import MeasureGroup
from service.records.drift_report import BUSY, BYTES, NAME, NETWORKS, PUBLISHER, QUIET, DriftReport


@dataclass(frozen=True, slots=True)
class CauseWords:
    """How a cause is told."""

    title: str
    meaning: str


CAUSES: dict[str, CauseWords] = {
    NETWORKS: CauseWords(
        "All networks are new",
        "Readers come from networks that the site has never seen: the proxy was moved or stands behind "
        "another balancer, or its log writes other addresses. Networks and places count less meanwhile.",
    ),
    BYTES: CauseWords(
        "Bytes are missing",
        "Lines no longer tell how much was sent: LogFormat or proxy was changed. Megabytes count less "
        "meanwhile.",
    ),
    PUBLISHER: CauseWords(
        "A publisher has changed",
        "Its readers left or came all at once, or its documents are no longer recognised: its addresses are "
        "others. New platforms count less meanwhile.",
    ),
    BUSY: CauseWords("Busier than usual", "More readers than on such a weekday: exams, a new term."),
    QUIET: CauseWords(
        "Quieter than usual", "Fewer readers than on such a weekday: vacation, or lines missing."
    ),
}
FIGURES = {
    "evidence": "Evidence of an account-day",
    "accounts": "Accounts a day",
    **{f"measures/{g.name.lower()}": f"Measures of {g.name.lower()}" for g in MeasureGroup},
    **{f"surprises/{g.name.lower()}": f"Surprise of {g.name.lower()}" for g in MeasureGroup},
}


def read_drift(connection: Connection) -> DriftReport:
    """As of the newest close of a day; an empty one before the first."""
    found = connection.execute(select(tables.shared.c.state).where(tables.shared.c.name == NAME)).scalar()
    return DriftReport() if found is None else msgspec.json.decode(found, type=DriftReport)
