"""What figures are made from. Accounts are numbers; times are event times in whole seconds since 1970 UTC."""

import msgspec

DAY = 86_400  # s
GRACE = DAY  # s after a theft's last line in which an alert still counts as having found it


class RaisedAlert(msgspec.Struct, frozen=True):
    """One alert."""

    account: int
    opened_at: int
    score: float  # -ln of the share of account-days that look as unusual
    probability: float  # stated with it, that the account is stolen
    verdict: str = ""  # the analysts' latest word, "" while open


class Theft(msgspec.Struct, frozen=True):
    """One theft, as only simulated or injected ones are known."""

    account: int
    family: str
    started_at: int  # the thief's first and last line
    ended_at: int
    document_times: tuple[int, ...]  # when each document was first got, ascending


class DetectedTheft(msgspec.Struct, frozen=True):
    """A theft, and what the alerts made of it."""

    theft: Theft
    out: int | None  # documents out when the first alert opened; None if none did


class Cell(msgspec.Struct, frozen=True):
    """Account-days of one group of readers, and the alerts that opened on them."""

    dimension: str
    group: str
    account_days: int
    alerts: int
    false_alarms: int  # alerts that were no theft


def found(thefts: tuple[Theft, ...], alerts: tuple[RaisedAlert, ...]) -> tuple[DetectedTheft, ...]:
    """Each theft with its first alert: of its account, between its first line and a day after its last."""
    opened: dict[int, list[int]] = {}
    for alert in alerts:
        opened.setdefault(alert.account, []).append(alert.opened_at)
    return tuple(DetectedTheft(theft, _out(theft, opened.get(theft.account, []))) for theft in thefts)


def _out(theft: Theft, opened: list[int]) -> int | None:
    first = min((at for at in opened if theft.started_at <= at <= theft.ended_at + GRACE), default=None)
    return None if first is None else sum(at <= first for at in theft.document_times)


def is_theft(alert: RaisedAlert, thefts: tuple[Theft, ...]) -> bool:
    """Whether the alert is one of those by which ``found`` finds a theft."""
    return any(
        theft.account == alert.account and theft.started_at <= alert.opened_at <= theft.ended_at + GRACE
        for theft in thefts
    )
