"""Groups of readers as reports compare them: which an account-day belongs to, and how many there were.

Counted from accounts' records at the close of a day, so any number of shares come to the same; an alert
carries the groups of the moment it opened. Nothing but counts is kept, a day each.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import numpy as np

from service.base.decoding import decoding_guard
from service.kernel.encoder import HOSTING, KIND_BIT
from service.policy.model import Readers

EVERYONE = "everyone"
KEPT_DAYS = 62  # a month's report looks back over the month before it
PREFIX = "groups/"
_DAY_PARTS = 0b0111_1110  # of hour_seen: 3 to 21 o'clock
_HOSTING = sum(KIND_BIT[kind] for kind in HOSTING)
_SPAN = 86_400  # s for which a country counts as the day's

Names = Mapping[int, str]  # key -> category or country
HEAVY = "heavy readers: named by policy"


class GroupCount(msgspec.Struct, frozen=True, array_like=True):
    """Account-days of one group on one day, alerts that opened on them, and how many came near to one."""

    account_days: int
    alerts: int
    near: int = 0  # see ``service.decision.group_balance``; none in what earlier releases counted
    thefts: int = 0  # of the alerts of the last KEPT_DAYS, as far as analysts had confirmed them that day


Counts = Mapping[str, GroupCount]  # "dimension: group"


def dimension_of(group: str) -> tuple[str, str]:
    """Split a group's name into its dimension and its value.

    >>> dimension_of("user type: student"), dimension_of("everyone")
    (('user type', 'student'), ('', 'everyone'))
    """
    dimension, found, name = group.partition(": ")
    return (dimension, name) if found else ("", group)


def groups_of(state: np.void, account: str, names: Names, readers: Readers) -> tuple[str, ...]:
    """Of an account on its present day, everyone among them; heavy readers are compared with nobody."""
    if account in readers.heavy:
        return (HEAVY,)
    kinds = int(state["kinds"])
    over = [str(kind) for kind, bit in KIND_BIT.items() if kinds & bit]
    night = not int(state["hour_seen"]) & _DAY_PARTS
    assisted = "assisted readers" if account in readers.assisted else "others"
    return (
        EVERYONE,
        f"user type: {names.get(int(state['category']), 'unknown')}",
        f"off-campus country: {_country(state, names)}",
        *(f"network kind: {kind}" for kind in over),
        f"VPN: {'over a VPN or hosting network' if kinds & _HOSTING else 'without'}",
        f"time of day: {'at night only' if night else 'by day'}",
        *((f"arrangements: {assisted}",) if readers.assisted else ()),
    )


def _country(state: np.void, names: Names) -> str:
    """The newest of the day; that of the campus network too, since a record does not tell them apart."""
    slots = state["countries"]
    newest = slots[int(slots["last"].argmax())]
    lately = int(newest["key"]) and int(newest["last"]) > int(state["last_time"]) - _SPAN
    return names.get(int(newest["key"]), "unknown") if lately else "unknown"


def count(
    readers: Sequence[Sequence[str]],
    highest: Sequence[float],
    opened: Sequence[bool],
    near: Callable[[float, Sequence[str]], bool],
    stolen: Iterable[Sequence[str]] = (),
) -> Counts:
    """Of the accounts active on a day: their groups, highest scores, and whether each opened an alert.

    ``near`` says of a day's highest score and the groups whether it came near to an alert; ``stolen`` are the
    groups of each confirmed theft.
    """
    days: Counter[str] = Counter()
    alerts: Counter[str] = Counter()
    nearly: Counter[str] = Counter()
    for groups, score, alert in zip(readers, highest, opened, strict=True):
        days.update(groups)
        alerts.update(groups if alert else ())
        nearly.update(groups if near(score, groups) else ())
    thefts = Counter(group for groups in stolen for group in groups)
    return {
        group: GroupCount(days[group], alerts[group], nearly[group], thefts[group])
        for group in sorted(days.keys() | thefts.keys())
    }


def merge_counts(parts: Iterable[Counts]) -> Counts:
    """Of disjoint parts of the accounts, or, thefts apart, of several days."""
    total: dict[str, GroupCount] = {}
    for part in parts:
        for group, more in part.items():
            before = total.get(group, GroupCount(0, 0))
            total[group] = GroupCount(
                before.account_days + more.account_days,
                before.alerts + more.alerts,
                before.near + more.near,
                before.thefts + more.thefts,
            )
    return dict(sorted(total.items()))


class GroupHistory:
    """Counts of the last days, each day in a blob of its own that a later one replaces."""

    def __init__(self, days: Mapping[int, Counts] | None = None) -> None:
        self._days = dict(days or {})

    @property
    def whole(self) -> Counts:
        """Of all its days; thefts as the newest tells them."""
        newest = self._days[max(self._days)] if self._days else {}
        return {
            group: msgspec.structs.replace(count, thefts=newest[group].thefts if group in newest else 0)
            for group, count in merge_counts(self._days.values()).items()
        }

    def add_day(self, day: int, counts: Counts) -> str:
        """Gives the name of the day's blob."""
        self._days = {d: c for d, c in self._days.items() if d > day - KEPT_DAYS}
        self._days[day] = counts
        return _name(day)

    def blob(self, name: str) -> bytes:
        """Empty for a day that is too old by now."""
        day = next((day for day in self._days if _name(day) == name), 0)
        return msgspec.msgpack.encode((day, self._days[day])) if day else b""


def _name(day: int) -> str:
    return f"{PREFIX}{day % KEPT_DAYS:02d}"


def read_group_history(shared: Mapping[str, bytes]) -> dict[int, Counts]:
    """Counts by local day since 1970, oldest first, from a site's blobs. Raises StateError."""
    with decoding_guard("counts of groups"):
        decoder = msgspec.msgpack.Decoder(tuple[int, dict[str, GroupCount]])
        found = [decoder.decode(blob) for name, blob in shared.items() if name.startswith(PREFIX) and blob]
    return dict(sorted(found))
