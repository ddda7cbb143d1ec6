"""The measures an account is judged by, each described once: adding one is a row of ``M`` here, and its test.

A measure is a number >= 0 taken after every event. Most are counters of what events add (:class:`Signal`).
Windows are exponential: a counter with time constant T is multiplied by exp(-dt/T) at each event, so "in an
hour" means "lately, weighted with one hour". Measures of one group say one kind of thing; only the strongest
of a group counts. A measure that is no counter is computed in :mod:`service.kernel.features`.
"""

from enum import IntEnum

from service.kernel.measure_types import (
    DAY,
    HOUR,
    SIX_HOURS,
    TEN_MINUTES,
    WEEK,
    Counter,
    Measure,
    MeasureGroup,
    Signal,
)

_G, _S = MeasureGroup, Signal


class M(IntEnum):
    """Index of each measure in the measure vector, with its description."""

    spec: Measure

    def __new__(cls, spec: Measure) -> "M":
        """Number the measures in the order in which they stand."""
        member = int.__new__(cls, len(cls.__members__))
        member._value_ = len(cls.__members__)
        member.spec = spec
        return member

    # fmt: off
    DOCS_10M = Measure(
        _G.RATE, "Documents in 10 minutes", "documents", "{n} documents in 10 minutes", (1, 6, 15.3, 35),
        "bulk-download", counter=Counter(_S.DOCUMENT, TEN_MINUTES),
    )
    DOCS_1H = Measure(
        _G.RATE, "Documents in an hour", "documents", "{n} documents in one hour", (1.5, 10, 40.7, 83),
        "bulk-download", counter=Counter(_S.DOCUMENT, HOUR),
    )
    DOCS_10M_Z = Measure(
        _G.RATE, "Documents in 10 minutes against own history", "standard deviations",
        "documents in 10 minutes {n} standard deviations above its own busiest", (0.3, 1.5, 2.72, 4),
        "bulk-download", own="DOCS_10M",
    )
    DOCS_1H_Z = Measure(
        _G.RATE, "Documents in an hour against own history", "standard deviations",
        "documents in an hour {n} standard deviations above its own busiest", (0.3, 1.5, 3.13, 4.4),
        "bulk-download", own="DOCS_1H",
    )
    REQUESTS_1H = Measure(
        _G.RATE, "Requests in an hour", "requests", "{n} requests in one hour", (15, 60, 150, 400),
        "bulk-download", counter=Counter(_S.REQUEST, HOUR),
    )
    MB_1H = Measure(
        _G.RATE, "Megabytes in an hour", "MB", "{n} MB in one hour", (3, 15, 78.2, 175), "bulk-download",
        counter=Counter(_S.MEGABYTES, HOUR),
    )
    DOCS_1D = Measure(
        _G.DAY, "Documents in a day", "documents", "{n} documents in a day", (2, 14, 91.9, 364),
        "sustained-download", counter=Counter(_S.DOCUMENT, DAY),
    )
    DOCS_1D_Z = Measure(
        _G.DAY, "Documents in a day against own history", "standard deviations",
        "documents in a day {n} standard deviations above its own busiest", (0.3, 1.5, 3.37, 4.85),
        "sustained-download", own="DOCS_1D",
    )
    MB_1D = Measure(
        _G.DAY, "Megabytes in a day", "MB", "{n} MB in a day", (4, 30, 159, 674), "sustained-download",
        counter=Counter(_S.MEGABYTES, DAY),
    )
    DOCS_7D = Measure(
        _G.WEEK, "Documents in a week", "documents", "{n} documents in a week", (4, 25, 144, 806),
        "sustained-download", counter=Counter(_S.DOCUMENT, WEEK),
    )
    DOCS_7D_Z = Measure(
        _G.WEEK, "Documents in a week against own history", "standard deviations",
        "documents in a week {n} standard deviations above its own busiest", (0.3, 1.5, 3.22, 4.35),
        "sustained-download", own="DOCS_7D",
    )
    NETWORKS_1D = Measure(
        _G.SPREAD, "Networks in a day", "networks", "{n} networks in a day", (1, 2, 4, 8), "many-networks",
    )
    OWNERS_1D = Measure(
        _G.SPREAD, "Network owners in a day", "owners", "{n} network owners in a day", (1, 2, 3, 5),
        "many-networks",
    )
    CITIES_1D = Measure(
        _G.SPREAD, "Cities in a day", "cities", "{n} cities in a day", (1, 2, 3, 5), "many-networks",
    )
    COUNTRIES_1D = Measure(
        _G.SPREAD, "Countries in a day", "countries", "{n} countries in a day", (1, 1, 2, 3),
        "many-networks",
    )
    NETWORKS_1D_Z = Measure(
        _G.SPREAD, "Networks in a day against own history", "standard deviations",
        "networks in a day {n} standard deviations above its own most", (0.2, 1.5, 3, 5), "many-networks",
        own="NETWORKS_1D",
    )
    ADDRESSES_1D = Measure(
        _G.SPREAD, "Addresses in a day", "addresses", "{n} addresses in a day", (1, 2, 4, 9),
        "many-networks",
    )
    SESSIONS_1D = Measure(
        _G.SPREAD, "Sessions in a day", "sessions", "{n} sessions in a day", (1, 3, 5, 8), "many-networks",
    )
    SPEED = Measure(
        _G.TRAVEL, "Travel speed to an unfamiliar city", "km/h",
        "a journey to an unfamiliar city at {n} km/h", (0, 20, 2000, 12000), "impossible-travel",
        counter=Counter(_S.SPEED, SIX_HOURS),
    )
    SWITCHES_1H = Measure(
        _G.TRAVEL, "Changes of address within 10 minutes", "changes",
        "{n} changes of address within minutes of each other", (0, 1, 4, 10), "impossible-travel",
        counter=Counter(_S.SWITCH, HOUR),
    )
    TWO_PLACES = Measure(
        _G.TRAVEL, "In two distant places at once", "changes",
        "{n} changes between distant places within 10 minutes", (0, 0, 0.901, 3), "impossible-travel",
        counter=Counter(_S.TWO_PLACES, HOUR),
    )
    SESSION_MOVED = Measure(
        _G.TRAVEL, "One session on two networks", "moves",
        "one session carried {n} times to another network", (0, 0.3, 1, 3), "session-carried-off",
        counter=Counter(_S.SESSION_MOVED, DAY),
    )
    PLATFORMS_1H = Measure(
        _G.TARGETS, "Platforms in an hour", "platforms", "{n} platforms in one hour", (3, 5, 12, 16),
        "account-testing",
    )
    PLATFORMS_1H_Z = Measure(
        _G.TARGETS, "Platforms in an hour against own history", "standard deviations",
        "platforms in an hour {n} standard deviations above its own most", (0.3, 1.5, 2.6, 4),
        "account-testing", own="PLATFORMS_1H",
    )
    DOCS_NEW_PLATFORM_1D = Measure(
        _G.TARGETS, "Documents from platforms new to it", "documents",
        "{n} documents in a day from platforms it does not use", (0.1, 2, 14.6, 59.4), "account-testing",
        counter=Counter(_S.NEW_PLATFORM, DAY),
    )
    HOPS_1H = Measure(
        _G.TARGETS, "Hops between platforms in an hour", "hops", "{n} hops between platforms in one hour",
        (2.91, 7.08, 34.5, 69.1), "account-testing", counter=Counter(_S.HOP, HOUR),
    )
    ERRORS_1H = Measure(
        _G.ERRORS, "Refused or missing pages in an hour", "errors",
        "{n} refused or missing pages in one hour", (0, 1, 5, 15), "refused-pages",
        counter=Counter(_S.ERROR, HOUR),
    )
    ERROR_SHARE = Measure(
        _G.ERRORS, "Share of refused or missing pages", "%", "{n} % of its requests refused or missing",
        (0, 3, 10, 29), "refused-pages",
    )
    LOGIN_FAILED_1H = Measure(
        _G.ERRORS, "Failed logins in an hour", "failures", "{n} failed logins in one hour", (0, 1, 3, 8),
        "login-after-failures", counter=Counter(_S.LOGIN_FAILED, HOUR),
    )
    FAILED_THEN_OK = Measure(
        _G.ERRORS, "Login from another network right after failures", "times",
        "a login from another network right after failed ones", (0, 0, 0.01, 0.5), "login-after-failures",
        counter=Counter(_S.FAILED_THEN_OK, DAY),
    )
    REGULAR = Measure(
        _G.RHYTHM, "Documents at a machine's rhythm", "documents",
        "about {n} documents an hour at evenly spaced moments", (0, 1, 6, 20), "machine-rhythm",
    )
    SWEEP = Measure(
        _G.RHYTHM, "Documents of one journal in order", "documents",
        "{n} documents of one journal in order", (0, 2, 6, 15), "journal-sweep",
    )
    PDF_ONLY = Measure(
        _G.RHYTHM, "Documents taken without pages around them", "documents",
        "about {n} documents an hour taken without looking at a page", (0, 3, 27, 77.9), "machine-rhythm",
    )
    DOCS_NEW_NETWORK_1D = Measure(
        _G.NOVELTY, "Documents from unfamiliar networks in a day", "documents",
        "{n} documents in a day from networks it does not use", (0.077, 3.25, 25.2, 112),
        "unfamiliar-network", counter=Counter(_S.NEW_NETWORK, DAY),
    )
    DOCS_NEW_NETWORK_7D = Measure(
        _G.NOVELTY, "Documents from unfamiliar networks in a week", "documents",
        "{n} documents in a week from networks it does not use", (0.534, 5.49, 47.7, 215),
        "unfamiliar-network", counter=Counter(_S.NEW_NETWORK, WEEK),
    )
    DOCS_YOUNG_NETWORK_7D = Measure(
        _G.NOVELTY, "Documents from networks first seen lately", "documents",
        "{n} documents in a week from networks first seen less than three weeks ago",
        (0.534, 5.49, 47.7, 215), "unfamiliar-network", counter=Counter(_S.YOUNG_NETWORK, WEEK),
    )
    DOCS_JOINT_1D = Measure(
        _G.NOVELTY, "Documents from unfamiliar network and platform in a day", "documents",
        "{n} documents in a day from a network and a platform that are both unfamiliar",
        (0.00277, 1, 11.8, 59.4), "unfamiliar-network-and-platform", counter=Counter(_S.JOINT, DAY),
    )
    DOCS_JOINT_7D = Measure(
        _G.NOVELTY, "Documents from unfamiliar network and platform in a week", "documents",
        "{n} documents in a week from a network and a platform that are both unfamiliar",
        (0.0429, 2.65, 21.8, 141), "unfamiliar-network-and-platform", counter=Counter(_S.JOINT, WEEK),
    )
    DOCS_HOSTING_1D = Measure(
        _G.NOVELTY, "Documents to hosting or VPN networks", "documents",
        "{n} documents in a day to hosting or VPN networks it does not use", (0, 0, 1, 10),
        "hosting-network", counter=Counter(_S.HOSTING, DAY),
    )
    DOCS_ODD_HOUR_1D = Measure(
        _G.NOVELTY, "Documents at hours unusual for it", "documents",
        "{n} documents in a day at hours when it is not usually active", (0, 2, 8, 20), "odd-hours",
        counter=Counter(_S.ODD_HOUR, DAY),
    )
    DOCS_AFTER_SLEEP = Measure(
        _G.NOVELTY, "Documents after a long silence", "documents",
        "{n} documents right after a silence of weeks", (0, 0, 1, 5), "awakened-account",
    )
    JOURNALS_1D = Measure(
        _G.TARGETS, "Journals in a day", "journals", "{n} journals in a day", (1, 4, 10, 15),
        "account-testing",
    )
    DOCS_7D_TREND = Measure(
        _G.WEEK, "Rise of reading day after day", "points",
        "weekly reading above its own usual for days on end, {n} points in all", (0, 1, 6, 14),
        "slow-rise", trend="DOCS_7D",
    )
    DOCS_NEW_NETWORK_TREND = Measure(
        _G.NOVELTY, "Rise of reading from unfamiliar networks", "points",
        "more and more read from unfamiliar networks for days on end, {n} points in all", (0, 1, 6, 14),
        "slow-rise", trend="DOCS_NEW_NETWORK_7D",
    )
    # fmt: on


K = len(M)
G = len(MeasureGroup)
GROUP_OF: tuple[int, ...] = tuple(int(m.spec.group) for m in M)
# Measures that are also compared with the account's own daily maxima: (base, its z measure).
OWN: tuple[tuple[M, M], ...] = tuple((M[m.spec.own], m) for m in M if m.spec.own)
BASE_OF: dict[M, M] = {z: base for base, z in OWN}
# Measures whose slow rise is followed: (base, its cumulative sum of what days are above the account's usual).
TRENDS: tuple[tuple[M, M], ...] = tuple((M[m.spec.trend], m) for m in M if m.spec.trend)
# Counters as they lie in an account's record: those of version 2 in its order, later ones behind them.
_VERSION_2 = (
    M.DOCS_10M, M.DOCS_1H, M.DOCS_1D, M.DOCS_7D, M.REQUESTS_1H, M.MB_1H, M.MB_1D, M.ERRORS_1H, M.HOPS_1H,
    M.SWITCHES_1H, M.TWO_PLACES, M.SESSION_MOVED, M.LOGIN_FAILED_1H, M.FAILED_THEN_OK, M.SPEED,
    M.DOCS_NEW_NETWORK_1D, M.DOCS_NEW_NETWORK_7D, M.DOCS_YOUNG_NETWORK_7D, M.DOCS_JOINT_1D, M.DOCS_JOINT_7D,
    M.DOCS_NEW_PLATFORM_1D, M.DOCS_HOSTING_1D, M.DOCS_ODD_HOUR_1D,
)  # fmt: skip
COUNTERS: tuple[M, ...] = (*_VERSION_2, *(m for m in M if m.spec.counter and m not in _VERSION_2))
VERSION = max(m.spec.since for m in M)  # of the account's record
