"""Account-days and their groups, as the events of a log tell them: the denominators of every rate.

A group belongs to an account-day, not to a person: where it was read from, over what, when. Only the user
type is the account's own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from models.evaluation.records import DAY, Cell, RaisedAlert
from service.records.events import AccessEvent, NetworkKind

NIGHT = frozenset({22, 23, 0, 1, 2, 3, 4, 5})  # hours of the local day
UNKNOWN = "unknown"

AccountDay = tuple[int, int]  # number of the account, local day since 1970


class Groups(msgspec.Struct, frozen=True, array_like=True):
    """Of one account-day; each attribute is a dimension."""

    country: str  # newest one off campus; "on campus" if there was none
    network: str  # kind of network that most lines came over
    vpn: bool  # a VPN or a hosting network was among them
    night: bool  # most lines came between 22 and 6 o'clock


class _Doings:
    """What is counted of an account-day while its lines come."""

    __slots__ = ("country", "kinds", "lines", "night")

    def __init__(self) -> None:
        self.country, self.lines, self.night = "", 0, 0
        self.kinds: Counter[str] = Counter()


class Census:
    """Counts account-days while a log is read."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}  # account -> number, by first appearance
        self.category: dict[int, str] = {}  # where the log carries groups, newest
        self._days: dict[AccountDay, _Doings] = {}

    def see(self, events: Iterable[AccessEvent]) -> None:
        """Take in events of accounts."""
        for event in events:
            number = self.numbers.setdefault(event.account, len(self.numbers))
            local = event.time + event.offset
            key = (number, local // DAY)
            day = self._days.get(key)
            if day is None:
                day = self._days[key] = _Doings()
            day.lines += 1
            day.night += local % DAY // 3600 in NIGHT
            day.kinds[event.place.kind] += 1
            if event.place.kind != NetworkKind.CAMPUS and event.place.country:
                day.country = event.place.country
            if event.category:
                self.category[number] = event.category

    def account_days(self) -> dict[AccountDay, Groups]:
        return {key: _groups(day) for key, day in self._days.items()}


def _groups(day: _Doings) -> Groups:
    away = set(day.kinds) - {NetworkKind.CAMPUS}
    return Groups(
        country=day.country or (UNKNOWN if away else "on campus"),
        network=str(day.kinds.most_common(1)[0][0]),
        vpn=bool(away & {NetworkKind.VPN, NetworkKind.HOSTING}),
        night=2 * day.night > day.lines,
    )


def cells(
    account_days: Mapping[AccountDay, Groups],
    types: Mapping[int, str],
    alerts: Iterable[tuple[RaisedAlert, bool]],  # with whether it is a theft
    offset: int,
) -> tuple[tuple[Cell, ...], Cell]:
    """Every group of every dimension, and everyone. An alert belongs to the account-day it opened on."""
    days: Counter[tuple[str, str]] = Counter()
    raised: Counter[tuple[str, str]] = Counter()
    false: Counter[tuple[str, str]] = Counter()
    home = _home(account_days)
    for (number, _), groups in account_days.items():
        days.update(_names(groups, types.get(number, UNKNOWN), home))
    for alert, theft in alerts:
        known = account_days.get((alert.account, (alert.opened_at + offset) // DAY))
        if known is not None:
            names = _names(known, types.get(alert.account, UNKNOWN), home)
            raised.update(names)
            false.update(() if theft else names)
    made = tuple(Cell(*name, days[name], raised[name], false[name]) for name in sorted(days))
    everyone = [cell for cell in made if cell.dimension == "VPN"]
    return made, Cell(
        dimension="",
        group="everyone",
        account_days=len(account_days),
        alerts=sum(cell.alerts for cell in everyone),
        false_alarms=sum(cell.false_alarms for cell in everyone),
    )


def _home(account_days: Mapping[AccountDay, Groups]) -> str:
    """The country that most account-days off campus are in."""
    counted = Counter(g.country for g in account_days.values() if len(g.country) == 2)
    return counted.most_common(1)[0][0] if counted else ""


def _names(groups: Groups, kind: str, home: str) -> tuple[tuple[str, str], ...]:
    place = "abroad" if len(groups.country) == 2 and groups.country != home else "at home or on campus"
    return (
        ("user type", kind),
        ("off-campus country", groups.country),
        ("abroad", place),
        ("network kind", groups.network),
        ("VPN", "over a VPN or hosting network" if groups.vpn else "without"),
        ("time of day", "mostly at night" if groups.night else "mostly by day"),
    )
