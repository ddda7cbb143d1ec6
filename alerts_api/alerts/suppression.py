"""What an alert's page says of the quiet that a verdict asked for. Pure."""

import msgspec

from alerts_api.alerts.records import JudgedAlert
from alerts_api.alerts.verdicts import Verdict

KINDS = {
    "rate": "documents within an hour",
    "day": "documents within a day",
    "week": "documents within a week",
    "spread": "number of networks and places",
    "travel": "travel",
    "targets": "platforms and journals",
    "errors": "refused pages and failed logins",
    "rhythm": "rhythm and order of documents",
    "novelty": "unfamiliar networks, platforms and hours",
}
CHOICES = (30, 90, 180, 365)  # days


class SuppressionRequest(msgspec.Struct, frozen=True):
    """Of the newest verdict, "expected"."""

    days: int
    note: str
    teaches: bool
    kinds: tuple[str, ...] = ()  # of evidence, in words; none before it is in force
    since: int = 0  # local day of the site, days since 1970
    until: int = 0


def suppression_of(found: JudgedAlert) -> SuppressionRequest | None:
    """None where the newest verdict asks for none."""
    if not found.history:
        return None
    newest = found.history[0]
    if newest.verdict != Verdict.EXPECTED or not newest.quiet_days:
        return None
    requested = SuppressionRequest(newest.quiet_days, newest.note, newest.teaches)
    quiet = found.alert.quiet
    if quiet is None or not requested.teaches:
        return requested
    kinds = tuple(KINDS.get(name, name) for name in quiet.groups)
    return msgspec.structs.replace(requested, kinds=kinds, since=quiet.since, until=quiet.until)


def choices(proposed: int) -> tuple[int, ...]:
    """Days to choose from, none first."""
    return (0, *sorted({*CHOICES, proposed}))
